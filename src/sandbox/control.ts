import { chmodSync } from "node:fs";
import { Failure, printable } from "../failure.ts";
import { folderAt } from "./folder.ts";

const MOST_BYTES = 1000;

/**
 * The sandbox's own door, a unix socket for its user alone: a client sends the line `code` and gets the code of the MFA
 * device as a line (which may take as long as the device shows a code), or a line that starts with `!` and says why not.
 */
export function startControl(path: string, currentCode: () => Promise<string>): { stop: () => void } {
  const listener = Bun.listen<{ read: string }>({
    unix: path,
    socket: {
      open(socket) {
        socket.data = { read: "" };
      },
      data(socket, bytes) {
        socket.data.read += bytes.toString();
        if (!socket.data.read.includes("\n") && socket.data.read.length < MOST_BYTES) return;
        if (socket.data.read !== "code\n") {
          socket.end("!the sandbox knows no such question\n");
          return;
        }
        currentCode().then(
          (code) => socket.end(`${code}\n`),
          (error: unknown) => socket.end(`!${error instanceof Error ? error.message : "the sandbox failed"}\n`),
        );
      },
      error() {},
    },
  });
  chmodSync(path, 0o600);
  return { stop: () => listener.stop(true) };
}

/**
 * The code that the MFA device of the sandbox in force (`BSSH_SANDBOX`) shows; when that one is used up, waits for the
 * next. Throws Failure when no sandbox is in force, or it has ended.
 */
export async function askCode(environment: Readonly<Record<string, string | undefined>>): Promise<string> {
  const root = environment["BSSH_SANDBOX"];
  if (root === undefined || root === "") {
    throw new Failure("no sandbox is in force here", "run this inside bssh sandbox -- COMMAND…");
  }
  const ended = new Failure(`the sandbox in ${printable(root)} has ended`, "start another one: bssh sandbox");
  const answer = await new Promise<string>((resolve, reject) => {
    let read = "";
    Bun.connect({
      unix: folderAt(root).controlSocket,
      socket: {
        open(socket) {
          socket.write("code\n");
        },
        data(_, bytes) {
          read += bytes.toString();
        },
        close: () => resolve(read),
        error: () => reject(ended),
        connectError: () => reject(ended),
      },
    }).catch(() => reject(ended));
  });
  if (/^[0-9]{6,8}\n$/.test(answer)) return answer.trim();
  if (answer.startsWith("!")) throw new Failure(`the sandbox has no code: ${printable(answer.slice(1).trim())}`);
  throw ended;
}
