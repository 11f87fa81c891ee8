// What stands in the CA's place when a scenario wants a CA that lies, fails or stammers.
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type { FunctionHandler } from "../../src/sandbox/aws/lambda.ts";
import type { World } from "../../src/sandbox/aws/world.ts";
import type { UserRequest } from "../../src/wire/bless.ts";
import { concat, encodeBase64, encodeText, string, text } from "../../src/wire/bytes.ts";
import { parseCertificate } from "../../src/wire/certificate.ts";
import { type CertificateOrder, makeCertificate } from "../../src/wire/certificate-maker.ts";
import { parsePublicKey } from "../../src/wire/public-key.ts";
import { publicBlob, signBytes } from "../../src/wire/signature.ts";

type Behaviour = (bless: FunctionHandler, world: () => World) => FunctionHandler;

const answer = (value: unknown) => ({ payload: encodeText(typeof value === "string" ? value : JSON.stringify(value)) });

function caKey(world: World): KeyObject {
  return createPrivateKey({ key: world.ca.privateKeyPem, passphrase: Buffer.from(world.ca.passphrase) });
}

/** A CA that signs what it was asked for, but for what `change` makes different. */
function signing(
  change: (order: CertificateOrder, request: UserRequest) => Partial<CertificateOrder>,
  key: (world: World) => KeyObject = caKey,
): Behaviour {
  return (_bless, world) => async (payload) => {
    const request = JSON.parse(new TextDecoder().decode(payload)) as UserRequest;
    const now = BigInt(Math.floor(world().now() / 1000));
    const order: CertificateOrder = {
      publicKey: parsePublicKey(request.public_key_to_sign).blob,
      kind: "user",
      serial: 7n,
      keyId: "request[test]",
      principals: request.remote_usernames.split(","),
      validAfter: now - 120n,
      validBefore: now + 1800n,
      criticalOptions: new Map([["source-address", request.bastion_ips]]),
      extensions: new Map([["permit-pty", ""]]),
      nonce: randomBytes(32),
    };
    const signer = key(world());
    const line = await makeCertificate(
      { ...order, ...change(order, request) },
      { publicBlob: publicBlob(signer), sign: (bytes) => signBytes(signer, bytes) },
    );
    return answer({ certificate: line });
  };
}

const foreignKey = () => generateKeyPairSync("ed25519").privateKey;
const rsaKey = (() => {
  let key: KeyObject | undefined;
  return () => {
    key ??= generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    return key;
  };
})();

/** The certificate signed once more, by RSA with SHA-1, as Netflix's BLESS does. */
const sha1: Behaviour = (bless, world) => async (payload, context) => {
  const { payload: made } = await signing(() => ({}), rsaKey)(bless, world)(payload, context);
  const { certificate } = JSON.parse(new TextDecoder().decode(made)) as { certificate: string };
  const { type, signed } = parseCertificate(certificate);
  const signature = concat(text("ssh-rsa"), string(sign("sha1", signed, rsaKey())));
  return answer({ certificate: `${type} ${encodeBase64(concat(signed, string(signature)))}` });
};

/** The certificate with another signature of the same CA: that of other bytes. */
const forged: Behaviour = (bless, world) => async (payload, context) => {
  const { payload: made } = await signing(() => ({}))(bless, world)(payload, context);
  const { certificate } = JSON.parse(new TextDecoder().decode(made)) as { certificate: string };
  const { type, signed } = parseCertificate(certificate);
  const signature = signBytes(caKey(world()), randomBytes(32));
  return answer({ certificate: `${type} ${encodeBase64(concat(signed, string(signature)))}` });
};

/** Answers by the first behaviour once, by BLESS from then on. */
function once(first: Behaviour): Behaviour {
  return (bless, world) => {
    let count = 0;
    return (payload, context) => (count++ === 0 ? first(bless, world) : bless)(payload, context);
  };
}

const says =
  (value: unknown): Behaviour =>
  () =>
  async () =>
    answer(value);
const kmsauthRefusal = { errorType: "KMSAuthValidationError", errorMessage: "Invalid time validity for token." };

export const behaviours: Readonly<Record<string, Behaviour>> = {
  honest: signing(() => ({})),
  "other key": signing(() => ({ publicKey: publicBlob(foreignKey()) })),
  "more principals": signing((order) => ({ principals: [...order.principals, "root"] })),
  "other principals": signing(() => ({ principals: ["root"] })),
  "no principals": signing(() => ({ principals: [] })),
  "too long": signing((order) => ({ validBefore: order.validAfter + 90_000n })),
  forever: signing(() => ({ validBefore: 0xffff_ffff_ffff_ffffn })),
  "not yet valid": signing((order) => ({
    validAfter: order.validAfter + 3600n,
    validBefore: order.validBefore + 3600n,
  })),
  expired: signing((order) => ({ validAfter: order.validAfter - 7200n, validBefore: order.validAfter - 3600n })),
  "other CA": signing(() => ({}), foreignKey),
  "host type": signing(() => ({ kind: "host" })),
  "unknown critical option": signing((order) => ({
    criticalOptions: new Map([...order.criticalOptions, ["verify-required@example.com", "yes"]]),
  })),
  "force command": signing((order) => ({
    criticalOptions: new Map([...order.criticalOptions, ["force-command", "id"]]),
  })),
  "wider source address": signing(() => ({ criticalOptions: new Map([["source-address", "0.0.0.0/0"]]) })),
  "no source address": signing(() => ({ criticalOptions: new Map() })),
  "unknown extension": signing(() => ({ extensions: new Map([["permit-everything@example.com", ""]]) })),
  sha1,
  forged,
  garbage: says("\u0000<<not an answer>>"),
  html: says("<html><body>Please log in to the hotel's network</body></html>"),
  null: says(null),
  huge: () => async () => ({ payload: new Uint8Array(400_000).fill(0x20) }),
  "certificate of words": says({ certificate: "ssh-ed25519-cert-v01@openssh.com this-is-none" }),
  unforeseen: () => async () => {
    throw new RangeError("the clock\u009b31m struck thirteen\nand stopped");
  },
  "escape sequences in names": signing((order) => ({
    keyId: "\u001b]0;owned\u0007",
    principals: [...order.principals, "\u001b[31mroot\u001b[0m\nbssh: all is well"],
  })),
  empty: () => async () => ({ payload: new Uint8Array(0) }),
  "escape sequences": says({
    errorType: "ClientError",
    errorMessage: "\u001b]0;owned\u0007\u001b[31mred\u001b[0m\nbssh: all is well",
  }),
  "truncated certificate": (bless) => async (payload, context) => {
    const { certificate } = JSON.parse(new TextDecoder().decode((await bless(payload, context)).payload));
    return answer({ certificate: certificate.slice(0, 400) });
  },
  "function error": () => async () => ({
    payload: encodeText(
      JSON.stringify({ errorMessage: "Unsafe RSA public key", errorType: "ValueError", stackTrace: ["line 1"] }),
    ),
    functionError: "Unhandled",
  }),
  "function timeout": () => async () => ({
    payload: encodeText(
      JSON.stringify({ errorMessage: "2026-01-01T00:00:00.000Z 9d2f Task timed out after 10.00 seconds" }),
    ),
    functionError: "Unhandled",
  }),
  "input validation": says({
    errorType: "InputValidationError",
    errorMessage: "{'bastion_user': ['Username contains invalid characters.']}",
  }),
  "client error": says({ errorType: "ClientError", errorMessage: "An error occurred (AccessDeniedException)" }),
  "bad addresses": says({
    errorType: "InputValidationError",
    errorMessage: "{'bastion_ips': ['Invalid IP address.']}",
  }),
  "bad key": says({
    errorType: "InputValidationError",
    errorMessage: "{'public_key_to_sign': ['Invalid SSH Public Key.']}",
  }),
  "bad principals": says({
    errorType: "InputValidationError",
    errorMessage: "{'remote_usernames': ['Principal contains invalid characters.']}",
  }),
  "bad something": says({ errorType: "InputValidationError", errorMessage: "{'command': ['Not a valid string.']}" }),
  "kmsauth refusal": says(kmsauthRefusal),
  "kmsauth wrong key": says({
    errorType: "KMSAuthValidationError",
    errorMessage: "Authentication error. Invalid token, wrong KMS key.",
  }),
  "kmsauth lifetime": says({ errorType: "KMSAuthValidationError", errorMessage: "Token lifetime exceeded." }),
  "kmsauth user": says({
    errorType: "KMSAuthValidationError",
    errorMessage: "remote_usernames must be the same as bastion_user",
  }),
  "kmsauth refusal once": once(says(kmsauthRefusal)),
};
