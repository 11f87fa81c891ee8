// The front door: which face was called, the story told once, and the one place that reports a failure and ends the process.
// What is imported here is parsed at every login; everything else is opened where it is needed.

import { faceOf } from "./argv/face.ts";
import { forwardsAgent } from "./argv/forwarding.ts";
import { parseCall } from "./argv/parse.ts";
import { grammarFor, needsVersion } from "./argv/ssh-options.ts";
import { COMMANDS, RESERVED } from "./commands/table.ts";
import { Failure, mistake } from "./failure.ts";
import { type Becoming, becomeSsh, HOP } from "./ssh/become.ts";
import { findSsh } from "./ssh/find.ts";
import { sshVersion } from "./ssh/resolve.ts";
import type { Environment, Scene } from "./story.ts";
import { openSystem } from "./system/open.ts";
import { readText, type System } from "./system/system.ts";

/** Tells the story; returns the exit status where this process does not become ssh. */
async function tell(): Promise<number> {
  const environment = await withHome(process.env);
  const words = process.argv.slice(2);
  const system = await openSystem();
  const face = faceOf(process.argv0, words, [...Object.keys(COMMANDS), ...RESERVED]);
  switch (face.face) {
    case "wrapper":
      return wrap(system, environment, face.words);
    case "help":
      return print((await import("./commands/help.ts")).overview());
    case "version":
      return print(`bssh ${(await import("./version.ts")).VERSION}`);
    case "command":
      return command(system, environment, face.name, face.words);
  }
}

/** The environment, with the home that the password database knows when HOME is unset, as under cron; ssh gets it as it is. */
async function withHome(environment: Environment): Promise<Environment> {
  if ((environment["HOME"] ?? "") !== "") return environment;
  return { ...environment, HOME: (await import("node:os")).homedir() };
}

/** The wrapper: certificate when the words lead to a host of ours, then ssh. */
async function wrap(system: System, environment: Environment, words: readonly string[]): Promise<number> {
  const ssh = findSsh(system, environment);
  const skip = process.argv.length - 2 - words.length;
  const become = (additions: Becoming) => becomeSsh(system, ssh, environment, { ...additions, skip });
  const isComplete = (environment["BLESS_COMPLETE"] ?? "") !== "";
  const isHop = isComplete && (environment[HOP] ?? "") !== "";
  if (isComplete && !isHop) return become(NOTHING);
  const call = parseCall(words, grammarFor(needsVersion(words) ? sshVersion(ssh) : null));
  if (call.through !== null || call.host === null) return become(NOTHING);

  let required = false;
  let additions = NOTHING;
  try {
    const story = await import("./story.ts");
    const config = await story.openConfig(environment, (path) => readText(system, path));
    const scene = story.makeScene({ system, environment, ssh, call, config });
    if (isHop) return become(await story.wordsForHop(scene));
    required = config.settings.required;
    additions = await seeToIt(story, scene);
  } catch (error) {
    await report(error);
    if (required || (await requiresAnyway(environment, system, error))) return 255;
  }
  return become(additions);
}

const NOTHING: Becoming = { inserted: [], hop: null };

/** True when the config is wrong, but says `required = true`: then nothing goes past it. */
async function requiresAnyway(environment: Environment, system: System, error: unknown): Promise<boolean> {
  if (!(error instanceof Failure) || error.status !== 78) return false;
  const { saysRequired } = await import("./config/required.ts");
  return saysRequired(environment, (path) => readText(system, path));
}

/** What ssh gets in addition: nothing for other people's hosts; for ours the certificate, which is fetched when it isn't fresh. */
async function seeToIt(story: typeof import("./story.ts"), scene: Scene): Promise<Becoming> {
  const judgement = story.judge(scene);
  if (!judgement.ours) return NOTHING;
  const files = story.identityOf(scene);
  const unfit = story.judgeCertificate(scene, files, "renew");
  if (unfit !== null) {
    if (await hasMaster(scene)) return NOTHING;
    const [{ obtain }, { loadConfig }] = await Promise.all([import("./obtain.ts"), import("./config/load.ts")]);
    const config = scene.config.whole ?? loadConfig(scene.environment, (path) => readText(scene.system, path));
    try {
      await obtain({ ...scene, config, files, why: unfit, useCaches: true, region: null, mayAsk: story.mayAsk(scene) });
    } catch (error) {
      if (!story.servesStill(scene, files)) throw error;
      await report(error);
    }
  } else if (forwardsAgent(scene.call)) {
    // What is forwarded is what the agent holds; it may have been started anew since the certificate came.
    await (await import("./agent-gift.ts")).giveToAgent({ ...scene, files }, false);
  }
  return story.additionsFor(scene, judgement, files);
}

/** True when the words go through a connection that is there: no certificate is needed for it. */
async function hasMaster(scene: Scene): Promise<boolean> {
  const { hasLiveMaster } = await import("./ssh/master.ts");
  const { ssh, environment, call } = scene;
  return hasLiveMaster({ ssh, environment, words: call.words, resolved: scene.resolved() });
}

/** Failures of a command that don't end with 1: it was called wrongly, or there is no program to run in the sandbox. */
const OWN_STATUSES: readonly number[] = [64, 127];

async function command(
  system: System,
  environment: Environment,
  name: string,
  words: readonly string[],
): Promise<number> {
  const entry = COMMANDS[name];
  if (entry === undefined) {
    throw new Failure(`bssh ${name} is not in this version`, `for a host of that name type: bssh -- ${name}`, 64);
  }
  const { run, help } = await entry.open();
  // Words behind `--` are another program's, and those of which are ssh's.
  const first =
    name === "which" || entry.hasWords === true ? 1 : words.includes("--") ? words.indexOf("--") : words.length;
  const own = words.slice(0, first);
  const { isForSsh = false } = entry;
  const isHelp = isForSsh ? words.length === 1 && words[0] === "--help" : own.includes("--help");
  if (isHelp) return print((await import("./commands/help.ts")).helpOf(name, entry, help));
  // What carries bytes for hours doesn't load node:fs, a third of its memory, for an answer that it never prints.
  const out = isForSsh ? () => {} : (await import("./terminal/say.ts")).print;
  const program = process.execPath;
  try {
    return await run({ words, environment, system, readText: (path) => readText(system, path), program, out });
  } catch (error) {
    if (!(error instanceof Failure) || OWN_STATUSES.includes(error.status)) throw error;
    await report(error);
    return 1;
  }
}

async function print(text: string): Promise<number> {
  (await import("./terminal/say.ts")).print(text);
  return 0;
}

/** Says what went wrong: a failure in its own words, anything else as the bug it is, without a stack. */
async function report(error: unknown): Promise<void> {
  const { say, tracer } = await import("./terminal/say.ts");
  if (error instanceof Failure) return say(error.sentence);
  tracer(process.env)(String((error as { stack?: string }).stack ?? error));
  say(mistake(error).sentence);
}

tell()
  .catch(async (error) => {
    await report(error);
    return error instanceof Failure ? error.status : 70;
  })
  .then((status) => process.exit(status));
