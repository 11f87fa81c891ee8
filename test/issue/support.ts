/** A world on loopback and orders to get certificates in it. */
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Settings } from "../../src/config/settings.ts";
import { Failure } from "../../src/failure.ts";
import { type Issued, issueCertificate, type Order, type Question } from "../../src/issue/index.ts";
import { worldSecrets } from "../../src/sandbox/aws/credentials.ts";
import { type AwsOptions, type AwsRecord, startAws } from "../../src/sandbox/aws/server.ts";
import { makeWorld, type World, type WorldOptions } from "../../src/sandbox/aws/world.ts";
import { formatPublicKey } from "../../src/wire/public-key.ts";
import { publicBlob } from "../../src/wire/signature.ts";

export const SETTINGS: Settings = {
  domainRegex: null,
  required: false,
  identityFile: "/nowhere/blessid",
  keyType: "ed25519",
  typedIdentity: true,
  agent: "on",
  principals: [],
  caKeys: [],
  allowSha1: false,
  certificateMaxSeconds: 3600,
  renewMarginSeconds: 15,
  renewInBackground: true,
  mfaCommand: null,
  mfaSerial: null,
  mfaCache: null,
  questionSeconds: 120,
  refusalSeconds: 60,
  awsProfile: null,
  sessionSeconds: 64_800,
  roleSeconds: 3600,
  kmsauthSeconds: 3600,
  kmsauthBinding: "auto",
  identityProof: "kmsauth",
  identityName: "session",
  kmsauthService: "bless-production",
  function: "bless",
  functionVersion: null,
  role: "bless-user",
  roleAccount: "210987654321",
  regions: [],
  connectSeconds: 2,
  readSeconds: 2,
  bastionIps: ["192.0.2.1"],
  fixedIp: "127.0.0.1",
  ipUrls: [],
  ipCacheSeconds: 3600,
  dialer: false,
  shareConnections: false,
  hostCaKeys: [],
  hostPatterns: [],
  hostFunction: null,
  hostFunctionVersion: null,
  hostNames: [],
};

/** The line of a new ed25519 public key. */
export function newPublicKey(): string {
  const { publicKey } = generateKeyPairSync("ed25519");
  return formatPublicKey({ type: "ssh-ed25519", blob: publicBlob(publicKey), comment: "alice@laptop" });
}

export type Scene = {
  readonly world: World;
  readonly url: string;
  /** Requests since the scene began, or since the last `clear()`. */
  readonly log: AwsRecord[];
  readonly state: string;
  readonly publicKey: string;
  readonly questions: Question[];
  readonly said: string[];
  readonly traced: string[];
  /** Environment of alice. */
  readonly environment: Record<string, string | undefined>;
  readonly settings: Settings;
  /** Issues with the scene's order, changed as told. */
  issue(change?: Partial<Order>): Promise<Issued>;
  /** The Failure that issuing ends with. */
  fail(change?: Partial<Order>): Promise<Failure>;
  /** `service action` of the requests, in order. */
  calls(): string[];
  clear(): void;
  end(): Promise<void>;
};

/** Opens a world with its services running. Must be ended. */
export function openScene(options: WorldOptions = {}, settings: Partial<Settings> = {}, aws: AwsOptions = {}): Scene {
  const world = makeWorld(options);
  const log: AwsRecord[] = [];
  const server = startAws(world, { ...aws, log: (record) => log.push(record) });
  const state = mkdtempSync(join(tmpdir(), "bssh-issue-"));
  const publicKey = newPublicKey();
  const questions: Question[] = [];
  const said: string[] = [];
  const traced: string[] = [];
  const regions = world.regions.map(({ alias, name, kmsauthKey }) => ({ alias, awsRegion: name, kmsauthKey }));
  const environment = {
    HOME: state,
    AWS_ACCESS_KEY_ID: world.user.accessKeyId,
    AWS_SECRET_ACCESS_KEY: world.user.secretAccessKey,
    AWS_ENDPOINT_URL: server.url,
    AWS_REGION: "us-east-1",
  };
  const scene: Scene = {
    world,
    url: server.url,
    log,
    state,
    publicKey,
    questions,
    said,
    traced,
    environment,
    settings: { ...SETTINGS, regions, caKeys: [world.ca.publicKey], ...settings },
    issue: (change = {}) =>
      issueCertificate({
        settings: scene.settings,
        state: `${state}/state`,
        publicKey,
        environment,
        ask: async (question) => {
          questions.push(question);
          return world.currentCode();
        },
        say: (line) => said.push(line),
        trace: (line) => traced.push(line),
        now: () => Date.now(),
        useCaches: true,
        region: null,
        ...change,
      }),
    async fail(change) {
      const issued = await scene.issue(change).catch((error: unknown) => error);
      if (issued instanceof Failure) return issued;
      throw issued instanceof Error ? issued : new Error("a certificate was issued");
    },
    calls: () => log.map(({ service, action }) => `${service} ${action}`),
    clear() {
      log.length = 0;
      questions.length = 0;
      said.length = 0;
      traced.length = 0;
    },
    async end() {
      const told = JSON.stringify([said, traced, log]);
      const secrets = worldSecrets(world).filter((secret) => told.includes(secret));
      await server.stop();
      rmSync(state, { recursive: true, force: true });
      if (secrets.length > 0) throw new Error("a secret was said or traced");
    },
  };
  return scene;
}

/** Runs with a scene and ends it. */
export async function inScene<T>(scene: Scene, run: (scene: Scene) => Promise<T>): Promise<T> {
  try {
    return await run(scene);
  } finally {
    await scene.end();
  }
}
