// What names of AWS look like. Loops and no regular expressions: each of those costs 0.05 ms when it is first used, and a
// config is read at every login.
const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS = "0123456789";
const NAME = `${LOWER}${UPPER}${DIGITS}_-`;

/** True for `least` to `most` characters, each of them one of `allowed`. */
function isMadeOf(text: string, allowed: string, least: number, most: number): boolean {
  if (text.length < least || text.length > most) return false;
  for (let at = 0; at < text.length; at++) if (!allowed.includes(text.charAt(at))) return false;
  return true;
}

/** Twelve digits. */
export function isAccount(text: string): boolean {
  return isMadeOf(text, DIGITS, 12, 12);
}

/** Such as `eu-west-1` or `us-gov-east-1`. */
export function isAwsRegion(text: string): boolean {
  const last = text.lastIndexOf("-");
  const second = text.indexOf("-", 3);
  return (
    text.indexOf("-") === 2 &&
    second > 3 &&
    (second === last || text.indexOf("-", second + 1) === last) &&
    last - second !== 1 &&
    isMadeOf(text.slice(0, last), `${LOWER}-`, 4, 32) &&
    isMadeOf(text.slice(last + 1), DIGITS, 1, 2)
  );
}

/** A region's alias: letters, digits, `.`, `_`, `-`. */
export function isAlias(text: string): boolean {
  return isMadeOf(text, `${NAME}.`, 1, 64);
}

/** KMS, Encrypt: KeyId as key id, alias name, key ARN or alias ARN. */
export function isKmsKey(text: string): boolean {
  if (text.startsWith("alias/")) return isMadeOf(text, `${NAME}/`, 7, 256);
  const arn = arnOf(text, "kms");
  if (arn === null) return isMadeOf(text, NAME, 1, 64) && !text.includes("_");
  const kind = arn.startsWith("key/") ? "key/" : "alias/";
  return arn.startsWith(kind) && isMadeOf(arn, `${NAME}/`, kind.length + 1, 262);
}

/** Lambda, Invoke: FunctionName as name, partial ARN or ARN, without a qualifier. */
export function isFunction(text: string): boolean {
  const rest = arnOf(text, "lambda") ?? (isAccount(text.slice(0, 12)) && text[12] === ":" ? text.slice(13) : null);
  if (rest === null) return isMadeOf(text, NAME, 1, 64);
  return rest.startsWith("function:") && isMadeOf(rest.slice(9), NAME, 1, 64);
}

/** Lambda, Invoke: Qualifier. */
export function isQualifier(text: string): boolean {
  return isMadeOf(text, `${NAME}$`, 1, 128);
}

/** IAM: a role's name with its path in front, without slashes at the ends; nothing that makes another ARN of it. */
export function isRole(text: string): boolean {
  const parts = text.split("/");
  return isMadeOf(text, `${NAME}+=,.@/`, 1, 576) && !text.includes("..") && parts.every((part) => part !== "");
}

/** STS, GetSessionToken: SerialNumber, a virtual device's ARN or a hardware device's number. */
export function isMfaSerial(text: string): boolean {
  if (!text.startsWith("arn:")) return isMadeOf(text, `${NAME}+=/:,.@`, 9, 256);
  const device = arnOf(text, "iam", "");
  return device?.startsWith("mfa/") === true && isMadeOf(device, `${NAME}+=/,.@`, 5, 256);
}

/** The resource of an ARN of that service; null for anything else. Without `region` any region will do. */
function arnOf(text: string, service: string, region?: string): string | null {
  const [arn, partition, of, at, account, ...resource] = text.split(":");
  if (arn !== "arn" || of !== service || at === undefined || account === undefined) return null;
  if (partition?.startsWith("aws") !== true || !isMadeOf(partition, `${LOWER}-`, 3, 32) || !isAccount(account))
    return null;
  if (region === undefined ? !isAwsRegion(at) : at !== region) return null;
  return resource.join(":");
}
