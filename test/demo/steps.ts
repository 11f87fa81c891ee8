// What bssh did on the way to a certificate, from the lines that it writes for BLESSDEBUG.

/** What each request is for, in a person's words. */
const MEANING: Readonly<Record<string, string>> = {
  GetCallerIdentity: "the name that the access key belongs to",
  GetSessionToken: "a session for the MFA code, which proves the second factor",
  Encrypt: "a kmsauth token, by which KMS vouches for name and second factor",
  AssumeRole: "the role that may call the CA",
  Invoke: "the CA's signature under the certificate",
};

const SERVICES: Readonly<Record<string, string>> = { sts: "STS", kms: "KMS", lambda: "Lambda" };

/**
 * Plain sentences for debug lines (`TIME PID TEXT`), each with the time since `from` (milliseconds since the epoch) at which the
 * line was written. Lines that say nothing about a request or a certificate are left out.
 */
export function stepsOf(debug: string, from: number): string[] {
  return debug.split("\n").flatMap((line) => {
    const [time = "", , ...rest] = line.split(" ");
    const sentence = sentenceOf(rest.join(" "));
    const at = Date.parse(time) - from;
    return sentence === null || Number.isNaN(at)
      ? []
      : [`${`${Math.max(0, Math.round(at))} ms`.padStart(9)}  ${sentence}`];
  });
}

function sentenceOf(text: string): string | null {
  const request = /^(sts|kms|lambda) (\S+) (\w+) (.*)$/.exec(text);
  if (request !== null) {
    const [, service = "", region = "", action = "", rest = ""] = request;
    const what = MEANING[action] ?? "something";
    const took = /^answered in ([\d.]+) ms$/.exec(rest)?.[1];
    if (took !== undefined) return `asked ${SERVICES[service]} in ${region} (${action}) for ${what}: ${took} ms`;
    if (rest.startsWith("is kept")) return `kept from an earlier login (${action}): ${what}`;
    return `asked ${SERVICES[service]} in ${region} (${action}) for ${what}, which ${rest}`;
  }
  const why = /-cert\.pub: (.*)$/.exec(text)?.[1];
  if (why === "no key") return "there is no key: one is made";
  if (why !== undefined) return `a certificate is wanted: ${why}`;
  return text.startsWith("stored ") ? "the certificate was checked and stored beside its key" : null;
}
