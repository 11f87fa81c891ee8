import { randomInt } from "node:crypto";
import { Failure } from "../../failure.ts";
import { certify, planTelling } from "../../host/certify.ts";
import { cronLine, hasSystemd, installTimer, SYSTEMD, serviceText } from "../../host/timer.ts";
import { ownProgram } from "../../setup/own-program.ts";
import { say, tracer } from "../../terminal/say.ts";
import type { CommandCall } from "../call.ts";
import { parseWords, usage } from "../words.ts";
import { openHostCa } from "./ca.ts";
import {
  describeKey,
  openGuard,
  openServer,
  pinnedKeys,
  renewWords,
  SERVER_OPTIONS,
  type Server,
  sandboxOf,
} from "./server.ts";

export const help = `
Run it as root on the server. The server proves who it is by its AWS role (and, on EC2, by its instance identity document); the CA's
policy says which names it gets. Its keys stay where they are: each gets KEY-cert.pub beside it, and sshd is told by a file of its own
in sshd_config.d. sshd tests its config before it is reloaded; whatever goes wrong, everything is then as it was before.
A timer of systemd's sees to the renewal; without systemd the line for cron is printed.

The config (/etc/bssh/config.toml) names the CA: function in [host], kmsauth_service, the [[region]]s, and ca_keys in [hosts], which
the answer is checked against.

Options:
  --names A,B           ask for these names only; without it for those of the config, or all that the policy gives
  --sshd-config FILE    sshd's config; /etc/ssh/sshd_config when not given (in a sandbox that of its own sshd, and none below /etc)
  --sshd PATH           sshd's program
  --region ALIAS        begin with this region
  --no-reload           leave the reloading of sshd to you
  --no-timer            leave the renewal to you

Example:
  $ bssh host enroll
  ssh-ed25519: web1.corp.example, until 2027-11-22, signed by SHA256:…
`;

export const OPTIONS = { ...SERVER_OPTIONS, "no-timer": "flag" } as const;

/** `bssh host enroll`: certificates for this server's keys, sshd told of them, and their renewal. 0, or Failure. */
export async function hostEnroll(call: CommandCall): Promise<number> {
  const { flags, values, rest } = parseWords("host enroll", call.words, OPTIONS);
  if (rest.length > 0) throw usage("host enroll", "bssh host enroll takes no words beside its options");
  const server = await openServer(call, values);
  const { config, keys, notes, names } = server;
  const caKeys = pinnedKeys(config);
  for (const note of notes) say(note);
  if (keys.length === 0) throw new Failure("sshd serves no key that can be certified", "make one: ssh-keygen -A");
  // Before the CA is asked for what couldn't be used.
  planTelling(server.sshd, server.facts, keys);
  const guard = openGuard(server);
  try {
    if (!guard.take()) throw new Failure("another bssh host is at work for this sshd", "try again in a minute");
    const { environment } = call;
    const region = values.get("region") ?? null;
    const ca = await openHostCa({ config, environment, region, say, trace: tracer(environment) });
    try {
      await certify(
        {
          ...server,
          caKeys,
          ask: (key) => ca.ask(key, names),
          now: ca.now,
          hasSystemd: hasSystemd(SYSTEMD),
          reload: !flags.has("no-reload"),
          mark: guard.mark,
          wasPending: guard.isPending(),
        },
        keys,
      );
    } finally {
      ca.close();
    }
  } finally {
    guard.close();
  }
  for (const key of keys) call.out(describeKey(key));
  // A sandbox is gone before anything has to be renewed, and the timer would be the machine's.
  if (!flags.has("no-timer") && sandboxOf(call.environment) === null) await seeToRenewal(call, values, server);
  return 0;
}

async function seeToRenewal(call: CommandCall, values: ReadonlyMap<string, string>, server: Server): Promise<void> {
  const words = renewWords(ownProgram(call.program, call.environment["PATH"]), values, server);
  const file = call.environment["BSSH_CONFIG"] ?? "";
  const variables = file === "" ? {} : { BSSH_CONFIG: server.config.paths.config };
  if (hasSystemd(SYSTEMD)) return installTimer(server.run, SYSTEMD, serviceText(words, variables));
  const withConfig = file === "" ? words : ["env", `BSSH_CONFIG=${server.config.paths.config}`, ...words];
  call.out("systemd doesn't run here: have cron renew the certificates, by this line in /etc/cron.d/bssh-host-renew");
  call.out(cronLine(withConfig, randomInt(60)));
}
