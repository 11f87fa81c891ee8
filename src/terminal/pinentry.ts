// GnuPG's pinentry, by the Assuan protocol (libassuan's manual, "Client requests" and "Server responses").

import type { Question } from "./ask.ts";
import type { Said } from "./dialog.ts";
import { type ChildOrder, startDialog } from "./dialog-child.ts";

/** GPG_ERR_CANCELED and GPG_ERR_FULLY_CANCELED, from GPG_ERR_SOURCE_PINENTRY (gpg-error.h: source << 24 | code). */
const CANCELLED = ["83886179", "83886278"];

/** Longest that it may say without a line's end, in bytes; Assuan's lines have 1000 (LINELENGTH of assuan.h). */
const LONGEST = 1024;

/** How long it may take to say what it is, in milliseconds. */
const GREETING_MS = 10_000;

/** Asks for a line that isn't shown. A flavour that would use a terminal isn't let. */
export async function askPinentry(program: string, question: Question, order: ChildOrder): Promise<Said> {
  const child = startDialog([program], order);
  const heard: string[] = [];
  let rest = Buffer.alloc(0);
  let wake = () => {};
  let isOver = false;
  const listening = child
    .lines((bytes) => {
      rest = Buffer.concat([rest, bytes]);
      for (let end = rest.indexOf(10); end !== -1 && end <= LONGEST; end = rest.indexOf(10)) {
        heard.push(rest.toString("latin1", 0, end).replace(/\r$/, ""));
        rest = rest.subarray(end + 1);
      }
      if (rest.length > LONGEST || heard.length > 64) void child.kill();
      wake();
    })
    .catch(() => {})
    .then(() => {
      isOver = true;
      wake();
    });

  /** What it answers: the data before `OK`, or the number behind `ERR`; null when it has ended. */
  const reply = async (): Promise<{ data: string; error: string | null } | null> => {
    let data = "";
    for (;;) {
      const line = heard.shift();
      if (line === undefined) {
        if (isOver) return null;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else if (/^OK( |$)/.test(line)) return { data, error: null };
      else if (line.startsWith("ERR ")) return { data, error: line.split(" ")[1] ?? "" };
      else if (line.startsWith("D ")) data += line.slice(2);
      // Comments, status lines, and a question of its own that nobody here can answer.
      else if (line.startsWith("INQUIRE")) child.write("END\n");
    }
  };
  const request = async (line: string) => {
    child.write(`${line}\n`);
    return reply();
  };
  const greeting = setTimeout(() => void child.kill(), GREETING_MS);
  try {
    if ((await reply()) === null) return { failed: "pinentry did not start" };
    const flavour = (await request("GETINFO flavor"))?.data ?? "";
    clearTimeout(greeting);
    if (/curses|tty|emacs|dumb/.test(flavour) || (flavour === "" && /pinentry$/.test(program))) {
      return { failed: `pinentry has no window (${flavour === "" ? "of an unknown flavour" : flavour})` };
    }
    await request("SETTITLE bssh");
    await request(`SETDESC ${escaped(question.text)}`);
    await request(`SETPROMPT ${question.text.includes("MFA code") ? "code:" : "answer:"}`);
    const said = await request("GETPIN");
    if (said === null) return { failed: "pinentry ended" };
    if (said.error !== null)
      return CANCELLED.includes(said.error) ? { cancelled: true } : { failed: "pinentry failed" };
    return { answer: plain(said.data).trim() };
  } finally {
    clearTimeout(greeting);
    await child.kill();
    await listening;
  }
}

/** What may not stand in a line of Assuan's: its ends and the sign of the escapes. */
function escaped(text: string): string {
  return text.replace(/[%\r\n]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

function plain(data: string): string {
  return Buffer.from(
    data.replace(/%([0-9a-fA-F]{2})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  ).toString("utf8");
}
