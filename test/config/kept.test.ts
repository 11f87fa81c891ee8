// promise: what is kept of the config is what the files hold, and counts for nothing once anything has changed
import { describe, expect, test } from "bun:test";
import { type Kept, keptConfig, keptFile, VARIABLES, WARM_FIELDS } from "../../src/config/kept.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { Environment } from "../../src/config/paths.ts";
import { SCHEMA } from "../../src/config/schema.ts";
import { keptText, warmOf } from "../../src/config/warm.ts";
import { HOME, load, SYSTEM, USER } from "./support.ts";

const STATE = "/home/alice/.local/state/bssh";
const CA = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP4pBgIMjb4DkgOYj0qT/i/gAIa+R3UZH+NtduhgNWmK";

const USER_TEXT = `
domain_regex = '(web\\d+|.*\\.example\\.com|bücher)\\Z'
identity_file = "~/.ssh/work"
remote_user = ["alice", "deploy"]
ca_keys = ["${CA}"]
renew_margin_seconds = 30
fixed_ip = "192.0.2.7"
`;
const SYSTEM_TEXT = "required = true\nrenew_margin_seconds = 60\n";

type Files = Record<string, string | null>;

const read = (environment: Environment, files: Files) => loadConfig(environment, reading(files));
const reading = (files: Files) => (path: string) => files[path] ?? null;

/** Files as they are after a login that kept its config. */
function afterLogin(files: Files = { [USER]: USER_TEXT, [SYSTEM]: SYSTEM_TEXT }, build = "one"): Files {
  return { ...files, [keptFile(STATE)]: keptText(read({ HOME }, files), { HOME }, build) };
}

describe("a kept config", () => {
  test("says what the files say, for the settings of a warm login and for every kind of host", () => {
    const kept = keptConfig({ HOME }, reading(afterLogin()), "one");
    const read = warmOf(load(USER_TEXT, {}, SYSTEM_TEXT));
    if (kept === null) throw new Error("nothing was kept");
    for (const field of WARM_FIELDS) expect(kept.settings[field]).toEqual(read.settings[field]);
    expect(kept.settings.renewMarginSeconds).toBe(30);
    expect(kept.settings.required).toBe(true);
    expect(kept.paths).toEqual(read.paths);
    expect(kept.isIdentityNamed).toBe(false);
    const hosts = [
      "web1",
      "web٣",
      "web1.example.com",
      "x.example.com\n",
      "example.com",
      "bücher",
      "",
      "w".repeat(2000),
    ];
    expect(hosts.map((host) => kept.isOurs(host))).toEqual(hosts.map((host) => read.isOurs(host)));
    expect(hosts.some((host) => kept.isOurs(host))).toBe(true);
  });

  test("without a pattern knows no host", () => {
    const kept = keptConfig({ HOME }, reading(afterLogin({ [USER]: "required = true\n" })), "one");
    expect(kept?.settings.domainRegex).toBeNull();
    expect(kept?.isOurs("web1")).toBe(false);
  });

  test("counts for nothing when a file, the home, the place of a file, or the build is another", () => {
    const files = afterLogin();
    const use = (changed: Files, environment: Record<string, string> = {}, build = "one") =>
      keptConfig({ HOME, ...environment }, reading({ ...files, ...changed }), build);
    expect(use({})).not.toBeNull();
    expect(use({ [USER]: `${USER_TEXT} ` })).toBeNull();
    expect(use({ [USER]: null })).toBeNull();
    expect(use({ [SYSTEM]: "" })).toBeNull();
    expect(use({ [SYSTEM]: null })).toBeNull();
    expect(use({}, {}, "two")).toBeNull();
    expect(use({}, { XDG_STATE_HOME: STATE.slice(0, -5), HOME: "/home/bob" })).toBeNull();
    expect(use({ "/other.toml": USER_TEXT }, { BSSH_CONFIG: "/other.toml" })).toBeNull();
    expect(keptConfig({ HOME }, reading(files), null)).toBeNull();
  });

  test("counts for nothing when it is damaged, or can't be read", () => {
    const text = afterLogin()[keptFile(STATE)] ?? "";
    for (let cut = 0; cut < text.length - 1; cut += 7) {
      expect(
        keptConfig({ HOME }, reading({ ...afterLogin(), [keptFile(STATE)]: text.slice(0, cut) }), "one"),
      ).toBeNull();
    }
    for (const other of ["null", "[]", "{}", '{"build":"one"}', `{"build":"one","home":"${HOME}","files":[]}`]) {
      expect(keptConfig({ HOME }, reading({ ...afterLogin(), [keptFile(STATE)]: other }), "one")).toBeNull();
    }
    const unreadable = (path: string): never => {
      throw new Error(path);
    };
    expect(keptConfig({ HOME }, unreadable, "one")).toBeNull();
  });

  test("counts for nothing when BSSH_CONFIG names a file that is not there", () => {
    const files = afterLogin({ [SYSTEM]: SYSTEM_TEXT });
    expect(keptConfig({ HOME }, reading(files), "one")).not.toBeNull();
    expect(keptConfig({ HOME, BSSH_CONFIG: USER }, reading(files), "one")).toBeNull();
  });

  test("is neither written nor used while a variable goes before the files", () => {
    const named = Object.values(SCHEMA).flatMap((setting) => ("variable" in setting ? [setting.variable] : []));
    expect<readonly string[]>([...VARIABLES].sort()).toEqual(named.filter((name) => name !== undefined).sort());
    for (const name of VARIABLES) {
      const environment = { HOME, [name]: name === "BLESSFIXEDIP" ? "192.0.2.1" : "60" };
      expect(keptText(read(environment, { [USER]: USER_TEXT }), environment, "one")).toBeNull();
      expect(keptConfig(environment, reading(afterLogin()), "one")).toBeNull();
      expect(keptConfig({ HOME, [name]: "" }, reading(afterLogin()), "one")).not.toBeNull();
    }
  });

  test("holds nothing of mfa_command, and no text of the files", () => {
    const files = { [USER]: `${USER_TEXT}mfa_command = "oathtool --totp planted-secret"\n# planted-remark\n` };
    const text = keptText(read({ HOME }, files), { HOME }, "one") ?? "";
    expect(text).not.toContain("planted");
    expect(Object.keys((JSON.parse(text) as Kept).settings).sort()).toEqual([...WARM_FIELDS].sort());
  });

  test("is of the files as they were read once, whatever happens to them in between", () => {
    let reads = 0;
    const changing = (path: string) => (path === USER ? `# ${++reads}\n${USER_TEXT}` : null);
    const text = keptText(loadConfig({ HOME }, changing), { HOME }, "one") ?? "";
    const kept = keptConfig({ HOME }, reading({ [USER]: `# 1\n${USER_TEXT}`, [keptFile(STATE)]: text }), "one");
    expect(reads).toBe(1);
    expect(kept).not.toBeNull();
  });

  test("is not written by a bssh that was not built", () => {
    expect(keptText(read({ HOME }, { [USER]: USER_TEXT }), { HOME })).toBeNull();
  });
});
