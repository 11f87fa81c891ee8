/** What ssh's command line says, as ssh itself reads it; values are the words typed, nothing is resolved. */
export type Call = {
  /** Words as typed, without the program's name. */
  readonly words: readonly string[];
  /**
   * Why ssh would not log in with these words: `-V`, `-Q`, `-G`, `-O`; `usage` when it would refuse them, with its usage
   * or another complaint about the words alone (a port that is none, a host with a shell's characters, a broken `-o`).
   */
  readonly through: "version" | "query" | "print-config" | "control" | "usage" | null;
  /** The destination word as typed (`alice@web1`, `ssh://web1:22`); null when there is none. */
  readonly destination: string | null;
  /** Host of the destination, without user, scheme and port; null when there is none. */
  readonly host: string | null;
  /** First user that counts (`-l`, `-o User=`, `user@`); null when ssh_config or the local name decides. */
  readonly user: string | null;
  /** First port that counts; null when ssh_config or 22 decides. Service names are kept as typed. */
  readonly port: string | null;
  /** `-J` or `-o ProxyJump=` as typed, first hop first; `none` is an empty list; null when not given. */
  readonly jumps: readonly Jump[] | null;
  /** `-i` words in the order given. */
  readonly identityFiles: readonly string[];
  /** `-F` word; null when not given. The last one counts. */
  readonly configFile: string | null;
  /** `-o` settings in order, keys in lower case, value as ssh reads it (unquoted). */
  readonly options: readonly { readonly key: string; readonly value: string }[];
  /** Index in `words` of the first word of the remote command; `words.length` when there is none. */
  readonly commandAt: number;
};

export type Jump = { readonly user: string | null; readonly host: string; readonly port: string | null };
