import type { CommandCall } from "./call.ts";
import { helpOfWords, runWord, type SubWords } from "./sub-words.ts";

/** The words of `bssh ca`. */
export const CA_WORDS: SubWords = {
  init: {
    usage: "DIR --users-account N --ca-account N --regions A,B [OPTIONS]",
    summary: "writes what a new CA is made of: its config, the templates for AWS, the people's config",
    open: async () => {
      const door = await import("./ca/init.ts");
      return { run: door.init, help: door.help };
    },
  },
  build: {
    usage: "[--config DIR] [--out ZIP]",
    summary: "checks the CA's config and puts it into the function's zip",
    open: async () => {
      const door = await import("./ca/build.ts");
      return { run: door.build, help: door.help };
    },
  },
  "public-key": {
    usage: "[--key FILE]… [--kms KEY]… [--function NAME]… [--host-ca PATTERNS]",
    summary: "prints the CA's public keys, as sshd's TrustedUserCAKeys or a known_hosts takes them",
    open: async () => {
      const door = await import("./ca/public-key.ts");
      return { run: door.publicKey, help: door.help };
    },
  },
  revoke: {
    usage: "--file LIST [WHAT…]",
    summary: "revokes certificates, keys and people, and makes the list for sshd's RevokedKeys",
    open: async () => {
      const door = await import("./ca/revoke.ts");
      return { run: door.revoke, help: door.help };
    },
  },
  sign: {
    usage: "--key FILE --principals A,B [OPTIONS] KEY.pub",
    summary: "signs one certificate by hand, without AWS and without a network (break glass)",
    open: async () => {
      const door = await import("./ca/sign.ts");
      return { run: door.sign, help: door.help };
    },
  },
  trace: {
    usage: "SERIAL|CERTIFICATE [--client-log FILE] [--ca-log FILE] [--sshd-log FILE]",
    summary: "finds what the client, the CA and sshd wrote about one certificate",
    open: async () => {
      const door = await import("./ca/trace.ts");
      return { run: door.trace, help: door.help };
    },
  },
};

export const help = helpOfWords(CA_WORDS, "  $ bssh ca revoke --help");

/** `bssh ca WORD …`: what whoever runs the CA needs. */
export function ca(call: CommandCall): Promise<number> {
  return runWord("ca", CA_WORDS, call);
}
