/** What a container is made of, and what it opens of it. */
import type { CertificateSigner } from "../wire/certificate-maker.ts";
import type { CaAws } from "./aws.ts";
import type { DeployConfig, FileName } from "./deploy-config.ts";
import type { Revocations } from "./revocations.ts";
import type { GivenSettings } from "./settings.ts";

export type ContainerParts = {
  /** Text of bless_deploy.cfg; null when there is none. */
  readonly config: string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A file beside the code; null when there is none of that name. */
  readonly readFile: (name: string) => Uint8Array | null;
  readonly aws: CaAws;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** That many bytes from a cryptographic source. */
  readonly random: (count: number) => Uint8Array;
  /** Writes one record of the audit log. Where it throws, nothing is certified. */
  readonly log: (record: Record<string, unknown>) => void;
  /** The version of bssh that this was built from. */
  readonly version?: string;
};

/** What the handlers are made of; each part rejects with an Error that holds no secret, and is made once when it does not. */
export type Opened = {
  readonly config: () => DeployConfig;
  readonly signer: () => Promise<CertificateSigner>;
  readonly userSettings: () => Promise<GivenSettings>;
  readonly revocations: () => Revocations;
  readonly file: (name: FileName | null) => string | null;
};
