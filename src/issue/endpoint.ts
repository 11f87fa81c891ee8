// Where requests may go. A shell's AWS_ENDPOINT_URL can send a login anywhere, codes and session tokens with it: off
// loopback only https is spoken, and only with certificates checked.
import { Failure, printable } from "../failure.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** True for names and addresses that never leave this machine; IPv6 with or without brackets. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, "");
  return name === "localhost" || name.endsWith(".localhost") || name === "::1" || /^127(\.\d{1,3}){3}$/.test(name);
}

/** Throws Failure unless the request stays on loopback or is protected. `protocol` as URLs have it, with the colon. */
export function checkEndpoint(protocol: string, host: string): void {
  if (protocol === "https:" || isLoopback(host)) return;
  throw new Failure(
    `the endpoint ${printable(`${protocol}//${host}`, 120)} is not protected by https`,
    "unset AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_*, or give an https address",
  );
}

/** Throws Failure when the environment switches the checks of TLS off. */
export function checkTls(environment: Environment): void {
  if (environment["NODE_TLS_REJECT_UNAUTHORIZED"] !== "0") return;
  throw new Failure(
    "NODE_TLS_REJECT_UNAUTHORIZED=0 would let anyone read your MFA code",
    "unset it, and for a company's own CA set AWS_CA_BUNDLE",
  );
}

/**
 * The endpoint that the environment sets for a service (`STS`, `KMS`, `LAMBDA`, `IAM`), as the AWS CLI reads it; null
 * leaves it to the profile and the service's own address.
 */
export function endpointFor(service: string, environment: Environment): string | null {
  if (environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]?.toLowerCase() === "true") return null;
  const url = environment[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] || environment["AWS_ENDPOINT_URL"] || null;
  if (url === null) return null;
  try {
    const { protocol, hostname } = new URL(url);
    checkEndpoint(protocol, hostname);
    return url;
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(
      `the endpoint in AWS_ENDPOINT_URL for ${service} is no address`,
      "unset it, or give an https address",
    );
  }
}

/**
 * The proxy settings for https that Node's agents read. A bare suffix in NO_PROXY (`corp.test`) covers what is under it, as
 * curl and the AWS CLI have it; Node's agents want a dot in front. Throws Failure for proxies that would be passed by in
 * silence (socks). Null when there is no proxy.
 */
export function proxyEnvironment(environment: Environment): { HTTPS_PROXY: string; NO_PROXY: string } | null {
  const proxy = environment["https_proxy"] || environment["HTTPS_PROXY"] || "";
  if (proxy === "") return null;
  const url = proxy.includes("://") ? proxy : `http://${proxy}`;
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new Failure("HTTPS_PROXY names a kind of proxy that can't be used", "give an http or https proxy");
  }
  const exceptions = (environment["no_proxy"] || environment["NO_PROXY"] || "").split(",").map((word) => word.trim());
  const both = exceptions.flatMap((word) =>
    /^[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(word) && !isIpv4(word) ? [word, `.${word}`] : word,
  );
  return { HTTPS_PROXY: url, NO_PROXY: both.filter((word) => word !== "").join(",") };
}

function isIpv4(word: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(word);
}
