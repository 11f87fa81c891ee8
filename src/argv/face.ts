/** Which program was called for: ssh's wrapper, one of our commands, our help, or our version. */
export type Face =
  /** `words` are ssh's. They are the last ones of those typed. */
  | { readonly face: "wrapper"; readonly words: readonly string[] }
  /** `words` are what follows the command's name. */
  | { readonly face: "command"; readonly name: string; readonly words: readonly string[] }
  | { readonly face: "help" }
  | { readonly face: "version" };

/**
 * Decides the face by the name the program was started with (a path or a bare name) and the first word. Called `ssh` it
 * is always the wrapper; `bssh ssh …` and `bssh -- …` reach hosts that have a command's name. ssh has no long options, so
 * that `--help` and `--version` are free for us.
 */
export function faceOf(programName: string, words: readonly string[], commands: readonly string[]): Face {
  if (programName.slice(programName.lastIndexOf("/") + 1) === "ssh") return { face: "wrapper", words };
  const first = words[0];
  if (first === "ssh") return { face: "wrapper", words: words.slice(1) };
  if (first === "--help") return { face: "help" };
  if (first === "--version") return { face: "version" };
  if (first !== undefined && commands.includes(first)) return { face: "command", name: first, words: words.slice(1) };
  return { face: "wrapper", words };
}
