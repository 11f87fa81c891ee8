// The world of one scenario: the sandbox's AWS with the wishes of the scenario, a home, and a program in ssh's place that says
// what it got. The executable is dist/bssh as it ships; nothing in it knows of tests.

import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { makeBlessFunction } from "../../src/sandbox/aws/bless-function.ts";
import { worldSecrets } from "../../src/sandbox/aws/credentials.ts";
import { type AwsRecord, startAws } from "../../src/sandbox/aws/server.ts";
import { makeWorld, type WorldOptions } from "../../src/sandbox/aws/world.ts";
import { writeClientFiles } from "../../src/sandbox/client-files.ts";
import { startControl } from "../../src/sandbox/control.ts";
import { commandEnvironment } from "../../src/sandbox/environment.ts";
import { type Folder, folderAt, makeFolder } from "../../src/sandbox/folder.ts";
import { startAddressServices } from "./address-service.ts";
import { perform, type Weather } from "./deeds.ts";
import { PLACES } from "./places.ts";
import { PROGRAMS } from "./programs.ts";
import { listen, type Overheard } from "./secrets.ts";

const bssh = process.env["BSSH_EXECUTABLE"] ?? resolve(import.meta.dir, "../../dist/bssh");

export type Wishes = Omit<WorldOptions, "caBehaviour" | "now" | "policies"> & {
  /** The deed `ca …` before anything else: who stands in the CA's place. */
  readonly ca?: string;
  /** AWS's clock is ahead of this machine's by so many seconds. */
  readonly clockSeconds?: number;
  /** Lines put in front of the config; ADDRESS_SERVICES in them are the URLs of this world's. */
  readonly config?: readonly string[];
  /** Patterns of config lines that are taken out. */
  readonly without?: readonly string[];
  /** Variables added to the environment, or taken out of it (null). */
  readonly environment?: Readonly<Record<string, string | null>>;
};

export type TestWorld = {
  readonly folder: Folder;
  readonly environment: Record<string, string>;
  readonly log: readonly AwsRecord[];
  readonly overheard: Overheard;
  /** Every secret of this world so far, codes aside. */
  secrets(): string[];
  /** Makes something happen, by a line of a scenario. */
  perform(deed: string): void;
  stop(): Promise<void>;
};

/** Starts a world by the scenario's wishes. `debug`: everything in it runs with BLESSDEBUG=1. */
export async function startWorld(wishes: Wishes, debug = false): Promise<TestWorld> {
  const { ca, clockSeconds = 0, config = [], without = [], environment: added = {}, ...options } = wishes;
  const weather: Weather = {
    skewMs: clockSeconds * 1000,
    down: new Set(),
    captive: new Set(),
    slow: new Map(),
    addresses: [],
  };
  const world = makeWorld({
    certSeconds: 1800,
    totpPeriodSeconds: 1,
    totpDriftSteps: 10,
    ...options,
    now: () => Date.now() + weather.skewMs,
  });
  const bless = makeBlessFunction(world, {
    usernameValidation: options.usernameValidation ?? "useradd",
    remoteUsernamesAllowed: options.remoteUsernamesAllowed ?? [],
  });
  if (ca !== undefined) perform(`ca ${ca}`, world, weather, bless);

  const folder = folderAt(join(mkdtempSync(join(tmpdir(), "bssh-scene-")), "s"));
  makeFolder(folder);
  const log: AwsRecord[] = [];
  const overheard: Overheard = { codes: new Set(), tokens: new Set() };
  const aws = startAws(world, {
    log: (record) => void log.push(record),
    intercept: async (claim, answer) => {
      await Bun.sleep(weather.slow.get(claim.action) ?? 0);
      if (weather.down.has(claim.region)) return new Response("", { status: 503 });
      if (weather.captive.has(claim.action)) {
        return new Response("<html>Please log in</html>", { headers: { "content-type": "text/html" } });
      }
      return listen(overheard, claim, answer);
    },
  });
  const control = startControl(folder.controlSocket, world.currentCode);
  symlinkSync(bssh, `${folder.bin}/bssh`);
  const services = startAddressServices(weather, `${folder.root}/address-requests`);
  for (const [name, text] of Object.entries({ ...PROGRAMS, ...PLACES })) {
    writeFileSync(`${folder.bin}/${name}`, text);
    chmodSync(`${folder.bin}/${name}`, 0o755);
  }
  const passphrase = randomBytes(12).toString("hex");
  writeFileSync(`${folder.root}/passphrase`, passphrase, { mode: 0o600 });

  const hosts = ["web1.sandbox.test", "web2.sandbox.test"];
  writeClientFiles({ folder, world, sshd: { port: 22, hostKey: "" }, hosts, certSeconds: 1800, ask: false });
  const lines = readFileSync(folder.config, "utf8").split("\n");
  const kept = lines.filter((line) => !without.some((pattern) => new RegExp(pattern).test(line)));
  const more = config.map((line) => services.fillIn(line.replaceAll("SANDBOX", folder.root)));
  writeFileSync(folder.config, [...more, ...kept].join("\n"), { mode: 0o600 });

  const caller = { PATH: process.env["PATH"], TERM: "dumb", LANG: "C.UTF-8" };
  const environment = commandEnvironment(caller, { folder, world, url: aws.url, hosts });
  environment["REAL_SSH"] = Bun.which("ssh") ?? "ssh";
  environment["AWS_PORT"] = String(aws.port);
  for (const [name, value] of Object.entries(added)) {
    if (value === null) delete environment[name];
    else environment[name] = value.replaceAll("SANDBOX", folder.root);
  }
  if (debug) environment["BLESSDEBUG"] = "1";
  return {
    folder,
    environment,
    log,
    overheard,
    secrets: () => [...worldSecrets(world), ...overheard.tokens, passphrase],
    perform: (deed) => perform(deed, world, weather, bless),
    async stop() {
      await Promise.all([aws.stop(), services.stop()]);
      control.stop();
      rmSync(dirname(folder.root), { recursive: true, force: true });
    },
  };
}

/** Writes the files of a scenario below the world's folder; SANDBOX in them is its path. */
export function writeFiles(world: TestWorld, files: ReadonlyMap<string, string>): void {
  for (const [name, text] of files) {
    const path = join(world.folder.root, name);
    if (!existsSync(dirname(path))) mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text.replaceAll("SANDBOX", world.folder.root), { mode: text.startsWith("#!") ? 0o755 : 0o600 });
  }
}
