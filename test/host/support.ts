// A server for the tests of src/host: a folder with host keys and sshd's config, an sshd that says what the test wants, a CA.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Certifying } from "../../src/host/certify.ts";
import { type HostKey, readHostKeys } from "../../src/host/keys.ts";
import type { Run } from "../../src/host/run.ts";
import type { Sshd, SshdFacts } from "../../src/host/sshd.ts";
import { type CertificateOrder, makeCertificate } from "../../src/wire/certificate-maker.ts";
import { formatPublicKey } from "../../src/wire/public-key.ts";
import { publicBlob, signBytes } from "../../src/wire/signature.ts";

/** 2027-01-15 08:00 UTC, in milliseconds: the tests' now. */
export const NOW = 1_800_000_000_000;
const SECONDS = BigInt(NOW / 1000);
const YEAR = 31_536_000n;

export function makeAuthority() {
  const { privateKey } = generateKeyPairSync("ed25519");
  const blob = publicBlob(privateKey);
  return { privateKey, blob, line: formatPublicKey({ type: "ssh-ed25519", blob, comment: "" }) };
}

export const authority = makeAuthority();

/** A certificate for web1.corp.example, good for a year from now, with wishes. */
export function hostCertificate(
  publicKey: Uint8Array,
  wishes: Partial<CertificateOrder> = {},
  by = authority,
): Promise<string> {
  const order: CertificateOrder = {
    publicKey,
    kind: "host",
    serial: 7n,
    keyId: "test",
    principals: ["web1.corp.example"],
    validAfter: SECONDS - 120n,
    validBefore: SECONDS + YEAR,
    criticalOptions: new Map(),
    extensions: new Map(),
    nonce: randomBytes(32),
    ...wishes,
  };
  return makeCertificate(order, { publicBlob: by.blob, sign: (bytes) => signBytes(by.privateKey, bytes) });
}

export type TestServer = {
  readonly folder: string;
  readonly sshd: Sshd;
  readonly facts: SshdFacts;
  readonly keys: readonly HostKey[];
  readonly dropIn: string;
  remove(): void;
};

/** A server with an ed25519 and an ecdsa key. What stands for the private halves is no key at all. */
export function makeServer(config?: (folder: string) => string): TestServer {
  const folder = mkdtempSync(join(tmpdir(), "bssh-host-"));
  mkdirSync(join(folder, "sshd_config.d"));
  const made = {
    ed25519: generateKeyPairSync("ed25519").privateKey,
    ecdsa: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
  };
  const hostKeys = Object.entries(made).map(([name, key]) => {
    const path = join(folder, `ssh_host_${name}_key`);
    writeFileSync(path, "private\n", { mode: 0o600 });
    const blob = publicBlob(key);
    const type = name === "ecdsa" ? "ecdsa-sha2-nistp256" : "ssh-ed25519";
    writeFileSync(`${path}.pub`, `${formatPublicKey({ type, blob, comment: "root@web1" })}\n`);
    return path;
  });
  const sshdConfig = join(folder, "sshd_config");
  writeFileSync(sshdConfig, config?.(folder) ?? `Include ${folder}/sshd_config.d/*.conf\nPort 22\n`);
  return {
    folder,
    sshd: { program: "/usr/sbin/sshd", config: sshdConfig },
    facts: { hostKeys, certificates: [], addresses: [], pidFile: null },
    keys: readHostKeys(hostKeys).keys,
    dropIn: join(folder, "sshd_config.d", "50-bssh-host.conf"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Every file below the folder: its mode and text. */
export function filesIn(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  const files = names.filter((name) => !lstatSync(join(folder, name)).isDirectory());
  return Object.fromEntries(
    files.map((name) => {
      const path = join(folder, name);
      return [
        name,
        `${(lstatSync(path).mode & 0o7777).toString(8)} ${existsSync(path) ? readFileSync(path, "utf8") : ""}`,
      ];
    }),
  );
}

/** An sshd whose nth test (from 1) gives what `verdict` says: words on stderr, or a status. Keeps the words it is run with. */
export function fakeSshd(verdict: (test: number) => { readonly status?: number; readonly err?: string } | null) {
  const ran: (readonly string[])[] = [];
  let tests = 0;
  const run: Run = async (words) => {
    ran.push(words);
    if (words[1] !== "-t") return { status: 0, out: "", err: "" };
    tests++;
    const { status = 0, err = "" } = verdict(tests) ?? {};
    return { status, out: "", err };
  };
  return { run, ran };
}

type Wishes = Partial<Certifying> & { readonly sshd?: never };

/** The server of a test with everything to certify it. */
export function partsFor(
  made: TestServer,
  run: Certifying["run"],
  marks: boolean[] = [],
  wishes: Wishes = {},
): Certifying {
  return {
    run,
    sshd: made.sshd,
    facts: made.facts,
    keys: made.keys,
    ask: (key) => hostCertificate(key.publicKey.blob),
    names: [],
    caKeys: [authority.line],
    now: () => NOW,
    hasSystemd: false,
    reload: false,
    mark: (pending) => void marks.push(pending),
    wasPending: false,
    ...wishes,
  };
}

/** The sentence that the work fails with; `done` when it does not. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return (error as { sentence?: string }).sentence ?? String(error);
  }
  return "done";
}
