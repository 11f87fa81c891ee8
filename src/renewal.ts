// Renewal before it hurts: the login that finds the certificate past two thirds of its life starts `bssh login --background`
// and goes on.
import type { WarmConfig } from "./config/kept.ts";
import type { IdentityFiles } from "./identity/files.ts";
import { isImported } from "./imported.ts";
import { ownLink } from "./ssh/become.ts";
import type { Environment } from "./story.ts";
import type { System } from "./system/system.ts";
import { type Certificate, FOREVER } from "./wire/certificate.ts";

/** BLESS lets certificates begin so many seconds before they are issued, for clocks that are behind. */
const BEFORE_SECONDS = 120n;

/** While renewals fail one is tried so often at most, in seconds. */
const AGAIN_SECONDS = 60n;

export type Renewing = {
  readonly system: System;
  readonly environment: Environment;
  readonly config: Pick<WarmConfig, "settings" | "paths">;
  readonly files: IdentityFiles;
  /** The one on disk. */
  readonly certificate: Certificate;
  /** Milliseconds since the epoch, by AWS's clock. */
  readonly now: number;
};

/**
 * Starts the renewal of a certificate that is past two thirds of its life, once a minute however many logins notice; one that was
 * taken into use by hand stays. Waits for nothing and never throws. The new process has neither a terminal nor this one's descriptors, and asks nobody.
 */
export function renewIfOld({ system, environment, config, files, certificate, now }: Renewing): void {
  const late = config.settings.renewInBackground ? lateness(certificate, now) : null;
  if (late === null || isImported(system, config.paths.state, certificate)) return;
  // Whoever makes this minute's file is the one who starts it.
  const of = Bun.hash(files.certificate).toString(36);
  if (!system.claim(`${config.paths.state}/${RENEWAL}${of}-${certificate.validBefore}-${late / AGAIN_SECONDS}`)) return;
  const link = ownLink(config.paths.state);
  const program = system.may(link, "execute") ? link : process.execPath;
  const own = files.key === config.settings.identityFile ? {} : { BLESS_IDENTITYFILE: files.key };
  try {
    // A shell in between lets it be init's child: ssh would leave it a zombie.
    Bun.spawnSync(["/bin/sh", "-c", '"$0" login --background &', program], {
      env: { ...environment, ...own, BLESS_COMPLETE: undefined },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
      detached: true,
    });
  } catch {
    // No process can be had now; the certificate is good for a while.
  }
}

/** Seconds since the certificate is past two thirds of its life; null when it isn't. `now` in milliseconds, by AWS's clock. */
export function lateness(certificate: Certificate, now: number): bigint | null {
  const { validBefore } = certificate;
  if (validBefore === FOREVER) return null;
  const late = BigInt(Math.floor(now / 1000)) - (validBefore - lifeOf(certificate) / 3n);
  return late < 0n ? null : late;
}

/** Seconds from the certificate's issue to its end. */
function lifeOf({ validAfter, validBefore }: Certificate): bigint {
  const whole = validBefore - validAfter;
  return whole > BEFORE_SECONDS * 2n ? whole - BEFORE_SECONDS : whole / 3n;
}

/** How the names of the files begin that keep renewals to one a minute, in the private state. */
export const RENEWAL = "renewal-";
