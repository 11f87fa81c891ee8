import type { CommandCall } from "./call.ts";
import { helpOfWords, runWord, type SubWords } from "./sub-words.ts";

/** The words of `bssh host`. */
export const HOST_WORDS: SubWords = {
  enroll: {
    usage: "[--names A,B] [OPTIONS]",
    summary: "gets certificates for this server's keys, has sshd show them, and sees to their renewal",
    open: async () => {
      const door = await import("./host/enroll.ts");
      return { run: door.hostEnroll, help: door.help };
    },
  },
  renew: {
    usage: "[--force] [OPTIONS]",
    summary: "renews this server's certificates when it is time",
    open: async () => {
      const door = await import("./host/renew.ts");
      return { run: door.hostRenew, help: door.help };
    },
  },
  status: {
    usage: "[--json] [OPTIONS]",
    summary: "shows this server's keys and certificates, and whether sshd knows of them",
    open: async () => {
      const door = await import("./host/status.ts");
      return { run: door.hostStatus, help: door.help };
    },
  },
};

export const help = helpOfWords(HOST_WORDS, "  $ bssh host enroll", "  $ bssh host status");

/** `bssh host WORD …`: a server's side. */
export function host(call: CommandCall): Promise<number> {
  return runWord("host", HOST_WORDS, call);
}
