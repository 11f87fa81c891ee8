import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Grammar, grammarFor } from "../../src/argv/ssh-options.ts";
import type { Ability } from "./generator.ts";

/** What one run of ssh came to: its exit status, and what it printed to either stream. */
export type Answer = { readonly status: number; readonly output: string };

/** The ssh on PATH: the text of `ssh -V`, its grammar, which checks it makes, and who it takes us for. */
export async function meetSsh(): Promise<{ version: string; grammar: Grammar; ability: Ability; me: string }> {
  const run = async (...words: string[]): Promise<Answer> => {
    const ssh = Bun.spawn(["ssh", ...words], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [output, errors] = await Promise.all([new Response(ssh.stdout).text(), new Response(ssh.stderr).text()]);
    return { status: await ssh.exited, output: output + errors };
  };
  const accepts = async (...words: string[]): Promise<boolean> =>
    (await run("-G", "-F", "none", ...words)).status === 0;
  const version = (await run("-V")).output.trim();
  const ability = {
    checksNames: !(await accepts("a;b")),
    checksJumps: !(await accepts("-J", "a;b", "h")),
    knowsServices: await accepts("-p", "http", "h"),
  };
  const me = /^user (.*)$/m.exec((await run("-G", "-F", "none", "h")).output)?.[1] ?? "";
  return { version, grammar: grammarFor(version), ability, me };
}

const MARK = "====end-of-one-ssh====";
const LINES_IN_A_SCRIPT = 500;
const SCRIPTS_AT_ONCE = Math.min(8, Math.max(2, navigator.hardwareConcurrency));

/**
 * Runs `ssh` with each of the lines in `folder` and hands the answers to `see`, in no order. A shell script runs many of
 * them, which costs half of what starting each from here does.
 */
export async function askSsh(
  lines: readonly (readonly string[])[],
  folder: string,
  see: (index: number, answer: Answer) => void,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < lines.length) {
      const from = next;
      next += LINES_IN_A_SCRIPT;
      const part = lines.slice(from, next);
      const path = join(folder, `script-${from}`);
      writeFileSync(path, part.map((words) => `ssh ${words.map(quote).join(" ")} 2>&1\necho "${MARK} $?"\n`).join(""));
      const shell = Bun.spawn(["sh", path], {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "inherit",
        cwd: folder,
        // Neither has a say in what is asked; without OpenSSL's config and locales ssh starts a little faster.
        env: { ...Bun.env, LC_ALL: "C", OPENSSL_CONF: "/dev/null" },
      });
      const answers = (await new Response(shell.stdout).text()).split(new RegExp(`${MARK} (\\d+)\\n`));
      for (const at of part.keys()) {
        see(from + at, { status: Number(answers[2 * at + 1]), output: answers[2 * at] ?? "" });
      }
    }
  };
  await Promise.all(Array.from({ length: SCRIPTS_AT_ONCE }, worker));
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
