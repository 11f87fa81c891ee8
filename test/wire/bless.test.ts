import { describe, expect, test } from "bun:test";
import { encodeHostRequest, encodeUserRequest, parseAnswer } from "../../src/wire/bless.ts";
import { WireError } from "../../src/wire/bytes.ts";

const answer = (value: unknown): ReturnType<typeof parseAnswer> =>
  parseAnswer(new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value)));

describe("a request", () => {
  const request = {
    bastion_ips: "192.0.2.1",
    bastion_user: "alice",
    bastion_user_ip: "192.0.2.1",
    command: "ssh web1",
    public_key_to_sign: "ssh-ed25519 AAAA é",
    remote_usernames: "alice",
  };
  const read = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));

  test("holds the contract's fields and no others", () => {
    expect(read(encodeUserRequest(request))).toEqual(request);
    const more = { ...request, kmsauth_token: "dG9rZW4=", secret: "x" };
    expect(read(encodeUserRequest(more))).toEqual({ ...request, kmsauth_token: "dG9rZW4=" });
    const proven = { ...request, caller_identity: "e30=" };
    expect(read(encodeUserRequest(proven))).toEqual(proven);
  });

  test("of a host holds BLESS's two fields, and the proofs that are given", () => {
    const host = { hostnames: "web1.example.com", public_key_to_sign: "ssh-ed25519 AAAA" };
    expect(read(encodeHostRequest(host))).toEqual(host);
    const proven = {
      ...host,
      caller_identity: "e30=",
      instance_identity_document: "{}",
      instance_identity_signature: "MIA=",
    };
    expect(read(encodeHostRequest({ ...proven, ...{ secret: "x" } }))).toEqual(proven);
  });
});

describe("an answer", () => {
  test("is a certificate, also as Lyft's first branch gives it", () => {
    expect(answer({ certificate: "ssh-rsa-cert-v01@openssh.com AAAA" })).toEqual({
      certificate: "ssh-rsa-cert-v01@openssh.com AAAA",
      offers: [],
    });
    expect(answer('"ssh-rsa-cert-v01@openssh.com AAAA"')).toEqual({
      certificate: "ssh-rsa-cert-v01@openssh.com AAAA",
      offers: [],
    });
  });

  test("is an error with its type, from BLESS or from Lambda", () => {
    const error = { errorType: "KMSAuthValidationError", errorMessage: "Authentication error. General error." };
    expect(answer(error)).toEqual({ ...error, offers: [] });
    expect(answer({ ...error, requestId: "1", stackTrace: [] })).toEqual({ ...error, offers: [] });
    expect(answer({ errorMessage: "Task timed out after 3.00 seconds" })).toEqual({
      errorType: "Unhandled",
      errorMessage: "Task timed out after 3.00 seconds",
      offers: [],
    });
  });

  test("says what the CA offers beside it; what is no list of words offers nothing", () => {
    const offers = ["bound-token", "caller-identity"];
    expect(answer({ certificate: "x", offers })).toEqual({ certificate: "x", offers });
    expect(answer({ errorType: "X", errorMessage: "y", offers })).toEqual({
      errorType: "X",
      errorMessage: "y",
      offers,
    });
    for (const wrong of ["bound-token", null, 5, { 0: "bound-token" }, [["bound-token"]], ["Bound Token\u0007"]]) {
      expect(answer({ certificate: "x", offers: wrong }).offers).toEqual([]);
    }
    expect(answer({ certificate: "x", offers: Array.from({ length: 5000 }, () => "a") }).offers).toHaveLength(16);
  });

  test("that names an error is one, even with a certificate beside it", () => {
    expect(answer({ errorType: "X", errorMessage: "y", certificate: "z" })).toEqual({
      errorType: "X",
      errorMessage: "y",
      offers: [],
    });
  });

  test("is refused with WireError when it is anything else", () => {
    const page = "<html>Please log in to the network</html>";
    for (const wrong of ["", page, "null", "5", "[]", "{}", '""', '{"certificate":5}', '{"certificate":" "}']) {
      expect(() => answer(wrong)).toThrow(WireError);
    }
    expect(() => answer({ errorType: 5, errorMessage: "x" })).toThrow(WireError);
    expect(() => answer({ errorType: "x", errorMessage: [] })).toThrow(WireError);
    expect(() => answer({ certificate: "x".repeat(300_000) })).toThrow(WireError);
    expect(() => parseAnswer(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(WireError);
  });
});
