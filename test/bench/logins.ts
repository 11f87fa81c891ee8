// Whole logins to the sandbox's sshd, by every road; ssh is the same program on all of them, with the same key and certificate.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type House, makeHouse, setUp } from "./houses.ts";
import { interleave, type Kind, median, ratio } from "./measure.ts";
import type { Scene } from "./starts.ts";

export type Road = "bssh" | "dialer" | "shared" | "set up" | "proxy, pipes" | "proxy, socket";

export type Logins = {
  /** `ssh -i key`, the median in milliseconds. */
  readonly ssh: number;
  readonly roads: Readonly<Record<Road, { readonly time: number; readonly ratio: number }>>;
};

export function logins({ bssh, host }: Scene, key: string, rounds: number): Logins {
  const dialling = makeHouse(bssh, ["dialer = true"]);
  const sharing = makeHouse(bssh, ["share_connections = true"]);
  const changed = makeHouse(bssh);
  const houses = [dialling, sharing, changed];
  try {
    const proxy = ["ssh", "-i", key, "-o", `ProxyCommand=${bssh} proxy -- %h %p`];
    const kinds: Kind[] = [
      { name: "ssh", words: ["ssh", "-i", key, host, "true"] },
      { name: "bssh", words: [bssh, host, "true"] },
      { name: "dialer", words: [bssh, host, "true"], set: dialling.set },
      { name: "shared", words: [bssh, host, "true"], set: sharing.set },
      {
        name: "set up",
        words: ["ssh", host, "true"],
        set: { ...changed.set, BSSH_SSH_CONFIG: setUp(bssh, changed) },
      },
      { name: "proxy, pipes", words: [...proxy, host, "true"] },
      { name: "proxy, socket", words: [...proxy, "-o", "ProxyUseFdpass=yes", host, "true"] },
    ];
    const times = interleave(kinds, rounds, Math.min(3, rounds - 1));
    if (socketsOf(sharing).length !== 1) throw new Error("the logins over a shared connection had none");
    const base = times.get("ssh") ?? [];
    const roads = kinds.slice(1).map(({ name }) => {
      const list = times.get(name) ?? [];
      return [name, { time: median(list), ratio: ratio(list, base) }];
    });
    return { ssh: median(base), roads: Object.fromEntries(roads) as Logins["roads"] };
  } finally {
    for (const socket of socketsOf(sharing)) {
      Bun.spawnSync(["ssh", "-O", "exit", "-S", socket, host], { stdio: ["ignore", "ignore", "ignore"] });
    }
    for (const house of houses) house.close();
  }
}

function socketsOf({ set }: House): string[] {
  const folder = join(set["BSSH_HOME"] ?? "", "state/share");
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}
