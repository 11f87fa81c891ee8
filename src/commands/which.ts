import { parseCall } from "../argv/parse.ts";
import { grammarFor } from "../argv/ssh-options.ts";
import { loadConfig } from "../config/load.ts";
import { warmOf } from "../config/warm.ts";
import { Failure } from "../failure.ts";
import { findSsh } from "../ssh/find.ts";
import { sshVersion } from "../ssh/resolve.ts";
import { identityOf, judge, judgeCertificate, makeScene, type Scene, wordsFor } from "../story.ts";
import type { CommandCall } from "./call.ts";

export const help = `
Prints the destination as ssh resolves it, whether it is ours and why, the key and the certificate, and the words that
ssh would get. Nothing is asked of anybody and nothing is issued. Status 0 when the host is ours, 1 when it isn't.
--json prints one object; docs/which.schema.json describes it.

Example:
  $ bssh which --json -p 2222 alice@web1.example.com
`;

/** What `which --json` prints; interface.md, Commands. */
export type Which = {
  readonly typed: string | null;
  readonly host: string | null;
  readonly user: string | null;
  readonly port: string | null;
  readonly jump: readonly string[];
  readonly identityFiles: readonly string[];
  readonly ours: boolean;
  readonly reason: string;
  readonly key: string | null;
  readonly certificate: string | null;
  readonly argv: readonly string[];
};

/** `bssh which [--json] SSH WORDS…`: says what bssh makes of the words. Every word behind is ssh's. */
export async function which(call: CommandCall): Promise<number> {
  const json = call.words[0] === "--json";
  const words = json ? call.words.slice(1) : call.words;
  const ssh = findSsh(call.system, call.environment);
  const typed = parseCall(words, grammarFor(sshVersion(ssh)));
  const config = warmOf(loadConfig(call.environment, call.readText));
  const answer = await describe(makeScene({ ...call, ssh, call: typed, config }));
  if (json) call.out(JSON.stringify(answer));
  else for (const line of sentences(answer)) call.out(line);
  return answer.ours ? 0 : 1;
}

async function describe(scene: Scene): Promise<Which> {
  const { call } = scene;
  const nowhere = { typed: null, host: null, user: null, port: null, jump: [], key: null, certificate: null };
  if (call.through !== null || call.host === null) {
    const reason = call.through === "usage" ? "ssh does not understand these words" : "these words name no destination";
    const same = { identityFiles: call.identityFiles, ours: false, reason, argv: call.words };
    return {
      ...nowhere,
      ...same,
      typed: call.through === "control" || call.through === "print-config" ? call.destination : null,
    };
  }
  const resolved = scene.resolved();
  if (resolved === null) throw new Failure("ssh refuses these words", "run them with ssh -G to see why");
  const judgement = judge(scene);
  const files = judgement.ours ? identityOf(scene) : null;
  const fresh = files !== null && judgeCertificate(scene, files) === null;
  const first = (key: string) => resolved.get(key)?.[0] ?? null;
  return {
    typed: call.destination,
    host: first("hostname"),
    user: first("user"),
    port: first("port"),
    jump: jumpsOf(scene, first("proxyjump")),
    identityFiles: call.identityFiles,
    ours: judgement.ours,
    reason: judgement.reason,
    key: files?.key ?? null,
    certificate: fresh ? (files?.certificate ?? null) : null,
    argv: files !== null && judgement.destination ? [...(await wordsFor(scene, files)), ...call.words] : call.words,
  };
}

/** Jump hosts as `user@host:port`, first hop first; ssh gives a hop no user and no port of its own when none is named. */
function jumpsOf(scene: Scene, proxyJump: string | null): string[] {
  if (proxyJump === null || proxyJump === "none") return [];
  return proxyJump.split(",").map((hop) => {
    const hopCall = parseCall([hop.startsWith("ssh://") ? hop : `ssh://${hop}`], grammarFor(null));
    const words = [
      ...(scene.call.configFile === null ? [] : ["-F", scene.call.configFile]),
      ...(hopCall.user === null ? [] : ["-l", hopCall.user]),
      ...(hopCall.port === null ? [] : ["-p", hopCall.port]),
      "--",
      hopCall.host ?? hop,
    ];
    const resolved = makeScene({ ...scene, call: { ...scene.call, words } }).resolved();
    const value = (key: string) => resolved?.get(key)?.[0] ?? "";
    return `${value("user")}@${value("hostname")}:${value("port")}`;
  });
}

function sentences(answer: Which): string[] {
  if (answer.host === null) return [answer.reason];
  return [
    `destination   ${answer.user ?? ""}@${answer.host} port ${answer.port ?? ""}`,
    ...(answer.jump.length > 0 ? [`by way of     ${answer.jump.join(", ")}`] : []),
    `ours          ${answer.ours ? "yes" : "no"}: ${answer.reason}`,
    ...(answer.key === null ? [] : [`key           ${answer.key}`]),
    ...(answer.key === null ? [] : [`certificate   ${answer.certificate ?? "none that is fresh"}`]),
    `ssh gets      ${answer.argv.map(quoted).join(" ")}`,
  ];
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
