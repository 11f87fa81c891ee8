import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { formatValidity } from "../../src/wire/kmsauth.ts";
import { formatPublicKey, parsePublicKey } from "../../src/wire/public-key.ts";
import { publicBlob, sha256Fingerprint } from "../../src/wire/signature.ts";
import { certificateIn, decrypt, kmsauth, MINUTE, makeToken, makeWorld, NOW, personLine, request } from "./world.ts";

const DAY = 24 * 60 * MINUTE;

function refused(errorMessage: string): { errorType: string; errorMessage: string } {
  return { errorType: "KMSAuthValidationError", errorMessage };
}
async function askWith(kmsauth_token: string, now = NOW): ReturnType<ReturnType<typeof makeWorld>["ask"]> {
  return makeWorld({}, { now: () => now }).ask({ ...request, kmsauth_token });
}

describe("a token", () => {
  test("that is missing or empty is asked for", async () => {
    const { kmsauth_token: _, ...without } = request;
    const missing = { errorType: "InputValidationError", errorMessage: "Invalid request, missing kmsauth token" };
    expect(await makeWorld().ask(without)).toEqual(missing);
    expect(await askWith("")).toEqual(missing);
  });

  test("of someone else, for another service or of a service is refused", async () => {
    const general = refused("Authentication error. General error.");
    expect(await askWith(makeToken({ from: "mallory" }))).toEqual(general);
    expect(await askWith(makeToken({ to: "other" }))).toEqual(general);
    expect(await askWith(makeToken({ userType: "service" }))).toEqual(general);
  });

  test("that is no base64, no ciphertext or no JSON is refused", async () => {
    const general = refused("Authentication error. General error.");
    for (const token of ["*", "AAAA", "AA=", makeToken({ plaintext: "{" }), makeToken({ plaintext: "" })]) {
      expect(await askWith(token)).toEqual(general);
    }
  });

  test("is refused when KMS does not answer", async () => {
    const decrypt = (): Promise<never> => Promise.reject(new Error("connect ECONNREFUSED"));
    const world = makeWorld({}, { decrypt });
    expect(await world.ask(request)).toEqual(refused("Authentication error. General error."));
  });

  test("under another key is refused, and so is any when no key is configured", async () => {
    const wrongKey = refused("Authentication error (wrong KMS key).");
    expect(await askWith(makeToken({ keyId: "arn:aws:kms:eu-west-1:111122223333:key/other" }))).toEqual(wrongKey);
    expect(await makeWorld({ kmsauth: { ...kmsauth, keyArns: [] } }).ask(request)).toEqual(wrongKey);
  });

  test("without proper times is refused", async () => {
    const times = '{"not_before":"20240506T070000Z","not_after":"tomorrow"}';
    for (const plaintext of ["{}", "null", "[]", '"x"', times]) {
      expect(await askWith(makeToken({ plaintext }))).toEqual(refused("Authentication error. Missing validity."));
    }
  });

  test("may span an hour and no second more", async () => {
    const hour = makeToken({ plaintext: formatValidity(NOW - MINUTE, NOW + 59 * MINUTE) });
    const more = makeToken({ plaintext: formatValidity(NOW - MINUTE, NOW + 59 * MINUTE + 1000) });
    expect(certificateIn(await askWith(hour)).principals).toEqual(["alice"]);
    expect(await askWith(more)).toEqual(refused("Authentication error. Token lifetime exceeded."));
  });

  // python-kmsauth looks at timedelta.seconds, which leaves whole days out, and lets this one through.
  test("that spans thirty days and an hour is refused", async () => {
    const plaintext = formatValidity(NOW - DAY, NOW + 29 * DAY + 60 * MINUTE);
    expect(await askWith(makeToken({ plaintext }))).toEqual(refused("Authentication error. Token lifetime exceeded."));
  });

  test("is good from its first to its last moment", async () => {
    const [first, last] = [NOW - 3 * MINUTE, NOW + 57 * MINUTE];
    const invalid = refused("Authentication error. Invalid time validity for token.");
    const token = makeToken({});
    for (const now of [first, NOW, last]) expect(await askWith(token, now)).toHaveProperty("certificate");
    for (const now of [first - 1, last + 1]) expect(await askWith(token, now)).toEqual(invalid);
  });

  test("whose end is before its beginning is never good", async () => {
    const token = makeToken({ plaintext: formatValidity(NOW + MINUTE, NOW - MINUTE) });
    expect(await askWith(token)).toEqual(refused("Authentication error. Invalid time validity for token."));
  });

  test("cannot be of a name with a slash", async () => {
    const name = "a/b";
    const event = { ...request, bastion_user: name, remote_usernames: name, kmsauth_token: makeToken({ from: name }) };
    expect(await makeWorld({ usernameValidation: "principal" }).ask(event)).toEqual(
      refused("Unsupported username format."),
    );
  });
});

describe("a token that is bound to a key", () => {
  const publicKey = sha256Fingerprint(parsePublicKey(personLine).blob);
  const bound = makeToken({ publicKey });

  test("is taken for that key, and the log says so", async () => {
    const world = makeWorld();
    expect(await world.ask({ ...request, kmsauth_token: bound })).toHaveProperty("certificate");
    expect(world.records).toMatchObject([{ decision: "granted", proof: "kmsauth-bound" }]);
  });

  test("signs no other key", async () => {
    const other = formatPublicKey({
      type: "ssh-ed25519",
      blob: publicBlob(generateKeyPairSync("ed25519").publicKey),
      comment: "",
    });
    for (const bindPublicKey of ["accept", "require", "off"] as const) {
      const world = makeWorld({ kmsauth: { ...kmsauth, bindPublicKey } });
      expect(await world.ask({ ...request, kmsauth_token: bound, public_key_to_sign: other })).toEqual(
        refused("Authentication error. General error."),
      );
    }
  });

  test("is the only one taken where that is required, and offered in every answer", async () => {
    const world = makeWorld({ kmsauth: { ...kmsauth, bindPublicKey: "require" } });
    expect(await world.ask({ ...request, kmsauth_token: bound })).toHaveProperty("certificate");
    expect(await world.ask(request)).toEqual(
      refused("Authentication error. The token must be bound to the public key."),
    );
    expect(await world.offers(request)).toEqual(["bound-token"]);
    expect(await world.offers({})).toEqual(["bound-token"]);
  });

  test("is unknown where binding is off, as to BLESS", async () => {
    const world = makeWorld({ kmsauth: { ...kmsauth, bindPublicKey: "off" } });
    expect(await world.ask({ ...request, kmsauth_token: bound })).toEqual(
      refused("Authentication error. General error."),
    );
    expect(await world.offers(request)).toEqual([]);
  });

  test("costs one decryption, and no more are tried once KMS does not answer", async () => {
    let calls = 0;
    const counting: typeof decrypt = (ciphertext, context) => {
      calls++;
      return decrypt(ciphertext, context);
    };
    await makeWorld({}, { decrypt: counting }).ask({ ...request, kmsauth_token: bound });
    expect(calls).toBe(1);
    const down = (): Promise<never> => {
      calls++;
      return Promise.reject(Object.assign(new Error("no answer"), { name: "TimeoutError" }));
    };
    await makeWorld({}, { decrypt: down }).ask(request);
    expect(calls).toBe(2);
  });
});

describe("a service's token", () => {
  const services = { names: ["deploy"], keyArns: ["arn:aws:kms:eu-west-1:111122223333:key/services"] };
  const keyId = services.keyArns[0] ?? "";
  const event = { ...request, bastion_user: "deploy", remote_usernames: "deploy" };
  const world = () => makeWorld({ kmsauth: { ...kmsauth, services } });

  test("may be of version 1, which binds no user type, or of version 2", async () => {
    for (const version of [1, 2]) {
      const kmsauth_token = makeToken({ from: "deploy", userType: "service", keyId, version });
      expect(await world().ask({ ...event, kmsauth_token })).toHaveProperty("certificate");
    }
  });

  test("must be under a service's key, and a person's under a person's", async () => {
    const wrongKey = refused("Authentication error (wrong KMS key).");
    const kmsauth_token = makeToken({ from: "deploy", userType: "service" });
    expect(await world().ask({ ...event, kmsauth_token })).toEqual(wrongKey);
    expect(await world().ask({ ...request, kmsauth_token: makeToken({ keyId }) })).toEqual(wrongKey);
  });

  test("of version 1 is none of a person's, and a person's is none of a service's", async () => {
    const general = refused("Authentication error. General error.");
    expect(await world().ask({ ...request, kmsauth_token: makeToken({ version: 1 }) })).toEqual(general);
    const kmsauth_token = makeToken({ from: "deploy", userType: "user", keyId });
    expect(await world().ask({ ...event, kmsauth_token })).toEqual(general);
  });
});

describe("the names that a user may have", () => {
  async function askFor(remote_usernames: string, remoteUsernamesAllowed: string[]): Promise<unknown> {
    return makeWorld({ remoteUsernamesAllowed }).ask({ ...request, remote_usernames });
  }

  test("are the own one alone when no others are allowed", async () => {
    expect(await askFor("alice", [])).toHaveProperty("certificate");
    for (const other of ["root", "alice,root"]) {
      expect(await askFor(other, [])).toEqual(refused("remote_usernames must be the same as bastion_user"));
    }
  });

  test("are those on the list, which has to hold the own one as well", async () => {
    expect(await askFor("web,db", ["web", "db"])).toHaveProperty("certificate");
    expect(await askFor("web,root", ["web", "db"])).toEqual(refused("unallowed remote_usernames [web,root]"));
    expect(await askFor("alice", ["web", "db"])).toEqual(refused("unallowed remote_usernames [alice]"));
  });

  test("are any when the list is a star, which beside others is only a name", async () => {
    expect(await askFor("root,web", ["*"])).toHaveProperty("certificate");
    expect(await askFor("root", ["*", "web"])).toEqual(refused("unallowed remote_usernames [root]"));
  });

  test("may each want membership of an IAM group", async () => {
    const settings = { remoteUsernamesAllowed: ["*"], groups: { nameFormat: "ssh-{}" } };
    const groupsOf = async (name: string): Promise<string[]> =>
      name === "alice" ? ["ssh-web", "ssh-db", "other"] : [];
    const ask = (remote_usernames: string) => makeWorld(settings, { groupsOf }).ask({ ...request, remote_usernames });
    expect(await ask("web,db")).toHaveProperty("certificate");
    expect(await ask("web,root")).toEqual(refused("user alice is not in the ssh-root iam group"));
    expect(await ask("other")).toEqual(refused("user alice is not in the ssh-other iam group"));
    const nobody = () => Promise.reject(Object.assign(new Error("no such user"), { name: "NoSuchEntity" }));
    expect(await makeWorld(settings, { groupsOf: nobody }).ask({ ...request, remote_usernames: "web" })).toEqual(
      refused("user alice is not in the ssh-web iam group"),
    );
    const down = makeWorld(settings);
    expect(await down.ask({ ...request, remote_usernames: "web" })).toEqual({
      errorType: "ClientError",
      errorMessage: "IAM did not tell the user's groups.",
    });
    expect(down.records).toMatchObject([
      { decision: "refused", cause: expect.stringMatching(/^AccessDeniedException: /) },
    ]);
  });

  test("still need a good token", async () => {
    const world = makeWorld({ remoteUsernamesAllowed: ["*"] });
    expect(await world.ask({ ...request, kmsauth_token: makeToken({ from: "mallory" }) })).toHaveProperty("errorType");
  });
});
