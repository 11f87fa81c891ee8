// The benchmark's table: what was measured, the value, the target, and whether it is met.
import type { Figures } from "./inside.ts";
import type { Road } from "./logins.ts";
import { proxyRows } from "./proxy.ts";
import { BLOCKS } from "./starts.ts";

export type Row = {
  readonly what: string;
  readonly value: string;
  readonly target: string;
  readonly good: boolean | null;
};

/** `digits` of the target are the value's. */
function most(what: string, value: number, target: number, unit = " ms", digits = 1): Row {
  const shown = (number: number) => `${number.toFixed(digits)}${unit}`;
  return { what, value: shown(value), target: `≤ ${shown(target)}`, good: value <= target };
}

function exactly(what: string, value: number, target: number): Row {
  return { what, value: String(value), target: String(target), good: value === target };
}

function plain(what: string, value: string): Row {
  return { what, value, target: "", good: null };
}

const ms = (value: number) => `${value.toFixed(1)} ms`;

export function rowsOf({ start, login, cold, agent, proxy, fleet, flight, ca }: Figures): Row[] {
  return [
    ...(start === null ? [] : startRows(start)),
    ...(login === null ? [] : loginRows(login)),
    ...(cold === null
      ? []
      : [
          most("cold: start to the first byte for STS", cold.firstByte, 30),
          most("cold: the whole chain", cold.chain, 60),
        ]),
    ...(agent === null
      ? []
      : [
          most("agent: key and certificate, beside ssh-add", agent.load, agent.sshAdd),
          most("agent that hangs: added to bssh login --force", agent.hung, 1000),
        ]),
    ...(proxy === null ? [] : [...proxyRows(proxy), ...residentRows(proxy)]),
    ...(fleet === null ? [] : fleetRows(fleet)),
    ...(flight === null ? [] : flightRows(flight)),
    ...(ca === null ? [] : caRows(ca)),
  ];
}

function caRows({ kinds, sshKeygen, zipped }: NonNullable<Figures["ca"]>): Row[] {
  return [
    plain("the CA's function, zipped", `${(zipped / 1000).toFixed(0)} KB`),
    plain("ssh-keygen -s, an ed25519 CA, a process for each", ms(sshKeygen)),
    ...kinds.map(({ name, cold }) => most(`the CA, ${name}: load to the first certificate`, cold, 150)),
    ...kinds.map(({ name, handled, signed }) =>
      name.startsWith("KMS")
        ? plain(`the CA, ${name}: each one more, the call of KMS in it`, `${handled.toFixed(2)} ms`)
        : most(
            `the CA, ${name}: each one more, beside its signature of ${signed.toFixed(2)} ms`,
            handled,
            0.3,
            " ms",
            2,
          ),
    ),
  ];
}

function startRows({ times, traced }: NonNullable<Figures["start"]>): Row[] {
  const over = (name: keyof typeof times, base: keyof typeof times = "true") => times[name] - times[base];
  return [
    most("bssh -V, over ssh -V", over("bssh -V", "ssh -V"), 2.5),
    most("host of ours, valid certificate, over the same program", over("ours"), 3),
    most(`the same, ssh_config with ${BLOCKS} blocks`, over("ours, long ssh_config"), 3),
    plain("the same, read for dialer and shared connections", ms(over("ours, long ssh_config that is read"))),
    plain("another's host, over the same program (ssh -G is asked)", ms(over("theirs"))),
    plain("bssh match, valid certificate, over true(1)", ms(over("match"))),
    plain("ssh -G of another's host, set up by bssh setup, over without", ms(over("ssh -G, set up", "ssh -G"))),
    plain("an empty Bun program, over true(1)", ms(over("empty"))),
    ...(traced === null
      ? [plain("strace: not here, or it may not trace", "")]
      : [
          exactly("sockets before ssh", traced.sockets, 0),
          exactly("child processes before ssh", traced.children, 0),
          plain("system calls before ssh, all threads", String(traced.calls)),
          plain("functions compiled while it ran", String(traced.compiled)),
        ]),
  ];
}

function loginRows({ roads, ssh }: NonNullable<Figures["login"]>): Row[] {
  const row = (road: Road, what: string, target: number | null) => {
    const name = `whole login: ${what}`;
    const value = roads[road].ratio;
    return target === null ? plain(name, value.toFixed(3)) : most(name, value, target, "", 3);
  };
  return [
    plain(`whole login: ssh -i key (${ms(ssh)})`, "1.000"),
    row("bssh", "bssh by ssh -i key", 1),
    row("dialer", "bssh, dialer = true", 0.85),
    row("shared", "bssh, over a live shared connection", 0.16),
    row("set up", "ssh, set up by bssh setup (Match exec)", null),
    row("proxy, pipes", "ssh, ProxyCommand bssh proxy, pipes", null),
    row("proxy, socket", "ssh, ProxyCommand bssh proxy, socket handed over", null),
  ];
}

function residentRows({ pipes, socket }: NonNullable<Figures["proxy"]>): Row[] {
  return [
    most("proxy, pipes: memory of its own below a login's ssh", pipes.memory / 1024, 3, " MB"),
    exactly("proxy, socket handed over: processes left", socket.processes, 0),
  ];
}

function fleetRows({ logins, atOnce, good, seconds }: NonNullable<Figures["fleet"]>): Row[] {
  const name = `${logins} warm logins, ${atOnce} at once, in turns`;
  return [
    plain(`${name}: ssh -i key`, `${seconds.ssh.toFixed(1)} s`),
    most(`${name}: bssh by that`, seconds.bssh / seconds.ssh, 1.05, "", 3),
    exactly("of these let in: ssh", good.ssh, logins),
    exactly("of these let in: bssh", good.bssh, logins),
  ];
}

/** What AWS is asked on the way to a certificate. */
const CHAIN = ["GetSessionToken", "Encrypt", "AssumeRole", "Invoke"];

function flightRows({ cold, killed }: NonNullable<Figures["flight"]>): Row[] {
  const name = `${cold.logins} cold logins at once`;
  const range = `${killed.times[0]?.toFixed(0)} to ${killed.times.at(-1)?.toFixed(0)} ms`;
  return [
    exactly(`${name}: let in`, cold.good, cold.logins),
    exactly(`${name}: questions`, cold.questions, 1),
    ...CHAIN.map((action) => exactly(`${name}: ${action}`, cold.actions[action] ?? 0, 1)),
    plain(`${name}: first start to last end, all waiting between`, `${cold.seconds.toFixed(1)} s`),
    plain(`${name}: answer to last end`, `${cold.handOver.toFixed(1)} s`),
    most(`holder killed, ${killed.waiters} waiting: next one has it (${range})`, killed.times.at(-1) ?? 0, 1000),
    exactly("of the others let in", killed.good, killed.left),
  ];
}
