/** What a request that can't be granted asked for, as far as it can be read: the log says it all the same. */
import type { Asked } from "./audit.ts";
import { readKey } from "./request-fields.ts";

/** More than any field that is good may have; a key's line included. */
const MAX_FIELD = 16_384;

/** Never throws, whatever the event is. */
export function askedIn(kind: "user" | "host", event: unknown): Asked {
  const none: Asked = { kind, user: "", proof: "none" };
  if (typeof event !== "object" || event === null) return none;
  const fields = event as Record<string, unknown>;
  const field = (name: string): string | undefined => {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    return typeof value === "string" ? value.slice(0, MAX_FIELD) : undefined;
  };
  const names = field(kind === "user" ? "remote_usernames" : "hostnames");
  const line = field("public_key_to_sign");
  const publicKey = line === undefined ? null : readKey(line);
  const common = {
    ...none,
    ...(names === undefined ? {} : { principals: names.split(",") }),
    ...(publicKey === null ? {} : { publicKey: publicKey.blob }),
  };
  if (kind === "host") return common;
  const [userAddress, sourceAddress, command] = [field("bastion_user_ip"), field("bastion_ips"), field("command")];
  return {
    ...common,
    user: field("bastion_user") ?? "",
    ...(userAddress === undefined ? {} : { userAddress }),
    ...(sourceAddress === undefined ? {} : { sourceAddress }),
    ...(command === undefined ? {} : { command }),
  };
}
