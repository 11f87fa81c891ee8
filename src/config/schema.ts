import { isAccount, isFunction, isMfaSerial, isQualifier, isRole } from "./form.ts";
import {
  type Read,
  readAddress,
  readCaKey,
  readChoice,
  readFlag,
  readHostName,
  readHostPattern,
  readList,
  readNumber,
  readPath,
  readPathOrNone,
  readPattern,
  readPrincipal,
  readText,
  readUrl,
} from "./reading.ts";
import { readRegions } from "./regions.ts";
import type { Settings } from "./settings.ts";

/** One setting: its name in config.toml, what it is without one, how it is read, and what is wanted, in words. */
export type Setting<T> = {
  /** Path in the file, such as `lambda.function`. */
  readonly key: string;
  /** Value when no file and no variable names it. */
  readonly fallback: T;
  /** Completes "give …". */
  readonly wanted: string;
  readonly read: Read<T>;
  /** Least and most of a number. */
  readonly bounds?: readonly [number, number];
  /** Environment variable that goes before the files; `fromText` makes a TOML value of it. */
  readonly variable?: string;
  readonly fromText?: (text: string, cwd: () => string) => unknown;
  /** The value may hold a secret: it is never shown. */
  readonly isSecret?: true;
};

const NONE: readonly never[] = Object.freeze([]);
const MAX_SECONDS = 31_536_000;

/** Every setting there is, in the order in which they are shown. Paths of fallbacks are written with `~/`. */
export const SCHEMA: { readonly [K in keyof Settings]: Setting<Settings[K]> } = {
  domainRegex: {
    key: "domain_regex",
    fallback: null,
    wanted: "a Python regular expression that matches the hosts that are yours, in single quotes",
    read: readPattern,
  },
  required: { key: "required", fallback: false, wanted: "true or false", read: readFlag },
  identityFile: {
    key: "identity_file",
    fallback: "~/.ssh/blessid",
    wanted: "the path of the private key, absolute or from ~/",
    read: (given, reading) => withoutPub(readPath(given, reading)),
    variable: "BLESS_IDENTITYFILE",
    fromText: (text, cwd) => (/^~?\//.test(text) ? text : `${cwd()}/${text}`),
  },
  keyType: { key: "key_type", fallback: "ed25519", wanted: '"ed25519" or "rsa"', read: readChoice("ed25519", "rsa") },
  typedIdentity: { key: "typed_identity", fallback: true, wanted: "true or false", read: readFlag },
  agent: { key: "agent", fallback: "on", wanted: '"on", "off" or "confirm"', read: readChoice("on", "off", "confirm") },
  principals: {
    key: "remote_user",
    fallback: NONE,
    wanted: 'user names, as an array or as one text with commas such as "alice,deploy"',
    read: readList(readPrincipal, true),
  },
  caKeys: {
    key: "ca_keys",
    fallback: NONE,
    wanted: 'an array of public key lines such as "ssh-ed25519 AAAA…"',
    read: readList(readCaKey),
  },
  allowSha1: { key: "allow_sha1", fallback: false, wanted: "true or false", read: readFlag },
  certificateMaxSeconds: seconds("certificate_max_seconds", 3600, 60, MAX_SECONDS),
  renewMarginSeconds: seconds("renew_margin_seconds", 15, 0, 3600),
  renewInBackground: { key: "renew_in_background", fallback: true, wanted: "true or false", read: readFlag },
  mfaCommand: {
    key: "mfa_command",
    fallback: null,
    wanted: "a shell command of one line that prints the code",
    read: readText(() => true, 8192),
    isSecret: true,
  },
  mfaSerial: {
    key: "mfa_serial",
    fallback: null,
    wanted: 'the serial number or ARN of the device, such as "arn:aws:iam::123456789012:mfa/alice"',
    read: readText(isMfaSerial),
  },
  mfaCache: {
    key: "mfa_cache",
    fallback: null,
    wanted: "the path of the other tool's file, absolute or from ~/",
    read: readPathOrNone,
  },
  questionSeconds: seconds("question_seconds", 120, 0, 3600),
  refusalSeconds: seconds("refusal_seconds", 60, 0, 3600),
  awsProfile: {
    key: "aws_profile",
    fallback: null,
    wanted: "the name of a profile in your AWS config",
    read: readText((text) => text.trim() === text, 256),
  },
  sessionSeconds: seconds("session_seconds", 64_800, 900, 129_600),
  roleSeconds: seconds("role_seconds", 3600, 900, 3600),
  kmsauthSeconds: seconds("kmsauth_seconds", 3600, 60, 3600),
  kmsauthBinding: {
    key: "kmsauth_binding",
    fallback: "auto",
    wanted: '"auto", "on" or "off"',
    read: readChoice("auto", "on", "off"),
  },
  identityProof: {
    key: "identity_proof",
    fallback: "kmsauth",
    wanted: '"kmsauth", "caller-identity" or "auto"',
    read: readChoice("kmsauth", "caller-identity", "auto"),
  },
  identityName: {
    key: "identity_name",
    fallback: "session",
    wanted: '"session" or "local-part"',
    read: readChoice("session", "local-part"),
  },
  kmsauthService: {
    key: "kmsauth_service",
    fallback: null,
    wanted: "the name of the CA in kmsauth tokens (their `to`), without white space",
    read: readText((text) => !text.includes(" "), 256),
  },
  bastionIps: {
    key: "bastion_ips",
    fallback: NONE,
    wanted: 'an array of addresses or networks such as ["192.0.2.7", "198.51.100.0/24"]',
    read: readList(readAddress),
  },
  fixedIp: {
    key: "fixed_ip",
    fallback: null,
    wanted: "one address such as 192.0.2.7",
    read: readText((text, reading) => readAddress(text, reading.wrong) === text),
    variable: "BLESSFIXEDIP",
  },
  ipUrls: {
    key: "ip_urls",
    fallback: NONE,
    wanted: 'an array of https URLs such as ["https://checkip.amazonaws.com"]',
    read: readList(readUrl),
  },
  ipCacheSeconds: seconds("ip_cache_seconds", 120, 0, MAX_SECONDS, {
    variable: "BLESSIPCACHELIFETIME",
    fromText: (text) => (/^[0-9]{1,15}$/.test(text) ? Number(text) : text),
  }),
  dialer: { key: "dialer", fallback: false, wanted: "true or false", read: readFlag },
  shareConnections: { key: "share_connections", fallback: false, wanted: "true or false", read: readFlag },
  hostCaKeys: {
    key: "hosts.ca_keys",
    fallback: NONE,
    wanted: 'an array of public key lines such as "ssh-ed25519 AAAA…"',
    read: readList(readCaKey),
  },
  hostPatterns: {
    key: "hosts.patterns",
    fallback: NONE,
    wanted: 'an array of patterns of host names such as "*.corp.example"',
    read: readList(readHostPattern),
  },
  hostFunction: {
    key: "host.function",
    fallback: null,
    wanted: "the name or ARN of the Lambda function for hosts, without a version",
    read: readText(isFunction),
  },
  hostFunctionVersion: {
    key: "host.version",
    fallback: null,
    wanted: "a version or alias of the function, as text",
    read: readText(isQualifier),
  },
  hostNames: {
    key: "host.names",
    fallback: NONE,
    wanted: 'an array of host names in lower case such as "web1.corp.example"',
    read: readList(readHostName),
  },
  function: {
    key: "lambda.function",
    fallback: null,
    wanted: "the name or ARN of the Lambda function, without a version",
    read: readText(isFunction),
  },
  functionVersion: {
    key: "lambda.version",
    fallback: null,
    wanted: "a version or alias of the function, as text",
    read: readText(isQualifier),
  },
  role: {
    key: "lambda.role",
    fallback: null,
    wanted: "the role's name, with its path if it has one (path/name); its account goes to lambda.account_id",
    read: readText(isRole),
  },
  roleAccount: {
    key: "lambda.account_id",
    fallback: null,
    wanted: 'the 12 digits of an AWS account, in quotes such as "123456789012"',
    read: readText(isAccount),
  },
  connectSeconds: seconds("lambda.connect_seconds", 5, 0.1, 300),
  readSeconds: seconds("lambda.read_seconds", 10, 0.1, 900),
  regions: {
    key: "region",
    fallback: NONE,
    wanted: "[[region]] tables, each with alias, aws_region and kmsauth_key",
    read: readRegions,
  },
};

/** A time in seconds; fractions are allowed when the least is one. */
function seconds(key: string, fallback: number, least: number, most: number, more: Partial<Setting<number>> = {}) {
  const fractions = !Number.isInteger(least);
  const setting: Setting<number> = {
    key,
    fallback,
    wanted: `a ${fractions ? "" : "whole "}number of seconds from ${least} to ${most}`,
    read: readNumber(least, most, fractions),
    bounds: [least, most],
    ...more,
  };
  return setting;
}

/** People name the public key where the private one is meant; python-blessclient took it off as well. */
function withoutPub(path: string): string {
  return path.endsWith(".pub") && !path.endsWith("/.pub") ? path.slice(0, -4) : path;
}
