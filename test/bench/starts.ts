// What bssh adds to the start of a program. true(1) is in ssh's place, so that nothing but bssh's own time is added to it.
import { readFileSync } from "node:fs";
import { type House, makeHouse, makeLongSshConfig, setUp } from "./houses.ts";
import { interleave, median } from "./measure.ts";

/** Medians in milliseconds. */
export type Starts = Readonly<
  Record<
    | "true"
    | "empty"
    | "ssh -V"
    | "bssh -V"
    | "ours"
    | "ours, long ssh_config"
    | "ours, long ssh_config that is read"
    | "theirs"
    | "match"
    | "ssh -G"
    | "ssh -G, set up",
    number
  >
>;

export type Scene = { readonly bssh: string; readonly host: string; readonly folder: string };

/** Blocks of other hosts in an ssh_config as a company's. */
export const BLOCKS = 200;

const FOREIGN = "web1.example.com";

export function startUps({ bssh, host, folder }: Scene, empty: string, rounds: number): Starts {
  const ssh = realSsh();
  const inPlace = { BSSH_SSH: "/bin/true" };
  const houses = [
    makeHouse(bssh),
    makeHouse(bssh, ["dialer = true", "share_connections = true"]),
    makeHouse(bssh),
  ] as const;
  try {
    const [plain, reading, other] = houses;
    const long = makeLongSshConfig(plain, BLOCKS);
    const changed = setUp(bssh, other);
    const inHouse = (house: House, more: Record<string, string> = {}) => ({ ...house.set, ...more });
    const resolve = (config: string) => [ssh, "-F", config, "-G", FOREIGN];
    const times = interleave(
      [
        { name: "true", words: ["/bin/true", host, "true"] },
        { name: "empty", words: [empty] },
        { name: "ssh -V", words: [ssh, "-V"] },
        { name: "bssh -V", words: [bssh, "-V"], set: { BSSH_SSH: ssh } },
        { name: "ours", words: [bssh, host, "true"], set: inPlace },
        {
          name: "ours, long ssh_config",
          words: [bssh, host, "true"],
          set: inHouse(plain, { ...inPlace, BSSH_SSH_CONFIG: long }),
        },
        {
          name: "ours, long ssh_config that is read",
          words: [bssh, host, "true"],
          set: inHouse(reading, { ...inPlace, BSSH_SSH_CONFIG: long }),
        },
        { name: "theirs", words: [bssh, FOREIGN, "true"], set: { BSSH_SSH: thatOnlyResolves(folder, ssh) } },
        { name: "match", words: [bssh, "match", "--", host] },
        { name: "ssh -G", words: resolve(process.env["BSSH_SSH_CONFIG"] ?? "") },
        { name: "ssh -G, set up", words: resolve(changed), set: inHouse(other) },
      ],
      rounds,
      Math.min(3, rounds - 1),
    );
    return Object.fromEntries([...times].map(([name, list]) => [name, median(list)])) as Starts;
  } finally {
    for (const house of houses) house.close();
  }
}

/** The ssh that the sandbox's own `ssh` runs. */
function realSsh(): string {
  const script = readFileSync(`${process.env["BSSH_SANDBOX"]}/bin/ssh`, "utf8");
  return /^exec '?(\/[^\s']+)/m.exec(script)?.[1] ?? "/usr/bin/ssh";
}

/** In ssh's place for another's host: resolves as ssh does when it is asked to, and is true(1) otherwise. */
function thatOnlyResolves(folder: string, ssh: string): string {
  const path = `${folder}/ssh-that-resolves`;
  Bun.spawnSync([
    "/bin/sh",
    "-c",
    `printf '#!/bin/sh\\ncase $1 in -G) exec ${ssh} "$@" ;; esac\\n' >"$0"; chmod 755 "$0"`,
    path,
  ]);
  return path;
}
