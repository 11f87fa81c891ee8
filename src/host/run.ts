/** Other programs, run to their end with nothing of this process's environment but PATH: it may hold credentials. */
export type Ran = {
  /** Null when a signal ended it, or it was not there. */
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
};

/** Runs the words as a program; never rejects. */
export type Run = (words: readonly string[]) => Promise<Ran>;

const LIMIT_MS = 60_000;
/** sshd -T prints some 5 KB. */
const LONGEST = 1024 * 1024;

/** A Run that finds programs on `path`. */
export function makeRun(path: string): Run {
  return async (words) => {
    try {
      const child = Bun.spawn([...words], {
        env: { PATH: path, LC_ALL: "C" },
        cwd: "/",
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
        timeout: LIMIT_MS,
        maxBuffer: LONGEST,
      });
      const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
      await child.exited;
      return { status: child.exitCode, out, err };
    } catch {
      return { status: null, out: "", err: `${words[0] ?? ""} can't be run` };
    }
  };
}
