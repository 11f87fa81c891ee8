import { pathsOf } from "../../config/paths.ts";
import { Failure, printable } from "../../failure.ts";
import { issuedLog } from "../../issued-log.ts";
import type { CommandCall } from "../call.ts";
import { parseWords, usage } from "../words.ts";
import { readCertificate } from "./files.ts";
import { findEvents, type Place, type Traced } from "./tracing.ts";

export const help = `
One certificate in three logs: what the client noted when it came, what the CA decided, and every login that sshd saw. They are
joined by the serial number and by the id of the request, which the key ID carries into sshd's log. Printed in order of time.

  SERIAL|CERTIFICATE   a serial number, as sshd logs it, or a -cert.pub file
Options:
  --client-log FILE    the client's log (issued.jsonl in bssh's state folder)
  --ca-log FILE        the CA's, as CloudWatch gives it or bssh ca sign writes it (inside a sandbox its own)
  --sshd-log FILE      sshd's, with LogLevel VERBOSE or INFO (inside a sandbox its own)

Status 1 when a log has nothing of it.

Example:
  $ bssh ca trace 6412398417293641 --ca-log bless.log --sshd-log /var/log/auth.log
`;

export const OPTIONS = { "client-log": "value", "ca-log": "value", "sshd-log": "value" } as const;

/** `bssh ca trace`: what the logs say of one certificate; 0, or 1 when one of them says nothing. */
export async function trace(call: CommandCall): Promise<number> {
  const { values, rest } = parseWords("ca trace", call.words, OPTIONS);
  const [word, ...more] = rest;
  if (word === undefined || more.length > 0)
    throw usage("ca trace", "bssh ca trace wants one serial number or certificate");
  const wanted = wantedOf(call, word);
  const sandbox = call.environment["BSSH_SANDBOX"] ?? "";
  const inSandbox = (name: string) => (sandbox === "" ? null : `${sandbox}/${name}`);
  const logs: Readonly<Record<Place, string | null>> = {
    client: values.get("client-log") ?? issuedLog(pathsOf(call.environment).state),
    ca: values.get("ca-log") ?? inSandbox("ca.log"),
    sshd: values.get("sshd-log") ?? inSandbox("sshd/log"),
  };

  const { events, requestIds, unread } = findEvents(wanted, logs);
  const serial = wanted.serial === null ? "no serial number" : `serial ${wanted.serial}`;
  call.out(
    `${serial}, ${requestIds.length === 0 ? "no request id found" : `request ${requestIds.map((id) => printable(id, 100)).join(", ")}`}`,
  );
  for (const event of events) {
    call.out("");
    for (const line of linesOf(event)) call.out(line);
  }
  const silent = (["client", "ca", "sshd"] as const).filter((place) => !events.some((event) => event.place === place));
  if (silent.length > 0) call.out("");
  for (const place of silent) call.out(silence(place, logs[place], unread.get(place) ?? null));
  return silent.length === 0 ? 0 : 1;
}

const NAMES: Readonly<Record<Place, string>> = { client: "client", ca: "CA", sshd: "sshd" };

function wantedOf(call: CommandCall, word: string): { serial: bigint | null; requestId: string | null } {
  if (/^\d{1,20}$/.test(word)) {
    const serial = BigInt(word);
    if (serial === 0n)
      throw new Failure("serial 0 is no serial number", "name the certificate's file: its key ID has the request's id");
    return { serial, requestId: null };
  }
  const { serial, keyId } = readCertificate(call, word);
  const requestId = /request\[([^\]]{1,200})\]/.exec(keyId)?.[1] ?? null;
  if (serial === 0n && requestId === null) {
    throw new Failure(
      `${printable(word)} has neither a serial number nor a request's id`,
      "it cannot be found in a log",
    );
  }
  return { serial: serial === 0n ? null : serial, requestId };
}

function linesOf({ place, time, what }: Traced): string[] {
  const head = `${time === null ? "(no time)" : new Date(time).toISOString()}  ${NAMES[place]}`;
  if (typeof what === "string") return [head, `  ${printable(what, 4096)}`];
  const fields = Object.entries(what).filter(([name]) => name !== "time");
  const width = Math.max(0, ...fields.map(([name]) => Math.min(name.length, 20)));
  const text = (value: unknown) => printable(typeof value === "string" ? value : JSON.stringify(value), 4096);
  return [head, ...fields.map(([name, value]) => `  ${printable(name, 20).padEnd(width)}  ${text(value)}`)];
}

function silence(place: Place, path: string | null, why: Failure | null): string {
  if (path === null) return `${NAMES[place]}: its log is not known; name it with --${place}-log`;
  return `${NAMES[place]}: ${why === null ? `nothing in ${printable(path)}` : why.message}`;
}
