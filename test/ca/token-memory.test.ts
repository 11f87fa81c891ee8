import { expect, test } from "bun:test";
import { rememberingDecrypt } from "../../src/ca/token-memory.ts";
import { decrypt, MINUTE, makeToken, makeWorld, NOW, request } from "./world.ts";

function counted() {
  const counter = { calls: 0 };
  const counting: typeof decrypt = (ciphertext, context) => {
    counter.calls++;
    return decrypt(ciphertext, context);
  };
  return { counter, counting };
}

test("a token costs one call of KMS however often it comes, and ends when it ends all the same", async () => {
  const { counter, counting } = counted();
  let now = NOW;
  const world = makeWorld(
    { kmsauth: { keyArns: ["k"], service: "bless", bindPublicKey: "off" } },
    {
      decrypt: counting,
      now: () => now,
    },
  );
  const event = { ...request, kmsauth_token: makeToken({ keyId: "k" }) };
  for (let round = 0; round < 5; round++) expect(await world.ask(event)).toHaveProperty("certificate");
  expect(counter.calls).toBe(1);
  now = NOW + 58 * MINUTE;
  expect(await world.ask(event)).toHaveProperty(
    "errorMessage",
    "Authentication error. Invalid time validity for token.",
  );
});

test("a token is not another's because it was opened before", async () => {
  const { counter, counting } = counted();
  const remembering = rememberingDecrypt(counting);
  const token = Buffer.from(makeToken({}), "base64");
  const context = { from: "alice", to: "bless", user_type: "user" };
  await remembering(token, context);
  await remembering(token, { user_type: "user", to: "bless", from: "alice" });
  expect(counter.calls).toBe(1);
  for (const wrong of [
    { ...context, from: "mallory" },
    { ...context, public_key: "SHA256:x" },
  ]) {
    await expect(remembering(token, wrong)).rejects.toThrow("wrong context");
    await expect(remembering(token, wrong)).rejects.toThrow("wrong context");
  }
  expect(counter.calls).toBe(5);
});

test("the memory has an end: what was used longest ago is asked for again", async () => {
  let calls = 0;
  const remembering = rememberingDecrypt(async (plaintext) => {
    calls++;
    return { plaintext, keyId: "k" };
  });
  const ask = (number: number) => remembering(Buffer.from(`${number}`), {});
  for (let number = 0; number <= 4096; number++) await ask(number);
  expect(calls).toBe(4097);
  await ask(4096);
  expect(calls).toBe(4097);
  await ask(0);
  expect(calls).toBe(4098);
});
