import { describe, expect, test } from "bun:test";
import { domainOf } from "../../src/config/domain.ts";
import { importLegacy } from "../../src/config/import-legacy.ts";
import type { Settings } from "../../src/config/settings.ts";
import { optionOf, parseIni } from "../../src/wire/ini.ts";
import { failureOf, load } from "./support.ts";

const text = await Bun.file(`${import.meta.dir}/blessclient.cfg`).text();

const LEAST = `[MAIN]
region_aliases = A
kms_service_name = bless
bastion_ips =
[CLIENT]
domain_regex = web
ip_urls =
[LAMBDA]
user_role = r
functionname = f
[REGION_A]
awsregion = eu-west-1
kmsauthkey = alias/k
`;

function imported(cfg: string): Settings {
  return load(importLegacy(cfg).toml).settings;
}

describe("a blessclient.cfg with every key", () => {
  const { toml, notes } = importLegacy(text);
  const config = load(toml);

  test("becomes our settings", () => {
    expect(config.settings).toMatchObject({
      domainRegex: "(.*\\.example\\.com|.*\\.example\\.net|\\A10\\.100(?:\\.[0-9]{1,3}){2}\\Z)$",
      keyType: "rsa",
      principals: ["alice", "deploy"],
      kmsauthService: "bless-production",
      bastionIps: ["10.100.1.230", "192.168.200.0/24", "172.16.0.0/12"],
      ipUrls: ["https://api.example.org", "https://ip.example.org/100%"],
      ipCacheSeconds: 120,
      certificateMaxSeconds: 3600,
      sessionSeconds: 43_200,
      roleSeconds: 1800,
      mfaCache: "/home/alice/.aws/session/token_cache.json",
      function: "bless",
      functionVersion: "PROD-1-2",
      role: "use-bless",
      roleAccount: "000000000000",
      connectSeconds: 5,
      readSeconds: 10,
    });
    expect(domainOf(config)("10.100.1.2")).toBe(true);
  });

  test("keeps its regions in the order in which Python tried them", () => {
    expect(config.settings.regions.map(({ alias, awsRegion }) => [alias, awsRegion])).toEqual([
      ["EAST", "us-east-1"],
      ["NORTH", "eu-north-1"],
      ["WEST", "us-west-2"],
    ]);
  });

  test("loses nothing: what has no use is a comment and a note", () => {
    for (const line of text.split("\n")) {
      const value = /^[^;#[\s][^:=]*[:=]\s*(.*?)\s*$/.exec(line)?.[1] ?? "";
      // Written differently: the list of regions, plain http, a mask, an interpolation.
      if (/west|http:|255|%/.test(value)) continue;
      for (const part of value.split(", ")) expect(toml.toLowerCase()).toContain(part.toLowerCase());
    }
    for (const key of [
      "update_script",
      "update_sshagent",
      "vault_addr",
      "cache_dir",
      "ca_backend",
      "housekeeper_url",
    ]) {
      expect(toml).toMatch(new RegExp(`^# \\[\\w+\\] ${key} = .*\\n#   \\w`, "m"));
      expect(notes.filter((note) => note.includes(`] ${key} `))).toHaveLength(1);
    }
    expect(toml).toContain("# [REGION_SPARE] awsregion = eu-west-1\n#   region_aliases does not name this region");
    expect(notes.join("\n")).toContain("api.example.org is asked over https now");
  });
});

describe("an import", () => {
  test("needs no more than Python needed", () => {
    expect(imported(LEAST)).toMatchObject({
      role: "r",
      roleAccount: null,
      bastionIps: [],
      ipUrls: [],
      sessionSeconds: 64_800,
    });
  });

  test("of [DEFAULT] counts for every section", () => {
    const cfg = `[DEFAULT]\nuser_session_length = 1000\n${LEAST}`;
    expect(imported(cfg).sessionSeconds).toBe(1000);
    expect(importLegacy(cfg).notes).toEqual([]);
  });

  test("of an empty pattern still matches every host, as in Python", () => {
    expect(imported(LEAST.replace("= web", "=")).domainRegex).toBe(".*");
  });

  test("brings numbers within their bounds, and says so", () => {
    const { toml, notes } = importLegacy(
      `${LEAST}[X]\n`.replace("user_role", "certlifetime = 90_000\ntimeout_read = 0\nuser_role"),
    );
    expect(load(toml).settings.certificateMaxSeconds).toBe(90_600);
    expect(load(toml).settings.readSeconds).toBe(1);
    expect(notes).toContain("line 10: 0 became 1, the nearest that is allowed");
  });

  test("takes the other tool's file wherever it is", () => {
    const at = (folder: string, file: string) =>
      imported(LEAST.replace("[CLIENT]", `[CLIENT]\nmfa_cache_dir = ${folder}\nmfa_cache_file = ${file}`)).mfaCache;
    expect(at("/var/x/", "s.json")).toBe("/var/x/s.json");
    expect(at("x", "/s.json")).toBe("/s.json");
    expect(at("", "s.json")).toBe("/home/alice/s.json");
    expect(at("x", "")).toBeNull();
  });

  test("leaves out lines that are no setting, and says which", () => {
    const { toml, notes } = importLegacy(`${LEAST}running ssh-agent. If set\n`);
    expect(load(toml).settings.role).toBe("r");
    expect(notes).toEqual(["line 14 is no setting and was left out (python-blessclient would not start with it)"]);
  });

  test("cannot slip a setting in through a comment", () => {
    const cfg = `${LEAST}[X\u0085y]\nevil = a\n  mfa_command = "id"\n\u2028b\r  c\n`;
    expect(imported(cfg).mfaCommand).toBeNull();
    expect(
      importLegacy(cfg)
        .toml.split(/\r\n|[\r\n]/)
        .filter((line) => line.includes("mfa_command")),
    ).toEqual(['# [X?y] evil = a mfa_command = "id" b c']);
  });

  test.each([
    ["domain_regex = web", "domain_regex = 50%", ":6: domain_regex holds a lone %; write %% for it"],
    ["domain_regex = web", "domain_regex = %(x)s", ":6: domain_regex names x, which is not there"],
    ["domain_regex = web", "domain_regex = %(domain_regex)s", ":6: domain_regex names values in a circle"],
    ["domain_regex = web", "domain_regex = web++", ":6: domain_regex holds a possessive repeat"],
    ["bastion_ips =", "bastion_ips = 10.0.0.1/24", ":4: bastion_ips has bits set beside the network's"],
    ["ip_urls =", "ip_urls = ip.example.org", ":7: ip_urls is no http or https URL"],
    ["user_role = r", "user_role = a:role/b", ":9: user_role is not of that form"],
    ["user_role = r", "user_role = a/../b", ":9: user_role is not of that form"],
    ["user_role = r", "account_id = 123", ":9: account_id is not of that form"],
    ["user_role = r", "certlifetime = long", ":9: the value is no whole number"],
    ["functionname = f", "functionname = f g", ":10: functionname is not of that form"],
    ["functionname = f", "FunctionName = f\nfunctionname = g", ":11: functionname is there already"],
    ["[REGION_A]", "[REGION_B]", ":2: region_aliases names A, but there is no [REGION_A]"],
    ["[REGION_A]", "[REGION_a]", ":2: region_aliases names A, but there is no [REGION_A]"],
    [
      "awsregion = eu-west-1",
      "awsregion = EU",
      ":12: awsregion is not of that form; give an AWS region such as eu-west-1",
    ],
    ["kmsauthkey = alias/k", "", ":11: [REGION_A] has no kmsauthkey"],
    ["[MAIN]", "x = 1\n[MAIN]", ":1: there is no [SECTION] above this line"],
    ["[LAMBDA]", "[MAIN]", ":8: the section [MAIN] is there already"],
  ])("refuses %s as %j, with file and line", (from, to, message) => {
    const failure = failureOf(() => importLegacy(LEAST.replace(from, to), "old.cfg"));
    expect(failure.sentence).toContain(`old.cfg${message}`);
    expect(failure.next).not.toBe("");
  });

  test("refuses what is no blessclient.cfg", () => {
    expect(failureOf(() => importLegacy("required = true\n")).message).toBe("blessclient.cfg is no blessclient.cfg");
  });
});

describe("the INI reader", () => {
  const read = (body: string) => {
    const ini = parseIni(`[A]\n${body}`, "x");
    return Object.fromEntries([...(ini.sections.get("A")?.options ?? [])].map(([key, { value }]) => [key, value]));
  };

  test("reads options as Python's configparser does", () => {
    expect(read("Key : a = b ; c\nk2=\nk 3 = x\n")).toEqual({ key: "a = b ; c", k2: "", "k 3": "x" });
    expect(read("k = a\n  b\n\n  c\n\nl = 1\n")).toEqual({ k: "a\nb\n\nc", l: "1" });
    expect(read("k = a\n  # no\n  b\n ; no\n")).toEqual({ k: "a\nb" });
    expect(read("  k = a\n  l = b\n m = c\n")).toEqual({ k: "a", l: "b", m: "c" });
    expect(read("k = a\r\n l = b\r\n")).toEqual({ k: "a\nl = b" });
    expect(read("k = a\n  [B]\n")).toEqual({ k: "a\n[B]" });
  });

  test("puts in what %(name)s names, from the section before [DEFAULT]", () => {
    const ini = parseIni("[DEFAULT]\na = 1\nb = %(a)s%%\n[S]\na = 2\nc = %(B)s-%(a)s\n", "x");
    expect(optionOf(ini, "x", "S", "c")?.value).toBe("2%-2");
    expect(optionOf(ini, "x", "T", "b")?.value).toBe("1%");
    expect(optionOf(ini, "x", "S", "d")).toBeNull();
  });
});
