/**
 * The CA looks at itself: the event `{"bssh":"check"}`. It answers whoever may invoke the function, with what is configured
 * and what AWS refuses, and nothing secret. Nothing is certified by it.
 */
import { concat, encodeText } from "../wire/bytes.ts";
import { sha256Fingerprint, verifyBytes } from "../wire/signature.ts";
import { describe } from "./cause.ts";
import type { Invocation } from "./certificate.ts";
import type { ContainerParts, Opened } from "./container-parts.ts";
import { trustedLines } from "./trusted-keys.ts";

/** `ok` is null for what could not be checked, because of what an earlier check found: `detail` names that. */
export type Check = { readonly name: string; readonly ok: boolean | null; readonly detail: string };

export type CheckAnswer = {
  readonly checks: readonly Check[];
  readonly offers: readonly string[];
  readonly version: string;
  /** Lines for TrustedUserCAKeys; empty when the CA's key cannot be opened. */
  readonly publicKeys: readonly string[];
};

/** Of a user who is in no IAM: whether IAM may be asked at all. */
const NOBODY = "bssh-check";

export function isCheck(event: unknown): boolean {
  const isOne = typeof event === "object" && event !== null && Object.keys(event).length === 1;
  return isOne && "bssh" in event && event.bssh === "check";
}

export async function checkContainer(
  kind: "user" | "host",
  { environment, aws, now, random, log, version = "" }: ContainerParts,
  opened: Opened,
  anyAnswer: () => Promise<object>,
  invocation: Invocation,
): Promise<CheckAnswer> {
  const checks: Check[] = [];
  const publicKeys: string[] = [];
  /** What failed already: the check's name, by its cause. */
  const causes = new Map<string, string>();
  async function check(name: string, look: () => Promise<string> | string): Promise<void> {
    try {
      checks.push({ name, ok: true, detail: await look() });
    } catch (error) {
      const cause = describe(rootOf(error));
      const earlier = causes.get(cause);
      if (earlier === undefined) causes.set(cause, name);
      checks.push(
        earlier === undefined
          ? { name, ok: false, detail: reasons(error) }
          : { name, ok: null, detail: `not checked: see ${earlier}` },
      );
    }
  }

  await check("configuration", () => {
    const { user } = opened.config();
    if (kind === "user" && user === null) throw new Error("nobody would have to prove who they are");
    return "";
  });
  await check("region", () => {
    const region = environment["AWS_REGION"];
    if (!region) throw new Error("AWS_REGION is not set");
    return region;
  });
  await check("clock", () => new Date(now()).toISOString());
  await check("ca-key", async () => {
    const signer = await opened.signer();
    // No certificate begins like this: theirs begin with the length of a type's name.
    const text = concat(encodeText("bssh check "), random(32));
    if (!verifyBytes(signer.publicBlob, text, await signer.sign(text))) throw new Error("its signatures are not good");
    publicKeys.push(...trustedLines(signer, opened.file(opened.config().trustedKeys)));
    return `${publicKeys[0]?.split(" ")[0]} ${sha256Fingerprint(signer.publicBlob)}`;
  });
  await check("revocations", async () => {
    if (opened.revocations().isRevokedKey((await opened.signer()).publicBlob))
      throw new Error("the CA's own key is revoked");
    return `${opened.revocations().list.length}`;
  });
  if (kind === "user") {
    await check("kmsauth-keys", async () => {
      const { kmsauth } = await opened.userSettings();
      return kmsauth?.keyArns.join(",") ?? "none";
    });
    await check("groups", async () => {
      const { groups } = await opened.userSettings();
      if (!groups) return "none";
      try {
        await aws.groupsOf(NOBODY);
      } catch (error) {
        if (!(error instanceof Error && error.name === "NoSuchEntity")) throw error;
      }
      return groups.nameFormat;
    });
  } else {
    await check("host-policy", () => {
      const { hostPolicy, host } = opened.config();
      if (opened.file(hostPolicy) !== null) return hostPolicy?.name ?? "";
      if (host.allowUnproven === true) return "none: whoever may invoke the function gets any name";
      throw new Error("there is none, so no host gets a name");
    });
  }

  const offers: string[] = [];
  await check("handler", async () => {
    const answer = await anyAnswer();
    if ("offers" in answer && Array.isArray(answer.offers)) offers.push(...answer.offers);
    return offers.join(",");
  });
  log({
    time: new Date(now()).toISOString(),
    event: "check",
    kind,
    ...invocation,
    ok: checks.every(({ ok }) => ok !== false),
  });
  return { checks, offers, version, publicKeys };
}

/** The first cause of an error. */
function rootOf(error: unknown): unknown {
  let root = error;
  for (let depth = 0; depth < DEEPEST && root instanceof Error && root.cause !== undefined; depth++) root = root.cause;
  return root;
}

const DEEPEST = 8;

function reasons(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? describe(error.cause) : "";
  const said = describe(error);
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause.message : cause;
  return cause === "" || said.includes(inner) ? said : `${said} ${cause}`;
}
