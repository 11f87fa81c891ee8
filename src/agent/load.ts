import {
  type Constraints,
  encodeAddCertificate,
  encodeAddKey,
  encodeListRequest,
  encodeRemove,
  MAX_LIFETIME,
  readList,
  readOutcome,
} from "../wire/agent.ts";
import { decodeBase64, equalBytes } from "../wire/bytes.ts";
import { type Certificate, parseCertificate } from "../wire/certificate.ts";
import type { PrivatePart } from "../wire/private-part.ts";
import { splitKeyLine } from "../wire/public-key.ts";
import { type AgentClient, openAgent, type Silence } from "./client.ts";
import { type Held, held, holds, isOwn, outdated, ownComment } from "./entries.ts";
import { readPrivateHalf } from "./private-half.ts";

export type { Held } from "./entries.ts";

export type AgentOrder = {
  /** Path of the agent's socket. */
  readonly socket: string;
  /** Text of the private key's file. */
  readonly key: string;
  /** Path of that file, for the comment. */
  readonly path: string;
  /** The certificate's line. */
  readonly certificate: string;
  /** The agent asks before each use. */
  readonly confirm: boolean;
  /** Milliseconds since the epoch, by AWS's clock. */
  readonly now: number;
  /** Milliseconds for the whole exchange; nine tenths of a second unless told otherwise. */
  readonly limitMs?: number;
};

/**
 * Why the certificate is not in the agent. Silence aside: the agent refused it; it accepted it and does not list it; or it is
 * nothing for an agent (a key with a passphrase or on a security key, a certificate that has ended).
 */
export type AgentTrouble = Silence | "refused" | "unlisted" | "unloadable";

export type AgentLoaded =
  | {
      readonly loaded: true;
      /** How many older entries of ours were taken away. */
      readonly removed: number;
    }
  | { readonly loaded: false; readonly trouble: AgentTrouble };

type Load = {
  readonly part: PrivatePart;
  readonly certificate: { readonly type: string; readonly blob: Uint8Array };
  readonly comment: string;
  readonly constraints: Constraints;
};

/**
 * Puts the certificate with its key into the agent, and the plain key behind it, both until the certificate ends; then takes
 * older entries of ours away. Other people's entries stay as they are, also when one of them is our plain key. At every
 * moment the agent has a certificate of ours, the old one or the new. Never throws.
 */
export async function loadAgent(order: AgentOrder): Promise<AgentLoaded> {
  const load = await prepare(order);
  if (load === null) return { loaded: false, trouble: "unloadable" };
  const agent = await openAgent(order.socket, order.limitMs);
  if (typeof agent === "string") return { loaded: false, trouble: agent };
  try {
    const result = await exchange(agent, load);
    return typeof result === "string" ? { loaded: false, trouble: result } : { loaded: true, ...result };
  } finally {
    agent.close();
  }
}

/** What the agent at the socket holds; null when it can't be asked. Never throws. */
export async function agentCertificates(socket: string, limitMs?: number): Promise<readonly Held[] | null> {
  const agent = await openAgent(socket, limitMs);
  if (typeof agent === "string") return null;
  try {
    const list = await listed(agent);
    return typeof list === "string" ? null : list;
  } finally {
    agent.close();
  }
}

async function prepare(order: AgentOrder): Promise<Load | null> {
  const part = await readPrivateHalf(order.key);
  if (part === null) return null;
  try {
    const certificate = parseCertificate(order.certificate);
    const lifetime = lifetimeOf(certificate, order.now);
    if (lifetime < 1 || !equalBytes(certificate.publicKey, part.publicKey)) return null;
    const blob = decodeBase64(splitKeyLine(order.certificate).base64);
    return {
      part,
      certificate: { type: certificate.type, blob },
      comment: ownComment(order.path),
      constraints: { lifetime, confirm: order.confirm },
    };
  } catch {
    return null; // no certificate at all
  }
}

/** Whole seconds that the certificate still lasts. */
function lifetimeOf({ validBefore }: Certificate, now: number): number {
  const seconds = validBefore - BigInt(Math.ceil(now / 1000));
  return seconds > BigInt(MAX_LIFETIME) ? MAX_LIFETIME : Number(seconds);
}

async function exchange(agent: AgentClient, load: Load): Promise<{ removed: number } | AgentTrouble> {
  const { part, certificate, comment, constraints } = load;
  const before = await listed(agent);
  if (typeof before === "string") return before;

  const added = await done(agent, encodeAddCertificate(part, certificate, comment, constraints));
  if (added !== true) return added === false ? "refused" : added;
  const after = await listed(agent);
  if (typeof after === "string") return after;
  if (!holds(after, certificate.blob)) {
    // What it made of the certificate, a hidden entry or the plain key, would only stand in the way.
    await done(agent, encodeRemove(certificate.blob));
    if (!holds(before, part.publicKey) && holds(after, part.publicKey)) {
      await done(agent, encodeRemove(part.publicKey));
    }
    return "unlisted";
  }

  const plain = before.find(({ blob }) => equalBytes(blob, part.publicKey));
  if (plain === undefined || isOwn(plain)) {
    // Removed first: an agent changes an entry where it stands, and ssh would go on offering the plain key before the certificate.
    if (plain !== undefined) await done(agent, encodeRemove(plain.blob));
    const kept = await done(agent, encodeAddKey(part, comment, constraints));
    // A refusal of the plain key alone does no harm: the certificate's entry has the key in it.
    if (typeof kept === "string") return kept;
  }
  // Only what was there before: of two that load at once, neither may take the other's certificate for an older one.
  let removed = 0;
  for (const old of outdated(before, { key: part.publicKey, comment })) {
    if (equalBytes(old.blob, certificate.blob)) continue;
    const gone = await done(agent, encodeRemove(old.blob));
    if (typeof gone === "string") return gone;
    if (gone) removed++; // or it has ended just now
  }
  return { removed };
}

async function listed(agent: AgentClient): Promise<readonly Held[] | Silence | "refused"> {
  const answer = await agent.ask(encodeListRequest());
  if (typeof answer === "string") return answer;
  try {
    return readList(answer)?.map(held) ?? "refused";
  } catch {
    return "garbage";
  }
}

async function done(agent: AgentClient, message: Uint8Array): Promise<boolean | Silence> {
  const answer = await agent.ask(message);
  if (typeof answer === "string") return answer;
  try {
    return readOutcome(answer);
  } catch {
    return "garbage";
  }
}
