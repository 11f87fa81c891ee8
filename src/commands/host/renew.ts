import { Failure, printable } from "../../failure.ts";
import { certify, isTold, planTelling } from "../../host/certify.ts";
import { certificateOf, isDue } from "../../host/life.ts";
import { hasSystemd, SYSTEMD } from "../../host/timer.ts";
import { say, tracer } from "../../terminal/say.ts";
import type { CommandCall } from "../call.ts";
import { parseWords, usage } from "../words.ts";
import { openHostCa } from "./ca.ts";
import { openGuard, openServer, pinnedKeys, SERVER_OPTIONS, type Server } from "./server.ts";

export const help = `
For a timer: silent, and without a network, while less than two thirds of each certificate's life are over. It renews those that are
further, or whose key, names or CA are no longer those of sshd and the config. When it can't, the certificates stay as they are.

Options:
  --force               renew all of them now, for instance because the CA's policy gives other names
  --names A,B           as for bssh host enroll, as are the following
  --sshd-config FILE
  --sshd PATH
  --region ALIAS
  --no-reload

Example:
  $ bssh host renew --force
`;

export const OPTIONS = { ...SERVER_OPTIONS, force: "flag" } as const;

/** `bssh host renew`: new certificates in time. 0, or Failure. */
export async function hostRenew(call: CommandCall): Promise<number> {
  const { flags, values, rest } = parseWords("host renew", call.words, OPTIONS);
  if (rest.length > 0) throw usage("host renew", "bssh host renew takes no words beside its options");
  const server = await openServer(call, values);
  const { config, keys, names } = server;
  const caKeys = pinnedKeys(config);
  const force = flags.has("force");
  const guard = openGuard(server);
  try {
    if (!guard.take()) {
      // The other run does what there is to do.
      if (!force) return 0;
      throw new Failure("another bssh host is at work for this sshd", "try again in a minute");
    }
    const due = keys.filter((key) => force || isDue(key, { names, caKeys, now: Date.now() }));
    const wasPending = guard.isPending();
    // An earlier run may have ended in between: what is missing is made up for, without the CA.
    if (due.length === 0 && !wasPending && isTold(planTelling(server.sshd, server.facts, keys))) return 0;
    const { environment } = call;
    const region = values.get("region") ?? null;
    const trace = tracer(environment);
    const ca = due.length === 0 ? null : await openHostCa({ config, environment, region, say, trace });
    try {
      await certify(
        {
          ...server,
          caKeys,
          ask: async (key) => (await ca?.ask(key, names)) ?? "",
          now: ca?.now ?? Date.now,
          hasSystemd: hasSystemd(SYSTEMD),
          reload: !flags.has("no-reload"),
          mark: guard.mark,
          wasPending,
        },
        due,
      );
    } finally {
      ca?.close();
    }
    return 0;
  } catch (error) {
    throw error instanceof Failure ? withEnd(error, server) : error;
  } finally {
    guard.close();
  }
}

/** The failure, with how long what there is will do. */
function withEnd(failure: Failure, { keys }: Server): Failure {
  const ends = keys.flatMap((key) => certificateOf(key)?.validBefore ?? []);
  const [first] = ends.sort((one, other) => (one < other ? -1 : 1));
  if (first === undefined || first * 1000n <= BigInt(Date.now())) return failure;
  const day = printable(new Date(Number(first) * 1000).toISOString().replace(/:\d\d\.\d+Z$/, "Z"));
  return new Failure(`${failure.message} (what is there is valid until ${day})`, failure.next, failure.status);
}
