// A scenario is a text file: a promise, a world, commands with everything they must say.
//
//   promise: what is guarded, in one sentence
//   world {"devices": 2}               JSON for the world's maker (world.ts); optional
//   == home/.ssh/config                a file below the world's folder, up to the next line that begins with ==, $ or @
//   Host *
//   $ bssh web1.sandbox.test           a command, run by sh in the world's home
//   > a line of stdout                 all lines of stdout must be there, and no others
//   ! a line of stderr                 the same for stderr
//   = 255                              the exit status; 0 when not given
//   ~ GetSessionToken Encrypt|AssumeRole Invoke    what AWS was asked since the last command; `~` alone is nothing
//   @ ca garbage                       something happens in the world (deeds.ts)
//
// `…` in an expected line stands for any text, alone on its line for any lines. Words joined by | may come in any order. A
// command with no ~ line says nothing about AWS. SANDBOX is the world's folder. Lines that begin with # are remarks.

export type Command = {
  readonly line: number;
  readonly command: string;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  readonly status: number;
  /** Groups of actions in order; null when the scenario doesn't say. */
  readonly calls: readonly (readonly string[])[] | null;
};

export type Step = Command | { readonly line: number; readonly deed: string };

export type Scenario = {
  readonly promise: string;
  readonly world: Readonly<Record<string, unknown>>;
  readonly files: ReadonlyMap<string, string>;
  readonly steps: readonly Step[];
};

type Draft = { -readonly [Key in keyof Command]: Command[Key] } & { stdout: string[]; stderr: string[] };

/** Reads a scenario; throws an Error with the line's number for anything it doesn't understand. */
export function parseScenario(text: string): Scenario {
  let promise = "";
  let world: Record<string, unknown> = {};
  const files = new Map<string, string>();
  const steps: Step[] = [];
  let file: string | null = null;
  let last: Draft | null = null;
  for (const [at, line] of text.split("\n").entries()) {
    const rest = line.slice(2);
    const kind = line.length === 1 && ">!~".includes(line) ? `${line} ` : line.slice(0, 2);
    if (kind === "$ ") {
      file = null;
      last = { line: at + 1, command: rest, stdout: [], stderr: [], status: 0, calls: null };
      steps.push(last);
    } else if (kind === "@ ") {
      file = null;
      last = null;
      steps.push({ line: at + 1, deed: rest });
    } else if (kind === "==") {
      file = rest.trim();
      files.set(file, "");
    } else if (file !== null) files.set(file, `${files.get(file)}${line}\n`);
    else if (line.startsWith("promise: ")) promise = line.slice(9);
    else if (line.startsWith("world ")) world = JSON.parse(line.slice(6));
    else if (line === "" || line.startsWith("#")) continue;
    else if (last === null) throw new Error(`line ${at + 1}: not understood before a command: ${line}`);
    else if (kind === "> ") last.stdout.push(rest);
    else if (kind === "! ") last.stderr.push(rest);
    else if (kind === "= ") last.status = Number(rest);
    else if (kind === "~ ") last.calls = rest.split(" ").filter(Boolean).map(group);
    else throw new Error(`line ${at + 1}: not understood: ${line}`);
  }
  if (promise === "") throw new Error("the first line must be its promise");
  if (last === null && steps.length === 0) throw new Error("there is no command");
  return { promise, world, files, steps };
}

function group(word: string): string[] {
  return word.split("|").sort();
}

/** What differs between the lines said and those expected, or null. */
export function difference(said: string, expected: readonly string[]): string | null {
  const lines = said === "" ? [] : said.replace(/\n$/, "").split("\n");
  const source = expected.map((pattern) => (pattern === "…" ? "(?:[^\n]*\n)*" : `${linePattern(pattern)}\n`)).join("");
  const whole = lines.map((line) => `${line}\n`).join("");
  if (new RegExp(`^${source}$`).test(whole)) return null;
  const show = (list: readonly string[]) =>
    list.length === 0 ? "  (nothing)" : list.map((line) => `  ${JSON.stringify(line)}`).join("\n");
  return `said\n${show(lines)}\nexpected\n${show(expected)}`;
}

function linePattern(pattern: string): string {
  return pattern
    .split("…")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("[^\n]*");
}
