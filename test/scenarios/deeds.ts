// What happens in the world of a scenario between two commands: lines that begin with @.
import { denyPolicy } from "../../src/sandbox/aws/documents.ts";
import type { FunctionHandler } from "../../src/sandbox/aws/lambda.ts";
import type { PolicyDocument } from "../../src/sandbox/aws/policy.ts";
import type { World } from "../../src/sandbox/aws/world.ts";
import { behaviours } from "./behaviours.ts";

/** What deeds change beside the world itself. */
export type Weather = {
  /** AWS's clock is ahead of this machine's by so many milliseconds. */
  skewMs: number;
  /** Regions whose services answer with HTTP 503. */
  readonly down: Set<string>;
  /** Actions answered with HTTP 200 and a page of a hotel's network. */
  readonly captive: Set<string>;
  /** How much longer an action takes, in milliseconds. */
  readonly slow: Map<string, number>;
  /** What address services see: an address of each family, none, or they never answer. */
  addresses: readonly string[] | "hang";
};

type Deed = (world: World, weather: Weather, words: readonly string[], bless: FunctionHandler) => void;

const DEEDS: Readonly<Record<string, Deed>> = {
  /** `ca NAME`: that behaviour stands in the CA's place; `ca gone`: there is no function. */
  ca(world, _weather, words, bless) {
    const name = words.join(" ");
    if (name === "gone") world.functions.delete(world.functionName);
    else
      world.functions.set(
        world.functionName,
        behaviour(name)(bless, () => world),
      );
  },
  /** `sessions end`: all have ended, whatever was promised; `sessions forget`: they are not known any more. */
  sessions(world, _weather, [what]) {
    if (what === "forget") return world.sessions.clear();
    for (const [id, session] of world.sessions) world.sessions.set(id, { ...session, expiresAt: world.now() - 1000 });
  },
  /** `deny ACTION…`: explicitly denied to the person and to the role. */
  deny(world, _weather, words) {
    for (const { policies } of [world.user, world.userRole]) (policies as PolicyDocument[]).push(denyPolicy(words));
  },
  /** `user gone`: the person's access key is deleted. */
  user(world) {
    world.users.clear();
  },
  /** `clock SECONDS`: AWS's clock is ahead of this machine's by so much. */
  clock(_world, weather, [seconds]) {
    weather.skewMs = Number(seconds) * 1000;
  },
  /** `down REGION…`: their services have trouble; without a word all are well again. */
  down(_world, weather, regions) {
    weather.down.clear();
    for (const region of regions) weather.down.add(region);
  },
  /** `captive ACTION…`: a hotel's network answers in AWS's place. */
  captive(_world, weather, actions) {
    weather.captive.clear();
    for (const action of actions) weather.captive.add(action);
  },
  /** `slow ACTION MILLISECONDS`: it takes so much longer. */
  slow(_world, weather, [action = "", ms]) {
    weather.slow.set(action, Number(ms));
  },
  /** `address IPV4 IPV6`: what address services see; without a word they have trouble; `address hang`: they never answer. */
  address(_world, weather, words) {
    weather.addresses = words[0] === "hang" ? "hang" : words;
  },
};

function behaviour(name: string) {
  const found = behaviours[name];
  if (found === undefined) throw new Error(`there is no behaviour ${name}`);
  return found;
}

/** Does what the line says; throws an Error for a line it doesn't know. */
export function perform(line: string, world: World, weather: Weather, bless: FunctionHandler): void {
  const [name = "", ...words] = line.trim().split(/\s+/);
  const deed = DEEDS[name];
  if (deed === undefined) throw new Error(`there is no deed ${name}`);
  deed(world, weather, words, bless);
}
