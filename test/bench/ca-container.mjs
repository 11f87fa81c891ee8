// A Lambda container of the CA, in plain Node.js: `node ca-container.mjs FOLDER ROUNDS KEY`. Loads the function from FOLDER,
// asks it for one certificate and then for ROUNDS more, and prints the times in milliseconds as JSON. KEY is the CA's own
// private key (PEM), or "" where KMS has it: node:crypto alone signs with it what the certificate has to be signed over.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, rounds, keyPath] = process.argv.slice(2);
const event = JSON.parse(readFileSync(`${folder}/event.json`, "utf8"));
const context = {
  awsRequestId: "00000000-0000-4000-8000-000000000000",
  invokedFunctionArn: "arn:aws:lambda:us-east-1:1:function:bless",
};

const from = performance.now();
const { handler } = await import(pathToFileURL(`${folder}/index.mjs`).href);
const loaded = performance.now();
const first = await handler(event, context);
const cold = performance.now() - from;
if (first.certificate === undefined) throw new Error(JSON.stringify(first));

const { createPrivateKey, sign } = await import("node:crypto");
const key = keyPath === "" ? null : createPrivateKey(readFileSync(keyPath));
// As much as the CA signs for one certificate, all but the signature.
const body = Buffer.from(first.certificate.split(" ")[1], "base64").subarray(0, -100);
const hashes = { prime256v1: "sha256", secp384r1: "sha384", secp521r1: "sha512" };
const hash = key?.asymmetricKeyType === "rsa" ? "sha512" : (hashes[key?.asymmetricKeyDetails?.namedCurve] ?? null);
const form = key === null ? null : { key, dsaEncoding: "ieee-p1363" };
const [handled, signed] = [[], []];
// Warm is what the engine has compiled: it has a second for that.
const isWarm = performance.now() + 1000;
for (let round = 0; round < Number(rounds); ) {
  const start = performance.now();
  const answer = await handler(event, context);
  const between = performance.now();
  if (form !== null) sign(hash, body, form);
  const end = performance.now();
  if (answer.certificate === undefined) throw new Error(JSON.stringify(answer));
  if (end < isWarm) continue;
  round += 1;
  handled.push(between - start);
  signed.push(end - between);
}
const median = (values) => values.sort((one, other) => one - other)[values.length >> 1] ?? null;
process.stderr.write(JSON.stringify({ cold, load: loaded - from, handled: median(handled), signed: median(signed) }));
