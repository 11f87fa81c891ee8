// A question in a window, for a process that has no terminal: the program for it is the one that is there.
import { accessSync, constants, statSync } from "node:fs";
import { basename } from "node:path";
import { printable } from "../failure.ts";
import type { Question } from "./ask.ts";
import { type ChildOrder, type Ended, startDialog } from "./dialog-child.ts";
import { askPinentry } from "./pinentry.ts";

type Environment = Readonly<{ [name: string]: string | undefined }>;

export type Dialog = {
  readonly kind: "askpass" | "osascript" | "zenity" | "kdialog" | "pinentry";
  /** Path of the program. */
  readonly program: string;
};

export type Said = { readonly answer: string } | { readonly cancelled: true } | { readonly failed: string };

/** Programs that need a display of X or Wayland, in the order in which they are tried. */
const WINDOWED: readonly (readonly [Dialog["kind"], string])[] = [
  ["zenity", "zenity"],
  ["kdialog", "kdialog"],
  ["pinentry", "pinentry-gnome3"],
  ["pinentry", "pinentry-qt"],
  ["pinentry", "pinentry-gtk-2"],
  ["pinentry", "pinentry-x11"],
  ["pinentry", "pinentry-fltk"],
  ["pinentry", "pinentry"],
  ["askpass", "ssh-askpass"],
  ["askpass", "/usr/libexec/openssh/ssh-askpass"],
  ["askpass", "/usr/libexec/ssh-askpass"],
  ["askpass", "/usr/lib/openssh/ssh-askpass"],
  ["askpass", "/usr/lib/ssh/ssh-askpass"],
  ["askpass", "/usr/lib/ssh/x11-ssh-askpass"],
  ["askpass", "/usr/X11R6/bin/ssh-askpass"],
];

/** A window can't be cancelled by a person in less time, in milliseconds; whatever ended it so was no person. */
const HASTE_MS = 400;

/** The dialogs to try, in order. `which` gives the path of a program on PATH, or null. */
export function findDialogs(
  environment: Environment,
  which: (name: string) => string | null,
  platform: NodeJS.Platform = process.platform,
): Dialog[] {
  const asked = requirement(environment);
  if (asked === "never") return [];
  const hasDisplay = isSet(environment["DISPLAY"]) || isSet(environment["WAYLAND_DISPLAY"]);
  const found: Dialog[] = [];
  const add = (kind: Dialog["kind"], program: string | null) => {
    if (program !== null && !found.some((other) => other.program === program)) found.push({ kind, program });
  };
  const askpass = environment["SSH_ASKPASS"] ?? "";
  if (askpass !== "" && (hasDisplay || asked === "force")) add("askpass", runnable(askpass, which));
  if (platform === "darwin") add("osascript", which("osascript"));
  else if (hasDisplay) for (const [kind, name] of WINDOWED) add(kind, runnable(name, which));
  return found;
}

/** Whether the person wants windows even where there is a terminal (ssh(1), SSH_ASKPASS_REQUIRE). */
export function prefersDialog(environment: Environment): boolean {
  return ["force", "prefer"].includes(requirement(environment)) && isSet(environment["SSH_ASKPASS"]);
}

/** Asks in the first window that opens; null answer when the person closed it, null when none opens. */
export async function askDialogs(question: Question, order: ChildOrder): Promise<{ answer: string | null } | null> {
  const path = order.environment["PATH"] ?? "";
  for (const dialog of findDialogs(order.environment, (name) => Bun.which(name, { PATH: path }))) {
    const said = await askDialog(dialog, question, order);
    if ("answer" in said) return said;
    if ("cancelled" in said || order.signal.aborted) return { answer: null };
  }
  return null;
}

/** Asks with one program, which is gone when this ends. */
export async function askDialog(dialog: Dialog, question: Question, order: ChildOrder): Promise<Said> {
  const plain = { ...question, text: asData(question.text) };
  try {
    if (dialog.kind === "pinentry") return await askPinentry(dialog.program, plain, order);
    const inEditor = isEditors(dialog, order.environment);
    const words = inEditor ? [forEditor(plain.text)] : WORDS[dialog.kind](plain);
    const said = judge(dialog.kind, await startDialog([dialog.program, ...words], order).ended());
    // The editor's input box that is closed gives an empty answer.
    return inEditor && "answer" in said && said.answer === "" ? { cancelled: true } : said;
  } catch (error) {
    return { failed: printable(error instanceof Error ? error.message : String(error)) };
  }
}

/** What it is shown as: nothing in it is an option, markup (Qt guesses at it), an escape (zenity, kdialog) or a mnemonic. */
function asData(text: string): string {
  const plain = printable(text, 1000).replace(/[<>&\\]/g, "?");
  return plain.startsWith("-") ? `bssh: ${plain}` : plain;
}

const WORDS: Readonly<Record<Exclude<Dialog["kind"], "pinentry">, (question: Question) => string[]>> = {
  askpass: ({ text }) => [`${text}: `],
  // zenity's entry.c gives the text to gtk_label_set_text_with_mnemonic.
  zenity: ({ text, secret }) => [
    "--entry",
    "--title=bssh",
    `--text=${text.replaceAll("_", "__")}:`,
    ...(secret ? ["--hide-text"] : []),
  ],
  kdialog: ({ text, secret }) => ["--title=bssh", `--${secret ? "password" : "inputbox"}=${text}:`],
  osascript: ({ text, secret }) => ["-e", APPLESCRIPT, `${text}:`, secret ? "secret" : "open"],
};

/** Whether it is the program that VS Code's git gives to ssh (extensions/git/src/askpass.ts). */
function isEditors({ kind, program }: Dialog, environment: Environment): boolean {
  return kind === "askpass" && isSet(environment["VSCODE_GIT_ASKPASS_MAIN"]) && basename(program) === "ssh-askpass.sh";
}

/** That program takes text for nothing but a passphrase, of which it shows the fifth word; a shell has split them at spaces. */
function forEditor(text: string): string {
  return `Enter passphrase for key '${text.replace(/\s+/g, "\u00a0").replace(/[*?[\]]/g, "")}':`;
}

const APPLESCRIPT = `on run {question, how}
  activate
  set said to display dialog question with title "bssh" default answer "" hidden answer (how is "secret")
  return text returned of said
end run`;

/** What the end of a program means: these exit with 1 when they are cancelled, and say something when they can't ask. */
function judge(kind: Dialog["kind"], ended: Ended): Said {
  const { status, output, ms } = ended;
  const complaint = printable(ended.complaint.trim(), 200);
  if (output === null) return { failed: "what it printed is no answer" };
  if (status === 0) {
    const answer = output.split(/[\r\n]/, 1)[0]?.trim() ?? "";
    return answer === "" && ms < HASTE_MS ? { failed: "it printed nothing" } : { answer };
  }
  if (status !== 1)
    return { failed: `it ended with ${status === null ? "a signal" : `status ${status}`}: ${complaint}` };
  if (kind === "osascript") return complaint.includes("(-128)") ? { cancelled: true } : { failed: complaint };
  const cannotAsk = /\b(open|connect to|no)( the)?( X)? display/i.test(ended.complaint);
  return cannotAsk || (ms < HASTE_MS && complaint !== "") ? { failed: complaint } : { cancelled: true };
}

/** ssh's readpass.c takes these words in either case, and no others. */
function requirement(environment: Environment): string {
  return (environment["SSH_ASKPASS_REQUIRE"] ?? "").toLowerCase();
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "";
}

function runnable(program: string, which: (name: string) => string | null): string | null {
  if (!program.includes("/")) return which(program);
  try {
    accessSync(program, constants.X_OK);
    return statSync(program).isFile() ? program : null;
  } catch {
    return null;
  }
}
