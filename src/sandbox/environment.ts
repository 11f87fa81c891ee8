import type { Keys } from "./aws/credentials.ts";
import type { World } from "./aws/world.ts";
import type { Folder } from "./folder.ts";
import { shellWord } from "./shell-word.ts";

/** What of the caller's environment has no place in the sandbox: it would lead back to the real home, keys or accounts. */
const FOREIGN = /^(AWS_|BLESS|BSSH_|XDG_\w+_HOME$|ZDOTDIR$|GIT_SSH(_COMMAND)?$|SSH_AGENT_PID$|MFA_ROLE$)/;
const LOOPBACK = "127.0.0.1,localhost";

export type Place = {
  readonly folder: Folder;
  readonly world: World;
  /** URL of the AWS endpoint. */
  readonly url: string;
  readonly hosts: readonly string[];
};

/** The keys that the person has: the IAM user's own, or a session of IAM Identity Center. */
export function personKeys({ user, identityCenter }: World): Keys & { readonly sessionToken: string | null } {
  const { accessKeyId, secretAccessKey } = identityCenter ?? user;
  return { accessKeyId, secretAccessKey, sessionToken: identityCenter?.sessionToken ?? null };
}

/** The variables that make the sandbox of a process's environment. */
export function sandboxVariables({ folder, world, url, hosts }: Place): Record<string, string> {
  const region = world.regions[0]?.name ?? "us-east-1";
  const { accessKeyId, secretAccessKey, sessionToken } = personKeys(world);
  return {
    BSSH_CONFIG: folder.config,
    BSSH_HOME: folder.state,
    BSSH_SSH_CONFIG: folder.sshConfig,
    BSSH_SANDBOX: folder.root,
    BSSH_SANDBOX_HOSTS: hosts.join(" "),
    BSSH_SANDBOX_LOG: folder.requestLog,
    BSSH_SANDBOX_HOST_ENV: folder.hostEnvironment,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken === null ? {} : { AWS_SESSION_TOKEN: sessionToken }),
    AWS_ENDPOINT_URL: url,
    AWS_REGION: region,
    // boto reads this name only.
    AWS_DEFAULT_REGION: region,
    AWS_EC2_METADATA_DISABLED: "true",
    SSH_AUTH_SOCK: folder.agentSocket,
    HOME: folder.home,
  };
}

/** COMMAND's whole environment: the caller's without what is foreign, and the sandbox's. */
export function commandEnvironment(
  caller: Readonly<Record<string, string | undefined>>,
  place: Place,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(caller)) {
    if (value !== undefined && !FOREIGN.test(name)) environment[name] = value;
  }
  Object.assign(environment, sandboxVariables(place));
  environment["PATH"] = `${place.folder.bin}:${caller["PATH"] ?? "/usr/bin:/bin"}`;
  // A company's proxy must not get what is for loopback.
  for (const name of ["NO_PROXY", "no_proxy"]) {
    environment[name] = [caller[name] ?? caller["NO_PROXY"] ?? caller["no_proxy"] ?? "", LOOPBACK]
      .filter(Boolean)
      .join(",");
  }
  return environment;
}

/**
 * Shell lines that make of a process in the sandbox the server: AWS knows it by its instance's role, through the metadata
 * service at `metadataUrl`, and by nothing of the person's.
 */
export function hostLines({ folder, world, url }: Place, metadataUrl: string): string[] {
  const variables = {
    BSSH_CONFIG: folder.hostConfig,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: metadataUrl,
    AWS_ENDPOINT_URL: url,
    AWS_REGION: world.instance.region,
    AWS_DEFAULT_REGION: world.instance.region,
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    NO_PROXY: LOOPBACK,
    no_proxy: LOOPBACK,
  };
  return [
    "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_EC2_METADATA_DISABLED",
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${shellWord(value)}`),
  ];
}

/**
 * Shell lines that bring another terminal into the sandbox. The keys are left out (HOME has them in its .aws/credentials),
 * so that the lines can be shown; variables of the caller that would go before the sandbox's are unset.
 */
export function exportLines(caller: Readonly<Record<string, string | undefined>>, place: Place): string[] {
  const shown = Object.entries(sandboxVariables(place)).filter(([name]) => !/^AWS_.*(KEY|TOKEN)/.test(name));
  const names = new Set(shown.map(([name]) => name));
  const foreign = Object.keys(caller).filter((name) => FOREIGN.test(name) && /^\w+$/.test(name) && !names.has(name));
  return [
    ...(foreign.length === 0 ? [] : [`unset ${foreign.sort().join(" ")}`]),
    ...shown.map(([name, value]) => `export ${name}=${shellWord(value)}`),
    `export NO_PROXY=${LOOPBACK} no_proxy=${LOOPBACK}`,
    `export PATH=${shellWord(place.folder.bin)}:"$PATH"`,
  ];
}
