import { nearest } from "../config/nearest.ts";
import { Failure, printable } from "../failure.ts";
import type { CommandCall } from "./call.ts";
import { helpOf } from "./help.ts";
import type { Entry } from "./table.ts";
import { usage } from "./words.ts";

/** The words of `bssh host`. */
export const HOST_WORDS: Readonly<Record<string, Entry>> = {
  enroll: {
    usage: "[--names A,B] [OPTIONS]",
    summary: "gets certificates for this server's keys, has sshd show them, and sees to their renewal",
    open: async () => {
      const door = await import("./host-enroll.ts");
      return { run: door.hostEnroll, help: door.help };
    },
  },
  renew: {
    usage: "[--force] [OPTIONS]",
    summary: "renews this server's certificates when it is time",
    open: async () => {
      const door = await import("./host-renew.ts");
      return { run: door.hostRenew, help: door.help };
    },
  },
  status: {
    usage: "[--json] [OPTIONS]",
    summary: "shows this server's keys and certificates, and whether sshd knows of them",
    open: async () => {
      const door = await import("./host-status.ts");
      return { run: door.hostStatus, help: door.help };
    },
  },
};

const WIDTH = Math.max(...Object.keys(HOST_WORDS).map((name) => name.length)) + 2;

export const help = `
Words:
${Object.entries(HOST_WORDS)
  .map(([name, { summary }]) => `  ${name.padEnd(WIDTH)}${summary}`)
  .join("\n")}

Each has its own --help.

Example:
  $ bssh host enroll
  $ bssh host status
`;

/** `bssh host WORD …`: a server's side. */
export async function host(call: CommandCall): Promise<number> {
  const [name, ...words] = call.words;
  if (name === undefined) throw usage("host", `bssh host wants a word: ${Object.keys(HOST_WORDS).join(", ")}`);
  const entry = Object.hasOwn(HOST_WORDS, name) ? HOST_WORDS[name] : undefined;
  if (entry === undefined) {
    const near = nearest(name, Object.keys(HOST_WORDS));
    const fact = `bssh host has no word ${printable(name, 60)}`;
    throw near === null ? usage("host", fact) : new Failure(fact, `did you mean bssh host ${near}?`, 64);
  }
  const door = await entry.open();
  if (words.includes("--help")) {
    call.out(helpOf(`host ${name}`, entry, door.help));
    return 0;
  }
  return await door.run({ ...call, words });
}
