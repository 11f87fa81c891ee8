import { COMMANDS, type Entry } from "./table.ts";

/** The text of `bssh --help`. */
export function overview(): string {
  const rows = Object.entries(COMMANDS).map(
    ([name, entry]) => [`  bssh ${name} ${entry.usage}`, entry.summary] as const,
  );
  const width = Math.max(...rows.map(([words]) => words.length)) + 2;
  return [
    "bssh stands in front of ssh, sees to a short-lived certificate, and becomes ssh.",
    "",
    "Usage:",
    "  bssh SSH WORDS…          exactly as ssh",
    "  bssh -- HOST, bssh ssh HOST   the same, for a host that has a command's name",
    "",
    "Commands:",
    ...rows.map(([words, summary]) => `${words.padEnd(width)}${summary}`),
    "  bssh --help, bssh --version",
    "",
    "Every command has --help. bssh has no short options: all of them are ssh's.",
    "",
    "A first session, on this machine alone:",
    "  $ bssh sandbox -- sh -c 'bssh web1.sandbox.test uptime'",
    "And with your organisation's config:",
    "  $ bssh config import https://intranet.example.com/bssh.toml",
    "  $ alias ssh=bssh",
    "  $ ssh web1.example.com",
  ].join("\n");
}

/** The help of one command: its usage, its summary, and what the command itself has to say. */
export function helpOf(name: string, entry: Entry, more: string): string {
  return [`Usage: bssh ${name} ${entry.usage}`, "", `${entry.summary}.`, "", more.trim()].join("\n");
}
