// promise: whoever reads key and certificate while they are renewed, or after a renewal was killed, finds a whole pair
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  lutimesSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { identityFiles } from "../../src/identity/files.ts";
import { storeCertificate, storeNewKey } from "../../src/identity/store.ts";
import { makeOpenSshKey, type PrivateJwk } from "../../src/wire/private-key.ts";
import { publicBlob } from "../../src/wire/signature.ts";
import { certificateLine } from "../identity/support.ts";
import { makeRandom, sshKeygen } from "../wire/support.ts";

const RENEWALS = 500;
const KILLS = 120;
/** Certificates differ in length, so that a mixture of two would show. */
const KINDS = 25;

let folder: string;
let lines: string[];
const files = () => identityFiles(join(folder, "blessid"));
const prepared = () => join(folder, "..", "prepared.txt");
const writer = resolve(import.meta.dir, "renewing-writer.ts");
const reader = resolve(import.meta.dir, "renewing-reader.ts");

beforeAll(async () => {
  const root = mkdtempSync(join(tmpdir(), "bssh-renewals-"));
  folder = join(root, "ssh");
  const { privateKey } = generateKeyPairSync("ed25519");
  storeNewKey(files(), makeOpenSshKey(privateKey.export({ format: "jwk" }) as PrivateJwk, "test"));
  lines = [];
  for (let serial = 1; serial <= KINDS; serial++) {
    const principals = Array.from({ length: 1 + ((serial * 7) % 60) }, (_, at) => `role-${serial}-${at}`);
    lines.push(await certificateLine(publicBlob(privateKey), { serial: BigInt(serial), principals }));
  }
  writeFileSync(prepared(), `${lines.join("\n")}\n`);
  storeCertificate(files(), lines[0] ?? "");
});
afterAll(() => rmSync(join(folder, ".."), { recursive: true, force: true }));

/** A reader in a process of its own; what it saw is told when it is stopped. */
async function startReader(): Promise<() => Promise<{ reads: number; certificates: number; wrong: string[] }>> {
  const child = Bun.spawn([process.execPath, reader, files().key, prepared()], { stdin: "pipe", stdout: "pipe" });
  const output = child.stdout.getReader();
  await output.read();
  return async () => {
    child.stdin.end();
    const { value } = await output.read();
    return JSON.parse(new TextDecoder().decode(value));
  };
}

const startWriter = (count: number) =>
  Bun.spawn([process.execPath, writer, files().key, prepared(), String(count)], { stdout: "pipe", stderr: "inherit" });

function expectWholePair(): void {
  for (const place of [files().certificate, files().link]) {
    expect(lines).toContain(readFileSync(place, "utf8").trimEnd());
  }
  const { status, stdout } = sshKeygen(["-L", "-f", files().certificate]);
  expect(status).toBe(0);
  expect(stdout).toContain("ssh-ed25519-cert-v01@openssh.com user certificate");
  expect(sshKeygen(["-y", "-P", "", "-f", files().key]).status).toBe(0);
}

test(`a reader never sees a torn, empty or mismatched pair during ${RENEWALS} renewals`, async () => {
  const stop = await startReader();
  expect(await startWriter(RENEWALS).exited).toBe(0);
  const { reads, certificates, wrong } = await stop();
  console.log(`${reads} reads during ${RENEWALS} renewals saw ${certificates} different certificates`);
  expect(wrong).toEqual([]);
  expect(certificates).toBeGreaterThan(1);
  expectWholePair();
  expect(readdirSync(folder).filter((name) => name.endsWith(".bssh"))).toEqual([]);
}, 60_000);

describe("a writer that is killed", () => {
  test(`${KILLS} times, at any moment, leaves a whole pair for readers and for ssh-keygen`, async () => {
    const random = makeRandom("renewals");
    const stop = await startReader();
    let leftOvers = 0;
    for (let round = 0; round < KILLS; round++) {
      const child = startWriter(1_000_000);
      await child.stdout.getReader().read();
      // Renewals take some 0.1 ms each: from within the first to long into the loop.
      const wait = random.below(4000) / 1000;
      const until = performance.now() + wait;
      while (performance.now() < until);
      child.kill("SIGKILL");
      await child.exited;
      expectWholePair();
      leftOvers = readdirSync(folder).filter((name) => name.endsWith(".bssh")).length;
    }
    const { reads, wrong } = await stop();
    console.log(`${KILLS} kills left ${leftOvers} temporaries; ${reads} reads meanwhile`);
    expect(wrong).toEqual([]);
  }, 180_000);

  /** Calls that change a folder, by their names on one platform or another. strace kills at the n-th of each. */
  const CALLS =
    "write fsync chmod fchmod fchmodat link linkat rename renameat renameat2 symlink symlinkat unlink unlinkat";
  /** Kills runs of a program at the first, the second, … of each call until one gets through; how many were killed. */
  const killAtEach = (words: (run: string) => readonly string[], before: () => void, after: (run: string) => void) => {
    let kills = 0;
    for (const call of CALLS.split(" ")) {
      for (let at = 1; ; at++) {
        const run = `${call}-${at}`;
        before();
        const inject = `inject=?${call}:signal=KILL:when=${at}`;
        const trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", `trace=?${call}`, "-e", inject];
        const { signalCode, exitCode } = Bun.spawnSync([...trace, process.execPath, ...words(run)], {
          stdin: "ignore",
        });
        after(run);
        if (exitCode === 0) break;
        expect(signalCode).toBe("SIGKILL");
        kills += 1;
      }
    }
    return kills;
  };

  test("at each call of a renewal leaves a whole pair", () => {
    const kills = killAtEach(
      () => [writer, files().key, prepared(), "2"],
      () => {
        storeCertificate(files(), lines[1] ?? "");
        // A copy in the link's place, so that the link is made as well.
        rmSync(files().link, { force: true });
        writeFileSync(files().link, `${lines[1]}\n`);
      },
      expectWholePair,
    );
    console.log(`killed ${kills} times`);
    expect(kills).toBeGreaterThan(4);
  }, 120_000);

  test("at each call of a first key leaves a key that is whole, or none", () => {
    const ensuring = resolve(import.meta.dir, "../identity/ensuring.ts");
    const identity = (run: string) => identityFiles(join(folder, "..", run, "blessid"));
    const kills = killAtEach(
      (run) => [ensuring, identity(run).key],
      () => {},
      (run) => {
        const { key, publicKey } = identity(run);
        if (existsSync(key)) expect(sshKeygen(["-y", "-P", "", "-f", key]).status).toBe(0);
        // And the next process goes on from there.
        expect(Bun.spawnSync([process.execPath, ensuring, key], { stdin: "ignore" }).exitCode).toBe(0);
        const real = sshKeygen(["-y", "-P", "", "-f", key]).stdout.split(" ")[1];
        expect(readFileSync(publicKey, "utf8").split(" ")[1]).toBe(real);
      },
    );
    console.log(`killed ${kills} times`);
    expect(kills).toBeGreaterThan(6);
  }, 120_000);

  test("leaves temporaries that harm nothing and are gone in the end", async () => {
    const temporary = join(folder, ".blessid-cert.pub.00112233445566ff.bssh");
    writeFileSync(temporary, readFileSync(files().certificate).subarray(0, 100));
    copyFileSync(temporary, join(folder, ".blessid-cert.00112233445566ff.bssh"));
    storeCertificate(files(), lines[3] ?? "");
    expectWholePair();
    expect(existsSync(temporary)).toBe(true);
    const old = new Date(Date.now() - 7_200_000);
    for (const name of readdirSync(folder).filter((name) => name.endsWith(".bssh"))) {
      lutimesSync(join(folder, name), old, old);
    }
    storeCertificate(files(), lines[4] ?? "");
    expectWholePair();
    expect(readdirSync(folder).filter((name) => name.endsWith(".bssh"))).toEqual([]);
  });
});
