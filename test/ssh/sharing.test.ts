// promise: connections are shared only where a login over one is the same login, and never past the certificate
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SHARING_RULES, sharingFolder, sharingWords } from "../../src/ssh/sharing.ts";
import { openSharingFolder } from "../../src/ssh/sharing-folder.ts";
import { call, gaps, keywordsOf, lowerCaseTexts, NO_LONGER_READ } from "./rules-support.ts";

const NOTHING: ReadonlySet<string> = new Set();
const system = { may: () => true };
const scene = { system, mentioned: NOTHING, state: "/home/al/bssh", serial: "7", endsInSeconds: 3000 };
const words = (...typed: string[]) => sharingWords({ ...scene, call: call(...typed) });
const pathOf = (given: readonly string[]) => given[3]?.replace("ControlPath=", "");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bssh-share-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the words", () => {
  test("name a path in our folder, and an end that is not after the certificate's", () => {
    const given = words("web1");
    expect(given.slice(0, 3)).toEqual(["-o", "ControlMaster=auto", "-o"]);
    expect(pathOf(given)).toMatch(/^\/home\/al\/bssh\/share\/[0-9a-z]{6}%C$/);
    expect(given.slice(4)).toEqual(["-o", "ControlPersist=600"]);
    expect(sharingWords({ ...scene, call: call("web1"), endsInSeconds: 42.9 }).at(-1)).toBe("ControlPersist=42");
    for (const endsInSeconds of [0.9, 0, -1, Number.NaN]) {
      expect(sharingWords({ ...scene, call: call("web1"), endsInSeconds })).toEqual([]);
    }
  });

  test("name another path for another certificate, and for another name of a host", () => {
    const paths = [
      words("web1"),
      sharingWords({ ...scene, call: call("web1"), serial: "8" }),
      words("web2"),
      sharingWords({ ...scene, call: call("web1"), serial: "71" }),
    ].map(pathOf);
    expect(new Set(paths).size).toBe(4);
    expect(pathOf(words("-p22", "bob@web1"))).toBe(pathOf(words("web1")));
  });

  test("are not given where ssh would fail: no folder, or a path too long for a socket", () => {
    expect(sharingWords({ ...scene, call: call("web1"), system: { may: () => false } })).toEqual([]);
    const lengths = [20, 28, 29, 30, 31, 32, 33, 34, 35, 40].map((length) => {
      const state = `/${"s".repeat(length - 1)}`;
      const [, , , path] = sharingWords({ ...scene, call: call("web1"), state });
      return path === undefined ? 0 : path.replace("ControlPath=", "").replace("%C", "x".repeat(40)).length + 17;
    });
    expect(Math.max(...lengths)).toBe(103);
    expect(lengths.at(-1)).toBe(0);
    expect(sharingWords({ ...scene, call: call("web1"), state: "/home/a%b" })).toEqual([]);
    expect(sharingWords({ ...scene, call: call("web1"), state: '/home/a"b' })).toEqual([]);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: ssh's own notation
    expect(sharingWords({ ...scene, call: call("web1"), state: "/home/${HOME}" })).toEqual([]);
  });

  test("are given to scp, sftp, git and Ansible's plain commands, and to a command line like a person's", () => {
    for (const typed of [
      ["-tt", "-p", "22", "-l", "bob", "-i", "key", "web1", "echo", "-N"],
      "-x -oPermitLocalCommand=no -oClearAllForwardings=yes -oRemoteCommand=none -oRequestTTY=no -oForwardAgent=no -s -- web1 sftp".split(
        " ",
      ),
      ["-oForwardX11 no", "-oBatchMode=yes", "web1", "-s", "sftp"],
      ["-o", "SendEnv=GIT_PROTOCOL", "web1", "git-upload-pack '/x'"],
    ]) {
      expect(words(...typed).length, typed.join(" ")).toBe(6);
    }
  });

  test("are not given for an option that the table does not know", () => {
    expect(sharingWords({ ...scene, call: call("web1"), mentioned: null })).toEqual([]);
    expect(sharingWords({ ...scene, call: call("web1"), mentioned: new Set(["newoption"]) })).toEqual([]);
    for (const typed of ["-oNewOption=1", "-Z", "-Px", "-%"]) expect(words(typed, "web1"), typed).toEqual([]);
  });
});

describe("the table", () => {
  test.each(Object.entries(SHARING_RULES.against))("%s, typed or in ssh_config, speaks against: %s", (keyword) => {
    expect(words("-o", `${keyword}=1`, "web1")).toEqual([]);
    expect(sharingWords({ ...scene, call: call("web1"), mentioned: new Set([keyword]) })).toEqual([]);
  });

  test("what settles the connection speaks against where it is typed, not where it is configured for all", () => {
    for (const keyword of Object.keys(SHARING_RULES.againstTyped)) {
      expect(words("-o", `${keyword}=1`, "web1"), keyword).toEqual([]);
      const given = sharingWords({ ...scene, call: call("web1"), mentioned: new Set([keyword]) });
      expect(given.length, keyword).toBe(6);
    }
  });

  test.each(Object.entries(SHARING_RULES.againstLetters))("-%s speaks against: %s", (letter) => {
    expect(words(`-${letter}`, "web1", "web2")).toEqual([]);
    expect(words("web1", `-T${letter}`, "web2")).toEqual([]);
  });

  test("names every keyword that this ssh reads, each once", async () => {
    const { unknown, twice } = gaps(SHARING_RULES, await keywordsOf(lowerCaseTexts(), folder));
    expect(unknown.filter((keyword) => !NO_LONGER_READ.includes(keyword))).toEqual([]);
    expect(twice).toEqual([]);
  });
});

describe("the folder", () => {
  test("is the user's alone, also where it was not", async () => {
    const state = join(folder, "state");
    mkdirSync(sharingFolder(state), { recursive: true, mode: 0o755 });
    await openSharingFolder(state);
    expect(statSync(sharingFolder(state)).mode & 0o777).toBe(0o700);
  });

  test("loses the sockets that nobody listens on, and nothing else", async () => {
    const state = join(folder, "swept");
    await openSharingFolder(state);
    const path = (name: string) => join(sharingFolder(state), name);
    const [dead, live, other] = [`desert${"0".repeat(40)}`, `listen${"1".repeat(40)}`, "notes"];
    // A listener that is killed leaves its socket; one that ends by itself does not.
    const killed = `require("node:net").createServer().listen(${JSON.stringify(path(dead))}, () => process.kill(process.pid, 9))`;
    Bun.spawnSync([process.execPath, "-e", killed], { stdin: "ignore" });
    const server = createServer().listen(path(live));
    await new Promise((resolve) => server.once("listening", resolve));
    writeFileSync(path(other), "");
    expect(existsSync(path(dead))).toBe(true);
    await openSharingFolder(state);
    expect([dead, live, other].map((name) => existsSync(path(name)))).toEqual([false, true, true]);
    server.close();
  });

  test("is not made where a link stands in its place", async () => {
    const state = join(folder, "linked");
    mkdirSync(state);
    symlinkSync(tmpdir(), sharingFolder(state));
    expect(openSharingFolder(state)).rejects.toThrow("is not a folder");
  });
});
