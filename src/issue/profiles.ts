// The AWS CLI's files, as far as they decide who the user is: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html
import type { Environment } from "./endpoint.ts";

export type Profile = Readonly<Record<string, string | undefined>>;

/** All profiles by name; a key in the credentials file wins over the same key in the config file. */
export type Profiles = ReadonlyMap<string, Profile>;

/** Reads both files where the environment says they are. Files that are missing or damaged count as empty. */
export async function readProfiles(environment: Environment): Promise<Profiles> {
  const home = environment["HOME"] ?? "";
  const { loadSharedConfigFiles } = await import("./aws/profiles.ts");
  const { configFile, credentialsFile } = await loadSharedConfigFiles({
    configFilepath: environment["AWS_CONFIG_FILE"] || `${home}/.aws/config`,
    filepath: environment["AWS_SHARED_CREDENTIALS_FILE"] || `${home}/.aws/credentials`,
    ignoreCache: true,
  });
  const names = new Set([...Object.keys(configFile), ...Object.keys(credentialsFile)]);
  return new Map([...names].map((name) => [name, { ...configFile[name], ...credentialsFile[name] }]));
}

/** A profile and those whose credentials it uses, in order; cycles end. */
export function profileChain(profiles: Profiles, name: string): readonly Profile[] {
  const seen = new Set<string>();
  const chain: Profile[] = [];
  for (let at: string | undefined = name; at !== undefined && !seen.has(at); ) {
    seen.add(at);
    const profile: Profile | undefined = profiles.get(at);
    if (profile === undefined) break;
    chain.push(profile);
    at = profile["source_profile"];
  }
  return chain;
}

/**
 * `mfa_serial` of the profile, or of a role's profile whose credentials it gives: people write the device where they assume a
 * role. Null when there is none, or several that differ.
 */
export function profileSerial(profiles: Profiles, name: string): string | null {
  const own = profiles.get(name)?.["mfa_serial"];
  if (own !== undefined && own !== "") return own;
  const roles = [...profiles.values()].filter((profile) => profile["source_profile"] === name);
  const serials = new Set(roles.flatMap((profile) => profile["mfa_serial"] || []));
  const [only] = serials;
  return serials.size === 1 && only !== undefined ? only : null;
}
