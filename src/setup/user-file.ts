// The user's ssh_config with our Include at its top, and without. Texts are bytes (latin1): whatever the file holds stays.
import { includeValue } from "./quoting.ts";

const MARK = "# The next line is bssh's; bssh setup --undo takes both away.";
const MADE = "# bssh setup made this file. The next line is bssh's; bssh setup --undo takes both away.";
const OURS = new RegExp(
  `^(?:(${RegExp.escape(MARK)})|${RegExp.escape(MADE)})\\r?\\n(?:Include [^\\n]*(?:\\n|$))?`,
  "gm",
);

export type Without = {
  readonly text: string;
  /** True when the file was made for our Include. */
  readonly made: boolean;
};

/** The text with the Include of `own` first, and nowhere else. `null` is a file that isn't there. */
export function withInclude(text: string | null, own: string): string {
  const rest = text === null ? { text: "", made: true } : withoutInclude(text, own);
  return `${rest.made && rest.text === "" ? MADE : MARK}\n${bytesOf(includeLine(own))}\n${rest.text}`;
}

/** The text as it was before. A line of ours that has lost its comment is found as well. */
export function withoutInclude(text: string, own: string): Without {
  let made = false;
  const rest = text.replace(OURS, (_whole, mark?: string) => {
    made ||= mark === undefined;
    return "";
  });
  const bare = new RegExp(`^${RegExp.escape(bytesOf(includeLine(own)))}\\r?(?:\\n|$)`, "gm");
  return { text: rest.replace(bare, ""), made };
}

/** What a person would write by hand. */
export function includeLine(own: string): string {
  return `Include ${includeValue(own)}`;
}

function bytesOf(text: string): string {
  return Buffer.from(text).toString("latin1");
}
