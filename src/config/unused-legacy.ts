const OWN_STATE = "bssh keeps its caches in a private folder of its own (bssh config path)";
const AWS_ORDER = "bssh takes credentials in the order of the AWS CLI, the environment first";
const NO_VAULT = "bssh has no HashiCorp Vault behind it";
const NO_HOUSEKEEPER = "bssh asks no housekeeper function";

const REASONS: Readonly<Record<string, string>> = {
  "MAIN ca_backend": "a BLESS function is the only kind of CA that bssh speaks to",
  "CLIENT cache_dir": OWN_STATE,
  "CLIENT cache_file": OWN_STATE,
  "CLIENT mfa_cache_dir": "it takes mfa_cache_file as well",
  "CLIENT mfa_cache_file": "it takes mfa_cache_dir as well",
  "CLIENT update_script": "bssh runs no script to update itself yet",
  "CLIENT update_sshagent": "bssh does not load keys into ssh-agent yet",
  "CLIENT use_env_creds": AWS_ORDER,
};

/** Why an option of a `blessclient.cfg` has no use in bssh, in half a sentence. */
export function unusedReason(section: string, key: string, value: string): string {
  if (section === "MAIN" && key === "ca_backend" && value.toLowerCase() === "hashicorp-vault") return NO_VAULT;
  if (section === "VAULT") return NO_VAULT;
  if (section === "HOUSEKEEPER" || key === "housekeeper_url") return NO_HOUSEKEEPER;
  if (section === "DEFAULT") {
    const named = Object.entries(REASONS).find(([name]) => name.endsWith(` ${key}`));
    return named?.[1] ?? "it counts where a section of the file uses it";
  }
  if (section.startsWith("REGION_") && (key === "awsregion" || key === "kmsauthkey")) {
    return "region_aliases does not name this region";
  }
  return REASONS[`${section} ${key}`] ?? "python-blessclient did not read it either";
}
