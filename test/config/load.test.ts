import { describe, expect, test } from "bun:test";
import { loadConfig, placeOf } from "../../src/config/load.ts";
import { SCHEMA } from "../../src/config/schema.ts";
import type { Settings } from "../../src/config/settings.ts";
import { SystemError } from "../../src/system/system.ts";
import { failureOf, HOME, load, refusal, SYSTEM, USER } from "./support.ts";

const ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

describe("without a config", () => {
  test("every setting has its default", () => {
    const { settings, origins, files } = load(null);
    expect(files).toEqual([]);
    expect(settings.domainRegex).toBeNull();
    expect(settings.identityFile).toBe("/home/alice/.ssh/blessid");
    expect(settings.sessionSeconds).toBe(64_800);
    expect(settings.regions).toEqual([]);
    for (const field of Object.keys(SCHEMA) as (keyof Settings)[]) {
      expect(settings[field]).not.toBeUndefined();
      expect(placeOf(origins[field])).toBe("default");
    }
  });

  test("a file that BSSH_CONFIG names must be there", () => {
    const failure = failureOf(() => load(null, { BSSH_CONFIG: "/nowhere/bssh.toml" }));
    expect(failure.sentence).toBe("/nowhere/bssh.toml: there is no such file; correct BSSH_CONFIG or unset it");
    expect(failure.status).toBe(78);
  });

  test("a file that cannot be read is an error that names the reason", () => {
    const run = () =>
      loadConfig({ HOME }, (path) => {
        if (path === SYSTEM) return null;
        throw new SystemError("EACCES", path);
      });
    expect(failureOf(run).sentence).toBe(`${USER}: the file cannot be read (EACCES); make it a file that you may read`);
  });
});

describe("precedence", () => {
  const system =
    'required = true\nsession_seconds = 7200\nca_keys = []\nbastion_ips = ["192.0.2.1"]\n[lambda]\nrole = "a"\n';
  const user =
    'session_seconds = 3600\nidentity_file = "~/.ssh/mine"\nfixed_ip = "192.0.2.9"\n[lambda]\nfunction = "f"\n';

  test("the user's file lies over the system's, key by key", () => {
    const { settings, origins, files } = load(user, {}, system);
    expect(files).toEqual([SYSTEM, USER]);
    expect([settings.required, settings.sessionSeconds, settings.role, settings.function]).toEqual([
      true,
      3600,
      "a",
      "f",
    ]);
    expect(placeOf(origins.sessionSeconds)).toBe(`${USER}:1`);
    expect(placeOf(origins.required)).toBe(`${SYSTEM}:1`);
    expect(placeOf(origins.role)).toBe(`${SYSTEM}:6`);
  });

  test("the environment lies over both", () => {
    const environment = { BLESSFIXEDIP: "2001:db8::1", BLESSIPCACHELIFETIME: "7", BLESS_IDENTITYFILE: "/k/id.pub" };
    const { settings, origins } = load(user, environment, system);
    expect([settings.fixedIp, settings.ipCacheSeconds, settings.identityFile]).toEqual(["2001:db8::1", 7, "/k/id"]);
    expect(placeOf(origins.fixedIp)).toBe("BLESSFIXEDIP");
    expect(origins.identityFile.kind).toBe("environment");
  });

  test("every variable of the schema counts", () => {
    const samples: Record<string, string> = {
      BLESSFIXEDIP: "192.0.2.7",
      BLESSIPCACHELIFETIME: "9",
      BLESS_IDENTITYFILE: "/k",
    };
    for (const field of Object.keys(SCHEMA) as (keyof Settings)[]) {
      const { variable } = SCHEMA[field];
      if (variable === undefined) continue;
      expect(placeOf(load("", { [variable]: samples[variable] }).origins[field])).toBe(variable);
    }
  });

  test("an empty variable says nothing", () => {
    const { settings } = load(user, { BLESSFIXEDIP: "", BLESS_IDENTITYFILE: "" }, system);
    expect([settings.fixedIp, settings.identityFile]).toEqual(["192.0.2.9", "/home/alice/.ssh/mine"]);
  });

  test("an empty text takes back what the system's file sets", () => {
    const { settings } = load(
      'aws_profile = ""\n[lambda]\nrole = ""\n',
      {},
      'aws_profile = "corp"\n[lambda]\nrole = "r"\n',
    );
    expect([settings.awsProfile, settings.role]).toEqual([null, null]);
  });

  test("regions are taken from one file, in its order", () => {
    const region = (alias: string) =>
      `[[region]]\nalias = "${alias}"\naws_region = "eu-west-1"\nkmsauth_key = "alias/k"\n`;
    const { settings, origins } = load(`\n${region("z")}${region("a")}`, {}, region("s"));
    expect(settings.regions.map(({ alias }) => alias)).toEqual(["z", "a"]);
    expect(placeOf(origins.regions)).toBe(`${USER}:2`);
  });

  test("a wrong value is an error even where another goes before it", () => {
    expect(failureOf(() => load("session_seconds = 3600", {}, "session_seconds = 1")).message).toStartWith(
      `${SYSTEM}:1: `,
    );
  });

  test("a relative BLESS_IDENTITYFILE begins at the current folder", () => {
    expect(load(null, { BLESS_IDENTITYFILE: "keys/id" }).settings.identityFile).toBe(`${process.cwd()}/keys/id`);
  });

  test.each([
    [
      "BLESSFIXEDIP",
      "10.0.0.1, 10.0.0.2",
      "BLESSFIXEDIP: the variable holds white space; give one address such as 192.0.2.7, or unset it",
    ],
    [
      "BLESSIPCACHELIFETIME",
      "soon",
      "BLESSIPCACHELIFETIME: the variable is no number; give a whole number of seconds from 0 to 31536000, or unset it",
    ],
    [
      "BLESSIPCACHELIFETIME",
      "-1",
      "BLESSIPCACHELIFETIME: the variable is no number; give a whole number of seconds from 0 to 31536000, or unset it",
    ],
  ])("a wrong %s is named", (name, value, sentence) => {
    expect(refusal("", { [name]: value })).toBe(sentence);
  });
});

describe("the result", () => {
  const { settings, paths, origins, files } = load(
    `remote_user = "alice, deploy"\nca_keys = ["${ED25519} ca@corp"]\n[[region]]\nalias = "EU"\naws_region = "eu-west-1"\nkmsauth_key = "alias/k"\n`,
  );

  test("has names and keys in their own form", () => {
    expect(settings.principals).toEqual(["alice", "deploy"]);
    expect(settings.caKeys).toEqual([ED25519]);
  });

  test("is frozen to the bottom", () => {
    const parts = [
      settings,
      paths,
      origins,
      files,
      settings.principals,
      settings.caKeys,
      settings.regions,
      settings.regions[0],
    ];
    for (const part of [...parts, settings.bastionIps, settings.ipUrls]) expect(Object.isFrozen(part)).toBe(true);
  });
});
