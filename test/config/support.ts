import { loadConfig } from "../../src/config/load.ts";
import type { Environment } from "../../src/config/paths.ts";
import type { Config } from "../../src/config/settings.ts";
import { Failure } from "../../src/failure.ts";

export const HOME = "/home/alice";
export const USER = "/home/alice/.config/bssh/config.toml";
export const SYSTEM = "/etc/bssh/config.toml";

/** A config from texts: the user's, and the system's when there is one. */
export function load(user: string | null, environment: Environment = {}, system: string | null = null): Config {
  return loadConfig({ HOME, ...environment }, (path) => (path === USER ? user : path === SYSTEM ? system : null));
}

/** The Failure that `run` throws. */
export function failureOf(run: () => unknown): Failure {
  try {
    run();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** The sentence with which a user's config of this text is refused. */
export function refusal(text: string, environment: Environment = {}): string {
  const failure = failureOf(() => load(text, environment));
  if (failure.status !== 78) throw new Error(`status ${failure.status}`);
  return failure.sentence;
}
