// promise: bssh ca trace joins client, CA and sshd by serial number and request id, in order, whatever else is in the logs
import { afterAll, beforeAll, expect, test } from "bun:test";
import { sshKeygen } from "../wire/support.ts";
import { type Bench, makeBench } from "./running.ts";

let bench: Bench;
beforeAll(() => {
  bench = makeBench();
  bench.key("ca");
  bench.key("alice");
});
afterAll(() => bench.remove());

const SERIAL = "6412398417293641";
const ID = "9a7e-77";
const KEY_ID = `request[${ID}] for[alice] from[192.0.2.1] command[ssh web1] ssh_key[ED25519 aa]  ca[arn] valid_to[x]`;
const client = { time: "2024-05-06T07:08:11.000Z", serial: SERIAL, keyId: KEY_ID, requestId: ID, region: "eu-west-1" };
const decision = {
  time: "2024-05-06T07:08:10.000Z",
  event: "decision",
  decision: "granted",
  requestId: ID,
  serial: SERIAL,
};
const login = `2024-05-06T09:08:12.000000+02:00 web1 sshd[77]: Accepted publickey for alice from 192.0.2.1 port 7 ssh2: ED25519-CERT SHA256:x ID ${KEY_ID} (serial ${SERIAL}) CA ED25519 SHA256:y`;
const others = [
  JSON.stringify({ ...client, serial: `${SERIAL}1`, keyId: "request[8]", requestId: "8" }),
  login.replaceAll(SERIAL, `1${SERIAL}`).replaceAll(ID, `x${ID}`),
  "{",
  "",
  '{"serial":7}',
  "\u0000\u0001",
];

function logs(of: { client?: string[]; ca?: string[]; sshd?: string[] }): string[] {
  const write = (name: string, lines: string[]) =>
    bench.write(`${name}.log`, [...others, ...lines, ...others].join("\n"));
  return [
    "--client-log",
    write("client", of.client ?? [JSON.stringify(client)]),
    "--ca-log",
    write("ca", of.ca ?? [JSON.stringify(decision)]),
    "--sshd-log",
    write("sshd", of.sshd ?? [login]),
  ];
}
const heads = (out: readonly string[]) => out.filter((line) => /^(\d{4}-|\(no)/.test(line));

test("three records in order of time, with what joins them on top", async () => {
  const { status, out } = await bench.run(["trace", SERIAL, ...logs({})]);
  expect(out[0]).toBe(`serial ${SERIAL}, request ${ID}`);
  expect(heads(out)).toEqual([
    "2024-05-06T07:08:10.000Z  CA",
    "2024-05-06T07:08:11.000Z  client",
    "2024-05-06T07:08:12.000Z  sshd",
  ]);
  expect(out).toContain(`  ${login}`);
  expect(out.some((line) => /^ {2}decision +granted$/.test(line))).toBe(true);
  expect(status).toBe(0);
});

test("the CA's decision stands first, though the clocks of the others are behind", async () => {
  const early = JSON.stringify({ ...client, time: "2024-05-06T07:08:09.000Z" });
  const { out } = await bench.run([
    "trace",
    SERIAL,
    ...logs({ client: [early], sshd: [login.replace(":12.", ":01.")] }),
  ]);
  expect(heads(out)).toEqual([
    "2024-05-06T07:08:10.000Z  CA",
    "2024-05-06T07:08:09.000Z  client",
    "2024-05-06T07:08:01.000Z  sshd",
  ]);
});

test("a CA's record is found by the request's id alone, which another log gives, also behind CloudWatch's prefix", async () => {
  const { serial: _, ...withoutSerial } = decision;
  const dressed = `2024-05-06T07:08:10.123Z\t${ID}\tINFO\t${JSON.stringify(withoutSerial)}`;
  const { status, out } = await bench.run(["trace", SERIAL, ...logs({ ca: [dressed] })]);
  expect([status, heads(out).length]).toEqual([0, 3]);
});

test("a certificate's file does as well, BLESS's without a serial number too", async () => {
  for (const serial of [SERIAL, "0"]) {
    sshKeygen(["-q", "-s", bench.path("ca"), "-I", KEY_ID, "-n", "alice", "-z", serial, bench.path("alice.pub")]);
    const { status, out } = await bench.run(["trace", bench.path("alice-cert.pub"), ...logs({})]);
    expect([status, heads(out).length]).toEqual([0, 3]);
  }
});

test("status 1 when a log has nothing of it, is not there, or is not known, and the others are shown", async () => {
  const without = await bench.run(["trace", SERIAL, ...logs({ sshd: [] })]);
  expect([without.status, heads(without.out).length]).toEqual([1, 2]);
  expect(without.out.at(-1)).toBe(`sshd: nothing in ${bench.path("sshd.log")}`);
  const [, clientLog = "", , caLog = ""] = logs({});
  const missing = await bench.run([
    "trace",
    SERIAL,
    "--client-log",
    clientLog,
    "--ca-log",
    caLog,
    "--sshd-log",
    "/none",
  ]);
  expect([missing.status, missing.out.at(-1)]).toEqual([1, "sshd: there is no log /none"]);
  const unknown = await bench.run(["trace", SERIAL, "--client-log", clientLog]);
  expect(unknown.status).toBe(1);
  expect(unknown.out.slice(-2)).toEqual([
    "CA: its log is not known; name it with --ca-log",
    "sshd: its log is not known; name it with --sshd-log",
  ]);
  const none = await bench.run(["trace", "12345", ...logs({})]);
  expect([none.status, none.out[0]]).toEqual([1, "serial 12345, no request id found"]);
});

test("syslog's older form, and lines without a time, which stand last", async () => {
  const old = login.replace(/^\S+/, "May  6 07:08:12");
  const bare = login.replace(/^.*?: /, "");
  const { out } = await bench.run(["trace", SERIAL, ...logs({ sshd: [bare, old] })]);
  const [, , third, fourth] = heads(out);
  expect(third).toMatch(/^\d{4}-05-0[567]T\d\d:\d\d:12\.000Z {2}sshd$/);
  expect(fourth).toBe("(no time)  sshd");
});

test("what is in the logs cannot write to the terminal", async () => {
  const evil = { ...decision, user: "\u001b[31malice\u0007", "\u001b]0;x": "\u202e" };
  const line = `${login} \u001b[2J`;
  const { out } = await bench.run(["trace", SERIAL, ...logs({ ca: [JSON.stringify(evil)], sshd: [line] })]);
  expect(heads(out).length).toBe(3);
  expect(out.join("\n")).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
});

test("what somebody wrote into a key ID neither hides their logins nor makes them another's", async () => {
  const [victim, own] = ["4712", "5604701321389476738"];
  const tail = "CA ED25519 SHA256:y";
  const evil = (more = "") =>
    `request[m-1] for[mallory] from[192.0.2.1] command[x (serial ${victim}) ${tail} request[9a7e-77]${more}] ssh_key[x]`;
  const cut = (text: string) => text.slice(0, 1023);
  const who = "mallory from 192.0.2.1 port 7 ssh2: ED25519-CERT SHA256:x ID ";
  const at = "May  6 07:08:09 web1 sshd[77]: ";
  const pad = (text: string) => text.padEnd(1023 - ` (serial ${victim}) ${tail}`.length, "x");
  const forged = [
    `${at}Accepted publickey for ${who}${evil()} (serial ${own}) ${tail}`,
    `Failed publickey for ${who}${evil()} (serial ${own}) ${tail}`,
    `${at}Accepted certificate ID "${evil('" (serial 1) signed by ED25519 CA SHA256:y via /x')}" (serial ${own}) signed by ED25519 CA SHA256:y via /etc/ssh/ca.pub`,
    `${at}error: Refusing certificate ID "${evil()}" serial=${own} signed by ED25519 CA SHA256:y: expired [preauth]`,
    // As long as sshd's lines can be, with the true end cut off.
    `${at}${cut(`${pad(`Accepted publickey for ${who}${evil()}`)} (serial ${victim}) ${tail}] (serial ${own}) ${tail}`)}`,
  ];
  const noise = [
    `${at}Failed publickey for invalid user x ${who}request[9a7e-77] (serial ${victim}) ${tail} from 192.0.2.9 port 7 ssh2: ED25519 SHA256:z`,
    `${at}Connection from x (serial ${victim}) ${tail}`,
    `${at}Starting session: command for alice, (serial ${victim}) ${tail}`,
    `May  6 07:08:09 web1 app[7]: Accepted publickey for ${who}x (serial ${victim}) ${tail}`,
  ];
  const sshdLog = bench.write("forged.log", [...forged, ...noise].join("\n"));
  const caLog = bench.write("forged-ca.log", JSON.stringify({ ...decision, serial: own, requestId: "m-1" }));
  const seen = async (serial: string) => {
    const { out } = await bench.run(["trace", serial, "--sshd-log", sshdLog, "--ca-log", caLog]);
    return heads(out).filter((line) => line.endsWith("sshd")).length;
  };
  expect([await seen(own), await seen(victim)]).toEqual([forged.length, 0]);
});

test("words that are no certificate are refused", async () => {
  const run = async (...words: string[]) => (await bench.run(["trace", ...words])).failure;
  expect(await run()).toContain("wants one serial number or certificate");
  expect(await run("0")).toContain("serial 0 is no serial number");
  expect(await run("77x")).toContain("there is no file 77x");
  expect(await run(bench.path("alice.pub"))).toContain("is no certificate");
  sshKeygen(["-q", "-s", bench.path("ca"), "-I", "nothing", "-n", "alice", bench.path("alice.pub")]);
  expect(await run(bench.path("alice-cert.pub"))).toContain("neither a serial number nor a request's id");
});
