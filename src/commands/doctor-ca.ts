// One region of the CA, gone through as a login goes through it. Of what is got on the way nothing is kept.
import { generateKeyPairSync } from "node:crypto";
import type { Region } from "../config/settings.ts";
import { Failure, printable } from "../failure.ts";
import type { Cache } from "../issue/cache.ts";
import type { Caller } from "../issue/caller.ts";
import type { Errand } from "../issue/errand.ts";
import type { About } from "../issue/errors.ts";
import { namedAtCa, proveCaller, provesByCaller } from "../issue/identity-proof.ts";
import { invokeCa, principalsFor } from "../issue/invoke.ts";
import type { Keys } from "../issue/keys.ts";
import { type KmsauthToken, kmsauthToken, NO_TOKEN } from "../issue/kmsauth.ts";
import { functionWord, invokeFunction } from "../issue/lambda.ts";
import { assumeRole, roleArn } from "../issue/role.ts";
import { verifyAnswer } from "../issue/verify.ts";
import { BOUND_TOKEN } from "../wire/bless.ts";
import { WireError } from "../wire/bytes.ts";
import { formatKeyLine, parsePublicKey } from "../wire/public-key.ts";
import { publicBlob, sha256Fingerprint } from "../wire/signature.ts";
import { aboutRefusal, type Finding, findingOf, functionFinding, good, unchecked, wrong } from "./doctor-finding.ts";

export type Visit = {
  readonly errand: Errand;
  readonly region: Region;
  readonly caller: Caller;
  readonly session: () => Promise<Keys>;
  /** The last line of the trace since `forget`: what AWS said. */
  readonly words: () => string;
  readonly forget: () => void;
};

export type RegionReport = {
  readonly region: string;
  readonly findings: readonly Finding[];
  /** What answers there, and its version; null when nothing does. */
  readonly kind: string | null;
  readonly offers: readonly string[];
  /** True when the function finds nothing wrong with itself. */
  readonly isWell: boolean;
};

/** An address of RFC 5737, from which nobody logs in. */
const NOWHERE = "192.0.2.1";
const LONGEST_ANSWER = 256 * 1024;

/** Line of a public key whose private half is gone already. */
export function throwawayKey(): string {
  const blob = publicBlob(generateKeyPairSync("ed25519").publicKey);
  return formatKeyLine("ssh-ed25519", blob, "");
}

export async function checkRegion(visit: Visit): Promise<RegionReport> {
  const { region, caller, session, words, forget } = visit;
  const errand = { ...visit.errand, cache: NOTHING_KEPT };
  const where = region.awsRegion;
  const findings: Finding[] = [];
  const attempt = async <T>(name: string, work: () => Promise<T>, fact: (value: T) => string): Promise<T | null> => {
    forget();
    try {
      const value = await work();
      findings.push(good(where, name, fact(value)));
      return value;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const found = findingOf(where, name, error, words());
      findings.push(name === "certificate" ? aboutRefusal(found, region.kmsauthKey) : found);
      return null;
    }
  };

  const arn = roleArn(errand, caller);
  const role = await attempt(
    "role",
    () => assumeRole(errand, where, caller, session),
    () => (arn === null ? "none is configured" : `${printable(arn, 200)} can be assumed`),
  );
  const self =
    role === null ? null : await attempt("function", () => askFunction(errand, region, caller, role), aboutSelf);
  if (self !== null) findings.push(...selfFindings(where, self), ...keyFindings(where, self, errand));
  const isWell = self?.checks.every(({ ok }) => ok !== false) === true;
  const kind = self === null ? null : kindOf(self);
  const report = { region: where, findings, kind, offers: self?.offers ?? [], isWell };

  const bound = withBinding(errand, self?.offers.includes(BOUND_TOKEN) === true);
  const byCaller = provesByCaller(errand, caller);
  const token = byCaller
    ? NO_TOKEN
    : await attempt(
        "kmsauth",
        () => freshToken({ bound, usual: errand }, visit),
        (made) => aboutToken(made, region),
      );
  if (role === null || self === null || token === null) return report;
  const unwell = unchecked(where, "certificate", "the function has to be mended first");
  if (!isWell) return { ...report, findings: [...findings, unwell] };
  await attempt(
    "certificate",
    async () => {
      const named = namedAtCa(errand, caller);
      const proof = byCaller ? await proveCaller(errand, region, await session()) : "";
      const address = { own: NOWHERE, bound: NOWHERE };
      const { certificate } = await invokeCa(bound, region, { caller: named, token, proof, role, address });
      const { settings, publicKey } = errand.order;
      const principals = principalsFor(errand, named);
      return verifyAnswer(certificate, {
        ...settings,
        publicKey,
        principals,
        sourceAddress: NOWHERE,
        now: errand.clock.now(),
      });
    },
    ({ certificate }) =>
      `for ${certificate.principals.map((name) => printable(name, 60)).join(", ")}, serial ${certificate.serial}`,
  );
  return report;
}

/** Bound where the CA offers it; when that is refused, whether an unbound one is as well says whose trouble it is. */
async function freshToken(
  errands: { readonly bound: Errand; readonly usual: Errand },
  { region, caller, session, forget }: Visit,
): Promise<KmsauthToken> {
  try {
    return await kmsauthToken(errands.bound, region, caller, session);
  } catch (error) {
    if (errands.bound === errands.usual || !(error instanceof Failure)) throw error;
    await kmsauthToken(errands.usual, region, caller, session);
    forget();
    throw error;
  }
}

function aboutToken({ text, isBound }: KmsauthToken, { kmsauthKey }: Region): string {
  if (text === "") return "no service is configured";
  return `${printable(kmsauthKey, 100)} encrypts ${isBound ? "tokens that are bound to a public key" : "tokens"}`;
}

type Self = {
  /** With a space before it, or ""; null for a BLESS, which does not know the question. */
  readonly version: string | null;
  readonly checks: readonly { readonly name: string; readonly ok: boolean | null; readonly detail: string }[];
  readonly offers: readonly string[];
  readonly publicKeys: readonly string[];
};

async function askFunction(errand: Errand, region: Region, caller: Caller, role: Keys): Promise<Self> {
  const { function: name, functionVersion: version } = errand.order.settings;
  const target = { name: name ?? "", version };
  const about: About = {
    service: "Lambda",
    action: "Invoke",
    region: region.awsRegion,
    function: functionWord(target),
    role: roleArn(errand, caller) ?? caller.arn,
    user: caller.userName,
  };
  const answer = await invokeFunction(errand, about, role, target, new TextEncoder().encode('{"bssh":"check"}'));
  return readSelf(answer.Payload ?? new Uint8Array(0), answer.FunctionError !== undefined, region.awsRegion);
}

function readSelf(payload: Uint8Array, failed: boolean, region: string): Self {
  let said: unknown = null;
  try {
    if (payload.length <= LONGEST_ANSWER) said = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    // What is no JSON is no answer.
  }
  const fields = typeof said === "object" && said !== null ? (said as Readonly<Record<string, unknown>>) : {};
  const { errorType, errorMessage, checks, version } = fields;
  if (errorType === "InputValidationError") return { version: null, checks: [], offers: [], publicKeys: [] };
  if (failed || !Array.isArray(checks)) {
    const why = typeof errorMessage === "string" ? `: ${printable(errorMessage, 300)}` : "";
    throw new Failure(
      `the function in ${region} does not start, or is no CA${why}`,
      "see its log, and deploy bssh ca build's zip",
    );
  }
  const texts = (value: unknown) => (Array.isArray(value) ? value.filter((item) => typeof item === "string") : []);
  return {
    version: typeof version === "string" && version !== "" ? ` ${printable(version, 40)}` : "",
    checks: checks.slice(0, 50).map((check: unknown) => {
      const { name, ok, detail } = (check ?? {}) as Readonly<Record<string, unknown>>;
      return {
        name: printable(String(name), 40),
        ok: ok === null ? null : ok === true,
        detail: printable(String(detail ?? ""), 1000),
      };
    }),
    offers: texts(fields["offers"]).map((offer) => printable(offer, 40)),
    publicKeys: texts(fields["publicKeys"]),
  };
}

function kindOf({ version }: Self): string {
  return version === null ? "a BLESS" : `bssh's CA${version}`;
}

function aboutSelf(self: Self): string {
  return self.version === null ? "a BLESS answers, which cannot look at itself" : `${kindOf(self)} answers`;
}

function selfFindings(region: string, { checks }: Self): Finding[] {
  return checks.filter(({ ok }) => ok === false).map(({ name, detail }) => functionFinding(region, name, detail));
}

/** Whether people's config knows the keys that the function signs with. */
function keyFindings(region: string, { version, publicKeys }: Self, errand: Errand): Finding[] {
  if (version === null || publicKeys.length === 0) return [];
  const { caKeys } = errand.order.settings;
  const known = new Set(caKeys.map(fingerprint));
  const missing = publicKeys.filter((line) => !known.has(fingerprint(line)));
  if (missing.length === 0) return [good(region, "ca_keys", "the config names every key of the function")];
  const lines = missing
    .map((line) => JSON.stringify(printable(line.split(" ").slice(0, 2).join(" "), 2000)))
    .join(", ");
  const fact =
    caKeys.length === 0 ? "the config names no key of the CA" : "the config does not name every key of the function";
  return [wrong(region, "ca_keys", fact, `once you know that it is the CA's, add to ca_keys: ${lines}`)];
}

function fingerprint(line: string): string {
  try {
    return sha256Fingerprint(parsePublicKey(line).blob);
  } catch (error) {
    if (error instanceof WireError) return line;
    throw error;
  }
}

/** Bound tokens where the CA offers them, as a login would send from the second one on. */
function withBinding(errand: Errand, offered: boolean): Errand {
  const { settings } = errand.order;
  if (settings.kmsauthBinding !== "auto" || !offered) return errand;
  return { ...errand, order: { ...errand.order, settings: { ...settings, kmsauthBinding: "on" } } };
}

const NOTHING_KEPT: Cache = {
  read: () => null,
  keep: () => {},
  forget: () => {},
  isOld: () => false,
};
