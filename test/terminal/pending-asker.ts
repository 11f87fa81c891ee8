// Asks up to three times for a code that only `bssh mfa` could give: STATE GOOD-CODE. Prints what came of it as JSON.
import * as files from "../../src/issue/private-files.ts";
import { openPending } from "../../src/terminal/pending.ts";

const [state = "", good = ""] = process.argv.slice(2);
const pending = openPending({ state, files, environment: process.env });
const answers: (string | null)[] = [];
let text = "MFA code (alice)";
while (answers.length < 3 && answers.at(-1) !== good) {
  answers.push(await pending.ask({ text, secret: true }));
  text = "that MFA code was refused; next MFA code (alice)";
}
const accepted = answers.at(-1) === good;
pending.finish({ good: accepted, sentence: accepted ? null : "that MFA code was refused; wait for the next" });
console.log(JSON.stringify(answers));
