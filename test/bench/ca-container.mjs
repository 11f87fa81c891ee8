// A Lambda container of the CA, in plain Node.js: `node ca-container.mjs FOLDER ROUNDS`. Loads the function from FOLDER, asks it
// for one certificate and then for ROUNDS more, and prints the times in milliseconds as JSON. What node:crypto's sign takes is
// measured where the function calls it: the rest of a call is the handler's own.
import crypto from "node:crypto";
import { readFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, rounds, warmUp] = process.argv.slice(2);
const event = JSON.parse(readFileSync(`${folder}/event.json`, "utf8"));
const context = {
  awsRequestId: "00000000-0000-4000-8000-000000000000",
  invokedFunctionArn: "arn:aws:lambda:us-east-1:111122223333:function:bless",
};

let signing = 0;
const { sign } = crypto;
crypto.sign = (...words) => {
  const from = performance.now();
  const signature = sign(...words);
  signing += performance.now() - from;
  return signature;
};
syncBuiltinESMExports();

const from = performance.now();
const { handler } = await import(pathToFileURL(`${folder}/index.mjs`).href);
const loaded = performance.now();
const first = await handler(event, context);
const cold = performance.now() - from;
if (first.certificate === undefined) throw new Error(JSON.stringify(first));

const [handled, signed] = [[], []];
for (let round = -warmUp; round < Number(rounds); round++) {
  signing = 0;
  const start = performance.now();
  const answer = await handler(event, context);
  const took = performance.now() - start;
  if (answer.certificate === undefined) throw new Error(JSON.stringify(answer));
  if (round < 0) continue;
  handled.push(took - signing);
  signed.push(signing);
}
const median = (values) => values.sort((one, other) => one - other)[values.length >> 1] ?? null;
const times = { cold, load: loaded - from, handled: median(handled), signed: median(signed) };
process.stderr.write(JSON.stringify(times));
