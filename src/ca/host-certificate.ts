/** What goes into a host certificate, and for how long: the contents that BLESS gives it (`bless/aws_lambda/bless_lambda_host.py`). */
import type { CertificateOrder } from "../wire/certificate-maker.ts";
import type { PublicKey } from "../wire/public-key.ts";
import { fingerprint, type Invocation, makeSerial, plain } from "./certificate.ts";
import type { HostnameRule } from "./host-names.ts";
import type { HostPolicy } from "./host-policy.ts";
import { NO_REVOCATIONS, type Revocations } from "./revocations.ts";

/** What whoever deploys the CA decides of hosts; the names of bless_deploy.cfg stand beside those that come from there. */
export type HostSettings = {
  /** How long before now a certificate is valid, in seconds (server_certificate_validity_before_seconds). */
  readonly validityBeforeSeconds: number;
  /** How long after now a certificate is valid, in seconds (server_certificate_validity_after_seconds). */
  readonly validityAfterSeconds: number;
  /** What both together may be at most (host_max_validity_seconds). */
  readonly maxValiditySeconds: number;
  /** What names may be where nobody vouches for them (hostname_validation). */
  readonly hostnameValidation: HostnameRule;
  /** The CA's name in a proof (kmsauth_serviceid); "" when it has none. */
  readonly audience: string;
  /** Which hosts may have which names; null: there is no policy (host_policy). */
  readonly policy: HostPolicy | null;
  /** Whoever may invoke the function gets any name, as in BLESS (host_allow_unproven). */
  readonly allowUnproven: boolean;
  /** Texts in PEM with AWS's certificates for instance identity documents; none: documents count for nothing. */
  readonly instanceCertificates: readonly string[];
  /** Keys and sessions that get nothing. */
  readonly revocations: Revocations;
  /** The function's ARN in the key id; null takes the one that was invoked. */
  readonly functionArn: string | null;
};

/** The settings with the defaults where nothing is given: BLESS's, but that nothing is without proof. Throws an Error. */
export function completeHostSettings(given: Partial<HostSettings>): HostSettings {
  const settings: HostSettings = {
    validityBeforeSeconds: 120,
    validityAfterSeconds: 31_536_000,
    maxValiditySeconds: 31_622_400,
    hostnameValidation: "url",
    audience: "",
    policy: null,
    allowUnproven: false,
    instanceCertificates: [],
    revocations: NO_REVOCATIONS,
    functionArn: null,
    ...given,
  };
  const { validityBeforeSeconds: before, validityAfterSeconds: after, maxValiditySeconds: most } = settings;
  if (!(Number.isInteger(before) && before >= 0))
    throw new Error("hosts' validityBeforeSeconds is no number of seconds");
  if (!(Number.isInteger(after) && after > 0)) throw new Error("hosts' validityAfterSeconds is no number of seconds");
  if (before + after > most) throw new Error(`hosts' certificates are to be valid for longer than ${most} seconds`);
  return settings;
}

/** The longest comment of a key that is kept. */
const MAX_COMMENT = 250;

/** Decides every field. `now` is milliseconds since the epoch; `random` gives that many random bytes. */
export function hostOrderFor(
  { names, publicKey }: { readonly names: readonly string[]; readonly publicKey: PublicKey },
  settings: HostSettings,
  { requestId, functionArn }: Invocation,
  now: number,
  random: (count: number) => Uint8Array,
): CertificateOrder {
  const seconds = Math.floor(now / 1000);
  const end = seconds + settings.validityAfterSeconds;
  const [date, time] = new Date(end * 1000).toISOString().replaceAll("-", "/").split(/[T.]/);
  return {
    publicKey: publicKey.blob,
    kind: "host",
    serial: makeSerial(random(8)),
    keyId:
      `request[${plain(requestId)}] ssh_key[${fingerprint(publicKey)}] ` +
      `ca[${plain(settings.functionArn ?? functionArn)}] valid_to[${date} ${time}]`,
    principals: names,
    validAfter: BigInt(Math.max(0, seconds - settings.validityBeforeSeconds)),
    validBefore: BigInt(end),
    criticalOptions: new Map(),
    extensions: new Map(),
    nonce: random(32),
    comment: publicKey.comment.slice(0, MAX_COMMENT),
  };
}
