// Loads the function as Lambda does, under Node.js alone, and calls it: `node invoke.mjs FOLDER ANSWERS`, the calls as JSON on
// standard input. Standard output is the function's log.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, file] = process.argv.slice(2);
const calls = JSON.parse(readFileSync(0, "utf8"));
const begun = performance.now();
const code = await import(pathToFileURL(join(folder, "index.mjs")).href);
const answers = [];
for (const { entry, event } of calls) {
  const context = {
    awsRequestId: `request-${answers.length}`,
    invokedFunctionArn: "arn:aws:lambda:us-east-1:210987654321:function:bless",
  };
  const answer = await code[entry](event, context);
  answers.push({ answer, ms: performance.now() - begun });
}
writeFileSync(file, JSON.stringify(answers));
