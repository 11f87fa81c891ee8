/** What went wrong, for the log; what the asker is told is another sentence. */

const MAX_CAUSE = 800;

/** The kind of an error: AWS's code, where AWS refused. Its message could quote what must not be told. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name.slice(0, 64) : "unknown";
}

/** What the engine throws may quote the value that it was thrown for. */
const ENGINES: readonly string[] = ["TypeError", "RangeError", "SyntaxError", "ReferenceError", "URIError"];

/** AWS's code and what it says, which holds no secret (aws.ts), or the message of an error of ours; of the engine's the kind. */
export function describe(error: unknown): string {
  if (!(error instanceof Error) || ENGINES.includes(error.name)) return nameOf(error);
  const said = error.name === "Error" ? error.message : `${error.name}: ${error.message}`;
  return said.slice(0, MAX_CAUSE);
}
