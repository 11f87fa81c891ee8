import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { config } from "../../src/commands/config.ts";
import type { Environment } from "../../src/config/paths.ts";
import { Failure } from "../../src/failure.ts";
import { load } from "./support.ts";

const root = mkdtempSync(`${tmpdir()}/bssh-config-`);
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

let home = "";
let lines: string[] = [];
beforeEach(() => {
  home = mkdtempSync(`${root}/home-`);
  lines = [];
});

const path = () => `${home}/.config/bssh/config.toml`;

async function run(words: readonly string[], environment: Environment = {}): Promise<number | Failure> {
  try {
    return await config({
      words,
      environment: { HOME: home, ...environment },
      readText: (file) => (existsSync(file) && file !== "/etc/bssh/config.toml" ? readFileSync(file, "utf8") : null),
      out: (line) => lines.push(line),
    });
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

/** What a command that ended in a Failure says. */
async function said(words: readonly string[], status = 1): Promise<string> {
  const answer = await run(words);
  if (typeof answer === "number") throw new Error(`ended with ${answer}`);
  expect(answer.status).toBe(status);
  return answer.sentence;
}

function put(name: string, text: string): string {
  const file = `${home}/${name}`;
  writeFileSync(file, text);
  return file;
}

function install(text: string): void {
  mkdirSync(`${home}/.config/bssh`, { recursive: true });
  writeFileSync(path(), text);
}

const WHOLE = `domain_regex = 'web\\d'\n[lambda]\nfunction = "f"\n[[region]]\nalias = "A"\naws_region = "eu-west-1"\nkmsauth_key = "k"\n`;

describe("bssh config", () => {
  test("path prints where the config is", async () => {
    expect(await run(["path"])).toBe(0);
    expect(await run(["path"], { BSSH_CONFIG: "/x/y.toml" })).toBe(0);
    expect(lines).toEqual([path(), "/x/y.toml"]);
  });

  test("without an action, or with one that is not there, is a wrong call", async () => {
    expect(await said([], 64)).toContain("wants an action");
    expect(await said(["chekc"], 64)).toBe("bssh config has no action chekc; did you mean check?");
    expect(await said(["__proto__"], 64)).toContain("has no action");
    expect(await said(["path", "x"], 64)).toContain("takes no words");
    expect(await said(["show", "--all"], 64)).toContain("no option --all");
    expect(await said(["import"], 64)).toContain("wants one file or URL");
  });

  test("check says that the config is right, and is content without one", async () => {
    expect(await run(["check"])).toBe(0);
    expect(lines).toEqual([`there is no config at ${path()}: no host is yours`]);
    install(WHOLE);
    expect(await run(["check"])).toBe(0);
    expect(lines.at(-1)).toBe(`${path()} is right`);
  });

  test("check names what is wrong, with file and line", async () => {
    install("\nrequired = 1\n");
    expect(await said(["check"])).toBe(`${path()}:2: required is neither true nor false; give true or false`);
    install("\n\ndomain_regex = 'a++'\n");
    expect(await said(["check"])).toStartWith(`${path()}:3: domain_regex holds a possessive repeat`);
    install("domain_regex = 'a'\n");
    expect(await said(["check"])).toStartWith("the config has no lambda.function, no [[region]]");
  });

  test("show prints TOML that gives the same settings, with where each is from", async () => {
    install(
      `${WHOLE.replace("[lambda]", 'mfa_command = "canary"\nremote_user = "a,b"\nca_keys = []\n[lambda]\nversion = "1"')}`,
    );
    expect(await run(["show"], { BLESSFIXEDIP: "192.0.2.1" })).toBe(0);
    const text = lines.join("\n");
    expect(text).not.toContain("canary");
    expect(text).toContain(`domain_regex = 'web\\d'  # ${path()}:1\n`);
    expect(text).toContain('fixed_ip = "192.0.2.1"  # BLESSFIXEDIP\n');
    expect(text).toContain("required = false  # default\n");
    expect(text).toContain(`# mfa_command is set and not shown (${path()}:2)\n`);
    const before = load(readFileSync(path(), "utf8"), { BLESSFIXEDIP: "192.0.2.1" }).settings;
    const after = load(text).settings;
    expect<unknown>({ ...after, mfaCommand: "canary", identityFile: "" }).toEqual({ ...before, identityFile: "" });
  });
});

describe("bssh config import", () => {
  test("writes a checked config for the user alone, and says what it sets", async () => {
    expect(await run(["import", put("new.toml", `# kept\nmfa_command = "ykman"\n${WHOLE}`)])).toBe(0);
    expect(readFileSync(path(), "utf8")).toStartWith("# kept\n");
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(statSync(`${home}/.config/bssh`).mode & 0o777).toBe(0o700);
    expect(lines).toContain("domain_regex: 'web\\d'");
    expect(lines).toContain('mfa_command: "ykman"');
    expect(lines.at(-1)).toBe(`written to ${path()}`);
    expect(readdirSync(`${home}/.config/bssh`)).toEqual(["config.toml"]);
  });

  test("replaces another config only with --force, says what changes, and keeps the old one", async () => {
    install(`session_seconds = 900\nmfa_command = "canary"\n`);
    const file = put("new.toml", `session_seconds = 901\n${WHOLE}`);
    expect(await said(["import", file])).toStartWith(`there is a config at ${path()}; import with --force`);
    expect(lines).toContain("session_seconds: 901 (was 900)");
    expect(lines).toContain("mfa_command: not set (was another)");
    expect(readFileSync(path(), "utf8")).toContain("canary");
    expect(await run(["import", "--force", file])).toBe(0);
    expect(readFileSync(path(), "utf8")).toContain("901");
    expect(readFileSync(`${path()}.old`, "utf8")).toContain("canary");
    expect(lines.join("\n")).not.toContain("canary");
    expect(await run(["import", file])).toBe(0);
    expect(lines.at(-1)).toBe(`${path()} is the same already`);
  });

  test("changes nothing when what it is given is wrong", async () => {
    install("session_seconds = 900\n");
    const cases = [
      [put("a.toml", "\nrequired = 1\n"), "/a.toml:2: required is neither"],
      [put("b.toml", "domain_regex = '(?>a)'\n"), "/b.toml: domain_regex holds an atomic group"],
      [put("c.toml", "<!doctype html>\n"), "/c.toml is a web page"],
      [put("d.cfg", "[MAIN]\nbastion_ips = x\n"), "/d.cfg:2: bastion_ips is no address"],
      [`${home}/nowhere.toml`, `there is no file ${home}/nowhere.toml`],
      [home, `${home} cannot be read: it is a folder`],
    ] as const;
    for (const [file, sentence] of cases) expect(await said(["import", file, "--force"])).toContain(sentence);
    expect(readdirSync(`${home}/.config/bssh`)).toEqual(["config.toml"]);
    expect(readFileSync(path(), "utf8")).toBe("session_seconds = 900\n");
  });

  test("takes a blessclient.cfg with every key, and the result passes check", async () => {
    expect(await run(["import", `${import.meta.dir}/blessclient.cfg`])).toBe(0);
    expect(lines.some((line) => line.startsWith("note: [VAULT] vault_addr is kept as a comment"))).toBe(true);
    expect(await run(["check"])).toBe(0);
  });

  test("replaces a config that is wrong, and follows a link to it", async () => {
    const real = put("dotfiles.toml", "this is not TOML\n");
    mkdirSync(`${home}/.config/bssh`, { recursive: true });
    symlinkSync(real, path());
    expect(await run(["import", "--force", put("new.toml", WHOLE)])).toBe(0);
    expect(readFileSync(real, "utf8")).toBe(WHOLE);
    expect(readFileSync(`${real}.old`, "utf8")).toBe("this is not TOML\n");
  });

  test("says why it cannot write", async () => {
    writeFileSync(`${home}/.config`, "");
    expect(await said(["import", put("new.toml", WHOLE)])).toMatch(
      /config\.toml cannot be written: .*; nothing was changed$/,
    );
    if (process.getuid?.() === 0) return;
    rmSync(`${home}/.config`);
    chmodSync(home, 0o500);
    expect(await said(["import", `${home}/new.toml`])).toContain("permission was denied");
    chmodSync(home, 0o700);
  });
});

describe("bssh config import from a URL", () => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/config.toml") return new Response(WHOLE);
      if (pathname === "/moved") return Response.redirect("/config.toml?token=canary", 302);
      if (pathname === "/away") return Response.redirect("http://config.example.com/config.toml?token=canary", 302);
      if (pathname === "/round") return Response.redirect("/round", 302);
      if (pathname === "/portal") return new Response("<html>log in</html>");
      if (pathname === "/huge") return new Response("#".repeat(300_000));
      if (pathname === "/wrong") return new Response("required = 1");
      return new Response("no", { status: 404 });
    },
  });
  afterAll(() => {
    server.stop(true);
  });
  const at = (name: string) => `http://127.0.0.1:${server.port}/${name}`;

  test("takes it from loopback, redirects followed", async () => {
    expect(await run(["import", at("config.toml")])).toBe(0);
    expect(readFileSync(path(), "utf8")).toBe(WHOLE);
    rmSync(path());
    expect(await run(["import", at("moved")])).toBe(0);
  });

  test("takes it from elsewhere over https alone, wherever it is led to", async () => {
    expect(await said(["import", "http://config.example.com/a?token=canary"])).toBe(
      "http://config.example.com/a is not https; a config from elsewhere can run commands: give an https URL",
    );
    expect(await said(["import", at("away")])).toStartWith("http://config.example.com/config.toml is not https;");
    expect(await said(["import", "ftp://config.example.com/a"])).toContain("is not https");
    expect(existsSync(path())).toBe(false);
  });

  test("says what is wrong with the answer, without the query, which may be secret", async () => {
    const cases = [
      ["nowhere?token=canary", "answers with HTTP status 404"],
      ["round", "leads from address to address"],
      ["portal", "is a web page"],
      ["huge", "is larger than 256 KiB"],
      ["wrong?token=canary", ":1: required is neither true nor false"],
    ] as const;
    for (const [name, sentence] of cases) {
      const answer = await said(["import", at(name)]);
      expect(answer).toContain(sentence);
      expect(answer).not.toContain("canary");
    }
    expect(await said(["import", "http://127.0.0.1:1/a?token=canary"])).toMatch(
      /^http:\/\/127\.0\.0\.1:1\/a cannot be fetched: \w+;/,
    );
    expect(await said(["import", "https://"])).toContain("is no URL");
  });
});
