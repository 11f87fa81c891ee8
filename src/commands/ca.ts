import { nearest } from "../config/nearest.ts";
import { Failure, printable } from "../failure.ts";
import type { CommandCall } from "./call.ts";
import { helpOf } from "./help.ts";
import type { Entry } from "./table.ts";
import { usage } from "./words.ts";

/** The words of `bssh ca`. */
export const CA_WORDS: Readonly<Record<string, Entry>> = {
  init: {
    usage: "DIR --users-account N --ca-account N --regions A,B [OPTIONS]",
    summary: "writes what a new CA is made of: its config, the templates for AWS, the people's config",
    open: async () => {
      const door = await import("./ca-init.ts");
      return { run: door.init, help: door.help };
    },
  },
  build: {
    usage: "[--config DIR] [--out ZIP]",
    summary: "checks the CA's config and puts it into the function's zip",
    open: async () => {
      const door = await import("./ca-build.ts");
      return { run: door.build, help: door.help };
    },
  },
  "public-key": {
    usage: "[--key FILE]… [--kms KEY]… [--function NAME]… [--host-ca PATTERNS]",
    summary: "prints the CA's public keys, as sshd's TrustedUserCAKeys or a known_hosts takes them",
    open: async () => {
      const door = await import("./ca-public-key.ts");
      return { run: door.publicKey, help: door.help };
    },
  },
  revoke: {
    usage: "--file LIST [WHAT…]",
    summary: "revokes certificates, keys and people, and makes the list for sshd's RevokedKeys",
    open: async () => {
      const door = await import("./ca-revoke.ts");
      return { run: door.revoke, help: door.help };
    },
  },
  sign: {
    usage: "--key FILE --principals A,B [OPTIONS] KEY.pub",
    summary: "signs one certificate by hand, without AWS and without a network (break glass)",
    open: async () => {
      const door = await import("./ca-sign.ts");
      return { run: door.sign, help: door.help };
    },
  },
  trace: {
    usage: "SERIAL|CERTIFICATE [--client-log FILE] [--ca-log FILE] [--sshd-log FILE]",
    summary: "finds what the client, the CA and sshd wrote about one certificate",
    open: async () => {
      const door = await import("./ca-trace.ts");
      return { run: door.trace, help: door.help };
    },
  },
};

const WIDTH = Math.max(...Object.keys(CA_WORDS).map((name) => name.length)) + 2;

export const help = `
Words:
${Object.entries(CA_WORDS)
  .map(([name, { summary }]) => `  ${name.padEnd(WIDTH)}${summary}`)
  .join("\n")}

Each has its own --help.

Example:
  $ bssh ca revoke --help
`;

/** `bssh ca WORD …`: what whoever runs the CA needs. */
export async function ca(call: CommandCall): Promise<number> {
  const [name, ...words] = call.words;
  if (name === undefined) throw usage("ca", `bssh ca wants a word: ${Object.keys(CA_WORDS).join(", ")}`);
  const entry = Object.hasOwn(CA_WORDS, name) ? CA_WORDS[name] : undefined;
  if (entry === undefined) {
    const near = nearest(name, Object.keys(CA_WORDS));
    const fact = `bssh ca has no word ${printable(name, 60)}`;
    throw near === null ? usage("ca", fact) : new Failure(fact, `did you mean bssh ca ${near}?`, 64);
  }
  const door = await entry.open();
  if (words.includes("--help")) {
    call.out(helpOf(`ca ${name}`, entry, door.help));
    return 0;
  }
  return await door.run({ ...call, words });
}
