import { describe, expect, test } from "bun:test";
import { checkProof, type ProvenRole, personOf } from "../../src/ca/proof.ts";
import type { CallerIdentitySettings } from "../../src/ca/settings.ts";
import { encodeProof } from "../../src/wire/caller-identity.ts";
import {
  ACCOUNT,
  AUDIENCE,
  HOST_A,
  hostBlob,
  makeProof,
  makeSts,
  type ProofChange,
  proofText,
  type Sts,
} from "./host-world.ts";
import { authorityBlob, MINUTE, NOW } from "./world.ts";

async function check(proof: string, sts: Pick<Sts, "ask"> = makeSts(), audience = AUDIENCE) {
  return checkProof({ proof, audience, publicKeyBlob: hostBlob, now: NOW, callerIdentity: sts.ask });
}

async function refusalOf(proof: string, sts?: Pick<Sts, "ask">): Promise<string> {
  const outcome = await check(proof, sts);
  return "refusal" in outcome ? outcome.refusal.errorMessage : "accepted";
}

describe("a proof of identity", () => {
  test("tells the role and the session of who signed it", async () => {
    expect(await check(proofText())).toMatchObject({
      identity: { account: ACCOUNT },
      role: "web-server",
      sessionName: HOST_A,
    });
  });

  test("is sent to STS as it is", async () => {
    const sts = makeSts();
    await check(proofText(), sts);
    expect(sts.asked).toEqual([makeProof()]);
  });

  test("may be five minutes old and one minute ahead, and no more", async () => {
    for (const at of [NOW - 5 * MINUTE, NOW + MINUTE]) expect(await refusalOf(proofText({ at }))).toBe("accepted");
    expect(await refusalOf(proofText({ at: NOW - 5 * MINUTE - 1000 }))).toContain("has expired");
    expect(await refusalOf(proofText({ at: NOW + MINUTE + 1000 }))).toContain("from the future");
  });

  test("may be by long-lived keys, which have no token", async () => {
    const { headers, region } = makeProof();
    const { "x-amz-security-token": _, ...rest } = headers;
    const authorization = headers["authorization"]?.replace("x-amz-security-token;", "") ?? "";
    expect(await refusalOf(encodeProof({ region, headers: { ...rest, authorization } }))).toBe("accepted");
  });

  const unsent: [string, ProofChange, string][] = [
    ["for another CA", { audience: "bless-staging" }, "for another CA"],
    ["for another key", { publicKey: authorityBlob }, "for another key"],
    ["for another service", { authorization: (good) => good.replace("/sts/", "/s3/") }, "not signed for STS"],
    ["for another region", { authorization: (good) => good.replace("eu-west-1", "us-east-1") }, "not signed for STS"],
    ["for another day", { authorization: (good) => good.replace("/2024", "/2023") }, "another day"],
    ["with a date that is none", { headers: { "x-amz-date": "20240506T250000Z" } }, "has no time"],
    ["with a date that wraps", { headers: { "x-amz-date": "20240506T070860Z" } }, "has no time"],
    [
      "with another algorithm",
      { authorization: (good) => good.replace("HMAC-SHA256", "ECDSA-P256-SHA256") },
      "version 4",
    ],
    ["without a signature", { authorization: () => "Bearer token" }, "version 4"],
    ["with a header twice", { authorization: (good) => good.replace("host;", "host;host;") }, "just the headers"],
    ["with one that is not sent", { authorization: (good) => good.replace("host;", "host;x-a;") }, "just the headers"],
  ];
  for (const name of ["content-type", "host", "x-amz-date", "x-amz-security-token", "x-bssh-audience"]) {
    const change = { authorization: (good: string) => good.replace(`${name};`, "") };
    unsent.push([`without ${name} among what is signed`, change, "just the headers"]);
  }
  unsent.push([
    "without x-bssh-public-key among what is signed",
    { authorization: (good) => good.replace(";x-bssh-public-key", "") },
    "just the headers",
  ]);
  test.each(unsent)("%s is refused, and STS not asked", async (_, change, words) => {
    const sts = makeSts();
    expect(await refusalOf(proofText(change), sts)).toContain(words);
    expect(sts.asked).toEqual([]);
  });

  test("that is no proof at all is refused, and STS not asked", async () => {
    const sts = makeSts();
    const { headers, region } = makeProof();
    const texts = [
      "",
      "\0",
      "e30=",
      "x".repeat(20_000),
      btoa("null"),
      btoa("[".repeat(9000)),
      encodeProof({ region: "evil.example.com/", headers }),
      encodeProof({ region, headers: { ...headers, host: "a\r\nx: y" } }),
      encodeProof({ region, headers: { ...headers, cookie: "a" } }),
    ];
    for (const text of texts) expect(await refusalOf(text, sts)).toStartWith("The caller identity cannot be read");
    expect(sts.asked).toEqual([]);
  });

  test("that is nobody's is refused with AWS's word for it", async () => {
    const outcome = await check(proofText({ accessKey: "ASIASTRANGERSTRANGER" }));
    expect(outcome).toEqual({
      refusal: {
        errorMessage: "AWS does not confirm the caller identity (InvalidClientTokenId).",
        cause: "InvalidClientTokenId",
      },
    });
  });

  test("of another content type than it must have is not even sent to STS", async () => {
    const proof = proofText({ headers: { "content-type": "application/json" } });
    expect(await check(proof, { ask: () => Promise.reject(new Error("asked")) })).toMatchObject({
      refusal: { errorMessage: "The caller identity is not the request that it has to be." },
    });
  });

  test("is refused when STS does not answer, and nothing of the error but its name is told", async () => {
    const ask = async () => {
      throw Object.assign(new Error("secret"), { name: "Throttling" });
    };
    expect(await check(proofText(), { ask })).toEqual({
      refusal: { errorMessage: "AWS did not say whose the caller identity is.", cause: "Throttling" },
      isOutage: true,
    });
  });

  test.each([
    [`arn:aws:iam::${ACCOUNT}:user/alice`, "by kmsauth"],
    [`arn:aws:iam::${ACCOUNT}:user/assumed-role/web-server/${HOST_A}`, "by kmsauth"],
    [`arn:aws:iam::${ACCOUNT}:root`, "root user"],
    [`arn:aws:sts::${ACCOUNT}:federated-user/alice`, "federated"],
    [`arn:aws:sts::${ACCOUNT}:assumed-role/web-server`, "not a role's session"],
    [`arn:aws:sts::${ACCOUNT}:assumed-role/a/b/cc`, "not a role's session"],
    [`arn:aws:sts::${ACCOUNT}:assumed-role/web-server/${HOST_A}\n`, "not a role's session"],
    ["", "not a role's session"],
  ])("of %j is nobody's here", async (arn, words) => {
    expect(await refusalOf(proofText(), makeSts(arn))).toContain(words);
  });

  test("whose account is not its role's is refused", async () => {
    const sts = makeSts(`arn:aws:sts::${ACCOUNT}:assumed-role/web-server/${HOST_A}`);
    const ask: Sts["ask"] = async (proof) => ({ ...(await sts.ask(proof)), account: "999999999999" });
    expect(await refusalOf(proofText(), { ask })).toContain("two accounts");
  });
});

describe("a role session", () => {
  const rules: CallerIdentitySettings = {
    audience: AUDIENCE,
    accounts: [ACCOUNT],
    roles: ["AWSReservedSSO_*", "ops"],
    name: "session",
    domain: null,
  };
  function session(sessionName: string, role = "AWSReservedSSO_Dev_0123456789abcdef", account = ACCOUNT): ProvenRole {
    return { identity: { arn: "", account, userId: "" }, role, sessionName };
  }
  const byMail: CallerIdentitySettings = { ...rules, name: "local-part", domain: "example.com" };

  test("is whom its name says", () => {
    expect(personOf(session("alice"), rules)).toEqual({ name: "alice" });
    expect(personOf(session("alice@example.com"), rules)).toEqual({ name: "alice@example.com" });
    expect(personOf(session("alice", "ops"), rules)).toEqual({ name: "alice" });
  });

  test("of an address in the domain is what is before the @", () => {
    expect(personOf(session("alice@example.com"), byMail)).toEqual({ name: "alice" });
    expect(personOf(session("alice@Example.COM"), byMail)).toEqual({ name: "alice" });
  });

  test.each([
    "alice",
    "@example.com",
    "alice@example.com@example.com",
    "alice@evil.com",
    "alice@example.com.evil.com",
    "alice@sub.example.com",
    "alice@",
  ])("named %j is nobody in that domain", (name) => {
    expect(personOf(session(name), byMail)).toHaveProperty("refusal");
  });

  test("is nobody by an address when no domain is set", () => {
    expect(personOf(session("alice@example.com"), { ...byMail, domain: null })).toHaveProperty("refusal");
    expect(personOf(session("alice@"), { ...byMail, domain: "" })).toHaveProperty("refusal");
  });

  test("of another account or another role is nobody", () => {
    expect(personOf(session("alice", "ops", "999999999999"), rules)).toHaveProperty("refusal");
    for (const role of ["ops2", "op", "Ops", "MyAWSReservedSSO_Dev", "AWSReservedSSO"]) {
      expect(personOf(session("alice", role), rules)).toHaveProperty("refusal");
    }
  });
});
