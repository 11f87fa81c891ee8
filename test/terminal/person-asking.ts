// Asks one question and prints what came of it as JSON: STATE JSON, whose names are those of `Places`, `question` and `repeat`.
import * as files from "../../src/issue/private-files.ts";
import { openPending } from "../../src/terminal/pending.ts";
import { askPerson } from "../../src/terminal/person.ts";

const [state = "", text = "{}"] = process.argv.slice(2);
const order = JSON.parse(text);
const pending = order.pending === false ? null : openPending({ state, files, environment: process.env });
try {
  for (let round = 0; round < (order.repeat ?? 1); round++) {
    const answer = await askPerson(
      { text: "MFA code (alice)", secret: true, ...order.question },
      {
        environment: process.env,
        pending,
        limitMs: order.limitMs ?? 20_000,
        useTerminal: order.useTerminal ?? true,
        useDialog: order.useDialog ?? true,
        ending: order.ending ?? "signal",
        say: (line) => console.error(`bssh: ${line}`),
      },
    );
    console.log(JSON.stringify(answer));
  }
} catch (error) {
  console.log(JSON.stringify({ sentence: (error as { sentence?: string }).sentence ?? String(error) }));
}
pending?.finish({ good: true, sentence: null });
