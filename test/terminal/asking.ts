// Asks a question and prints what came of it as JSON: TEXT secret|open [MILLISECONDS until the answer isn't wanted any more].
// Its process id stands on stderr.
import { askOnTerminal } from "../../src/terminal/ask.ts";

const [text = "", how = "", wanted] = process.argv.slice(2);
console.error(String(process.pid));
const secret = how === "secret";
const patience = wanted === undefined ? undefined : AbortSignal.timeout(Number(wanted));
try {
  const answer = await askOnTerminal({ text, secret, ...(patience === undefined ? {} : { signal: patience }) });
  console.log(JSON.stringify({ answer }));
} catch (error) {
  console.log(JSON.stringify({ sentence: (error as { sentence?: string }).sentence ?? String(error) }));
}
