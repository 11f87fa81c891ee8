// Random ssh_config files, and those they include: blocks, patterns, negation, quotes, comments, `=`, includes with globs. Not all
// of what comes out is something that ssh takes.
import { writeFileSync } from "node:fs";
import type { Random } from "../wire/support.ts";

export const HOSTS = ["web1", "web2", "web1.example.com", "WEB1", "db", "10.0.0.1", "a-b_c", "x"];

const PATTERNS = [
  "*",
  "web1",
  "web?",
  "web*",
  "*.example.com",
  "!web1",
  "!web*",
  "db",
  "WEB1",
  "w*1",
  "10.0.*",
  "?",
  "??*",
  "!*",
  "web1.example.com",
  "a-b_c",
  "*b*",
  "nothing",
  "we[b]1",
  "web1,db",
  "web.",
  "w+eb1",
  "***1",
  "!",
  "web1#",
  "!!web1",
];

const OTHER_LINES = [
  "User bob",
  "Port 2200",
  "# IdentityFile in a comment",
  "  #IdentityFile x",
  "",
  "   ",
  "\t",
  "ForwardAgent yes",
  "IdentitiesOnly yes",
  "ProxyCommand echo IdentityFile x",
  "HostName real.example.com",
  "LocalCommand Host web1",
  "SendEnv IdentityFile",
  "CertificateFile ~/x-cert.pub",
  "identityagent none",
  "HostKeyAlias include",
  "RemoteCommand final",
];

export type Generated = { readonly path: string; readonly host: string; readonly text: string };

/** Writes the `number`-th file, and what it includes, into a folder. */
export function generate(random: Random, folder: string, relativeFolder: string, number: number): Generated {
  const made: string[] = [];
  const path = write(0);
  return { path, host: pick(HOSTS), text: made.join("\n---\n") };

  function pick<T>(list: readonly T[]): T {
    const chosen = list[random.below(list.length)];
    if (chosen === undefined) throw new Error("nothing to pick from");
    return chosen;
  }
  function chance(percent: number): boolean {
    return random.below(100) < percent;
  }

  function write(depth: number): string {
    const count = depth === 0 ? 1 + random.below(8) : random.below(4);
    const end = chance(5) ? "\r\n" : "\n";
    const text = Array.from({ length: count }, () => `${line(depth)}${chance(3) ? " \f" : ""}${end}`).join("");
    const file = `${folder}/c${number}-${depth}-${made.length}.conf`;
    writeFileSync(file, text);
    made.push(`${file}:\n${text}`);
    return file;
  }

  function line(depth: number): string {
    const kind = random.below(100);
    if (kind < 28) return keyed("Host", patterns());
    if (kind < 52) return keyed(chance(6) ? "IdentityFile2" : "IdentityFile", identity());
    if (kind < 64 && depth < 3) return keyed("Include", includes(depth));
    if (kind < 72) return keyed("Match", match());
    if (kind < 75) return keyed("CanonicalizeHostname", pick(["no", "no", "NO", "yes", "always"]));
    return pick(OTHER_LINES);
  }

  function keyed(key: string, value: string): string {
    const spelled = pick([key, key, key, key.toLowerCase(), key.toUpperCase(), chance(10) ? `"${key}"` : key]);
    const between = pick([
      " ",
      " ",
      " ",
      "=",
      " = ",
      "\t",
      "  ",
      " =",
      "= ",
      chance(10) ? "" : " ",
      chance(10) ? "==" : " ",
    ]);
    const comment = chance(6) ? pick([" # comment", " #web1", "#web1", ' # "', " # '"]) : "";
    return `${pick(["", "", "", "  ", "\t", chance(10) ? "=" : " "])}${spelled}${between}${value}${comment}${pick(["", "", " ", "\t"])}`;
  }

  function quoted(word: string): string {
    const how = random.below(100);
    if (how < 84) return word;
    if (how < 92) return `"${word}"`;
    if (how < 94) return `'${word}'`;
    if (how < 96) return `"${word.slice(0, 2)}"${word.slice(2)}`;
    if (how < 98) return `${word.slice(0, 1)}\\${word.slice(1)}`;
    return `"${word}`;
  }

  function patterns(): string {
    const between = () => pick([" ", " ", "  ", "\t", chance(5) ? "," : " "]);
    return Array.from({ length: 1 + random.below(3) }, () => quoted(pick(PATTERNS))).reduce(
      (all, word) => all + between() + word,
    );
  }

  function identity(): string {
    return quoted(pick(["~/.ssh/own", "/keys/own", "none", "%d/own", "own", "/a%%b", `$${"{HOME}"}/own`, "~/own key"]));
  }

  function match(): string {
    return pick([
      "all",
      "ALL",
      "host web1",
      "host web*",
      "originalhost web1",
      "user bob",
      "!host web1",
      "host web1,db",
      "final",
      "final host web1",
      "final all",
      "canonical",
      "canonical host web1",
      "host real.example.com",
      "all host web1",
      "exec true",
      'exec "false"',
      '"all"',
      "host web1 user nobody",
      "final host real.*",
    ]);
  }

  function includes(depth: number): string {
    return Array.from({ length: 1 + random.below(2) }, () => {
      const file = write(depth + 1);
      const name = file.slice(folder.length + 1);
      const glob = name.replace(/-\d+\.conf$/, pick(["-*.conf", "-?.conf", "-[0-9].conf", "-{1,2}.conf"]));
      // A glob must not find the file that it stands in.
      const chosen = glob.startsWith(`c${number}-${depth + 1}-`) && chance(40) ? glob : name;
      return quoted(
        pick([
          `${folder}/${chosen}`,
          `${folder}/${chosen}`,
          `${relativeFolder}/${chosen}`,
          `${folder}/missing*`,
          "~/nothing here",
          "%d/x",
        ]),
      );
    }).join(pick([" ", "\t"]));
  }
}
