// The folder of shared connections, off the hot path: made with the certificate, and swept then.
import { chmodSync, lstatSync, mkdirSync, readdirSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import { sharingFolder } from "./sharing.ts";

/** Names that ssh gives its sockets there, the temporary one included. */
const SOCKET = /^[0-9a-z]{6}[0-9a-f]{40}(\.\w{16})?$/;
const MOST_SOCKETS = 256;
const ANSWER_MILLISECONDS = 1000;

/**
 * Makes the folder (0700) and takes away the sockets that nobody listens on any more. Connections of earlier certificates
 * end by themselves when they have been idle. Throws what node:fs throws when the folder can't be made or is another user's.
 */
export async function openSharingFolder(state: string): Promise<void> {
  const folder = sharingFolder(state);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stats = lstatSync(folder);
  if (!stats.isDirectory() || stats.uid !== process.getuid?.())
    throw new Error(`${folder} is not a folder of one's own`);
  if ((stats.mode & 0o777) !== 0o700) chmodSync(folder, 0o700);
  const sockets = readdirSync(folder)
    .filter((name) => SOCKET.test(name))
    .slice(0, MOST_SOCKETS)
    .map((name) => `${folder}/${name}`);
  await Promise.all(
    sockets.map(async (path) => {
      if (await isDeserted(path)) removed(path);
    }),
  );
}

/** True when it is certain that nobody listens. */
function isDeserted(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (deserted: boolean) => {
      socket.destroy();
      resolve(deserted);
    };
    socket.setTimeout(ANSWER_MILLISECONDS, () => end(false));
    socket.on("connect", () => end(false));
    socket.on("error", (error: { code?: string }) => end(error.code === "ECONNREFUSED"));
  });
}

function removed(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody else was quicker.
  }
}
