import { describe, expect, test } from "bun:test";
import type { Call } from "../../src/argv/call.ts";
import { parseCall } from "../../src/argv/parse.ts";
import { grammarFor, needsVersion } from "../../src/argv/ssh-options.ts";

const OLD = grammarFor("OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19 27 Jan 2026");
const COMMON = grammarFor(null);
const NEW = grammarFor("OpenSSH_10.5p1, OpenSSL 3.6.0");
const ALL = { "9.2": OLD, "9.4": COMMON, "10.5": NEW };

/** What a line comes to, in short: only the fields that say something. */
function brief(words: readonly string[], grammar = COMMON): Record<string, unknown> {
  const call = parseCall(words, grammar);
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(call)) {
    const silent = value === null || (Array.isArray(value) && value.length === 0 && key !== "jumps");
    if (key !== "words" && key !== "commandAt" && !silent) fields[key] = value;
  }
  if (call.commandAt < words.length) fields["command"] = words.slice(call.commandAt);
  return fields;
}

const split = (line: string): string[] => line.split(" ");
const host = (name: string, more: Partial<Call> & { command?: string[] } = {}) => ({
  destination: name,
  host: name,
  ...more,
});

describe.each(Object.entries(ALL))("with the options of %s", (_version, grammar) => {
  test.each<[string, Record<string, unknown>]>([
    ["h", host("h")],
    [
      "-p 22 alice@web1 uptime",
      { destination: "alice@web1", host: "web1", user: "alice", port: "22", command: ["uptime"] },
    ],
    ["-p22 h", host("h", { port: "22" })],
    ["-vvNL8080:localhost:80 h", host("h")],
    ["-Gp2200 h", host("h", { through: "print-config", port: "2200" })],
    ["-Gp 2200 h", host("h", { through: "print-config", port: "2200" })],
    ["-GWa:1 h", host("h", { through: "print-config" })],
    ["-vvA -p22 -oX=y -- h a b", host("h", { port: "22", options: [{ key: "x", value: "y" }], command: ["a", "b"] })],
    ["h -p 2200 cmd", host("h", { port: "2200", command: ["cmd"] })],
    ["h cmd -p 22", host("h", { command: ["cmd", "-p", "22"] })],
    ["-- h -p 2200", host("h", { command: ["-p", "2200"] })],
    ["h -- -p 2200", host("h", { command: ["-p", "2200"] })],
    ["h -p 2200 -- -x", host("h", { port: "2200", command: ["-x"] })],
    ["h -", host("h", { command: ["-"] })],
    ["h -v- -p 1", host("h", { command: ["-v-", "-p", "1"] })],
    ["-b -- h -p 1", host("h", { command: ["-p", "1"] })],
    ["h -b -- -p 1", host("h", { port: "1" })],
    ["-i a h -i b", host("h", { identityFiles: ["a", "b"] })],
    ["-F a -F b h", host("h", { configFile: "b" })],
    ["-l bob al@h", { destination: "al@h", host: "h", user: "bob" }],
    ["al@h -l bob", { destination: "al@h", host: "h", user: "al" }],
    ["-oUser=c al@h", { destination: "al@h", host: "h", user: "c", options: [{ key: "user", value: "c" }] }],
    ["-oPort=1 -p 2 h", host("h", { port: "1", options: [{ key: "port", value: "1" }] })],
    ["-p 2 -oPort=1 h", host("h", { port: "2", options: [{ key: "port", value: "1" }] })],
    ["ssh://h:5 -p 2", { destination: "ssh://h:5", host: "h", port: "5" }],
    ["-p 2 -p 0 h", host("h", { port: "2" })],
    ["-p ssh h", host("h", { port: "ssh" })],
    ["a@b@h", { destination: "a@b@h", host: "h", user: "a@b" }],
    ["a@", { destination: "a@", host: "", user: "a" }],
    ["h:22", host("h:22")],
    ["[::1]", host("[::1]")],
    ["SSH://h", host("SSH://h")],
    ["ssh://u%40x@h:22/", { destination: "ssh://u%40x@h:22/", host: "h", user: "u@x", port: "22" }],
    ["ssh://u;fp=1@h", { destination: "ssh://u;fp=1@h", host: "h", user: "u" }],
    ["ssh://%C3%BC+b@h.", { destination: "ssh://%C3%BC+b@h.", host: "h", user: "ü b" }],
    ["-V", { through: "version" }],
    ["h -V", host("h", { through: "version" })],
    ["h cmd -V", host("h", { command: ["cmd", "-V"] })],
    ["-V -p 0", { through: "version" }],
    ["-Q cipher", { through: "query" }],
    ["h -Qkey -z", host("h", { through: "query" })],
    ["-O check h", host("h", { through: "control" })],
    ["-O check -G h", host("h", { through: "print-config" })],
    ["h -O exit cmd", host("h", { through: "control", command: ["cmd"] })],
    ["-s h sftp", host("h", { command: ["sftp"] })],
    ["-s -W a:1 h", host("h")],
    ["-l  h", host("h", { user: "" })],
  ])("ssh %s", (line, expected) => {
    expect(brief(split(line), grammar)).toEqual(expected);
  });

  test.each([
    ...["", "-p", "h -p", "-z h", "--long h", "--- h", "-: h", "-vz h", "-H h", "- h", "-v- h", "--", "-1 h", "h -1"],
    ...[
      "@h",
      "-p 0 h",
      "-p 70000 h",
      "-p 22x h",
      "-p 0x16 h",
      "-p 0 -V",
      "-s h",
      "h -s",
      "-N -s h x",
      "-s -N h x",
      "-W a:1 -s h x",
    ],
    ...[
      "ssh://",
      "ssh://@h",
      "ssh://h/x",
      "ssh://h:0",
      "ssh://h:99999",
      "ssh://h:/",
      "ssh://[::1]",
      "ssh://u@v@h",
      "ssh://u%2@h",
    ],
    ...[
      "-oUser= h",
      "-oUser h",
      '-oUser="a h',
      "-oPort=0 h",
      "-oHost=x h",
      "-J a -J b h",
      "-oProxyCommand=x -J a h",
      "-J a, h",
    ],
    ...["-J @a h", "-J ::1 h", "-J a:0 h", "-J a/ h", "-J ;a h", "-- -h", "a;b", "h$x", "-l -x h", "-l a;b h", "a\\@h"],
  ])("ssh %s is refused", (line) => {
    expect(parseCall(line === "" ? [] : split(line), grammar)).toMatchObject({ through: "usage" });
  });

  test("an empty word is a host, a value or a command", () => {
    expect(brief([""], grammar)).toEqual({ destination: "", host: "" });
    expect(brief(["-b", "", "h", ""], grammar)).toEqual(host("h", { command: [""] }));
    expect(brief(["-s", "h", ""], grammar)).toEqual(host("h", { command: [""] }));
    expect(parseCall(["-p", "", "h"], grammar).through).toBe("usage");
  });
});

describe("-o", () => {
  test.each<[string, string, string]>([
    ["User=bob", "user", "bob"],
    ["User bob", "user", "bob"],
    ["USER\t=\tbob", "user", "bob"],
    [" user = bob \t", "user", "bob"],
    ["=User bob", "user", "bob"],
    ['"User" bob', "user", "bob"],
    ['Us"er"=bob', "user", "=bob"],
    ["User==bob", "user", "=bob"],
    ['User="b o b"', "user", "b o b"],
    ["User='b o'b", "user", "b ob"],
    ["User=b\\ o", "user", "b o"],
    ["User=b\\\\o", "user", "b\\o"],
    ["User=b\\o", "user", "b\\o"],
    ["User bob # who", "user", "bob"],
    ["User bob#1", "user", "bob#1"],
    ["User bob\f", "user", "bob"],
    ["ForwardX11 no", "forwardx11", "no"],
    ['SendEnv "A B" C', "sendenv", "A B C"],
    ["IdentityFile2=x", "identityfile", "x"],
    ['ProxyCommand = "nc" %h', "proxycommand", '"nc" %h'],
    ["RemoteCommand=echo 'a  b' # c", "remotecommand", "echo 'a  b' # c"],
  ])("%j sets %s to %j", (text, key, value) => {
    const call = parseCall(["-o", text, "h"], COMMON);
    expect(call.options).toEqual([{ key, value }]);
    expect(call.through).toBeNull();
    if (key === "user") expect(call.user).toBe(value);
  });

  test.each(["", " ", "#User=a", "# User=a", '"', '"User a', "="])("%j says nothing", (text) => {
    expect(brief(["-o", text, "h"])).toEqual(host("h"));
  });

  test.each([
    "User",
    "User=",
    "User = ",
    'User ""',
    "User # bob",
    "User a b",
    'User "a',
    "Port 1 2",
    "User=a\nb",
    "Foo 'x",
  ])("%j is refused", (text) => {
    expect(parseCall(["-o", text, "h"], COMMON).through).toBe("usage");
  });
});

describe("jump hosts", () => {
  const jumps = (...words: string[]) => parseCall([...words, "h"], COMMON).jumps;
  const hop = (name: string, user: string | null = null, port: string | null = null) => ({ user, host: name, port });

  test("are listed first hop first, as typed", () => {
    expect(jumps("-J", "u@a:1,b@c@[::1]:22,ssh://v%40w@d:ssh/")).toEqual([
      hop("a", "u", "1"),
      hop("::1", "b@c", "22"),
      hop("d", "v@w", "ssh"),
    ]);
    expect(jumps("-oProxyJump = = A.b")).toEqual([hop("A.b")]);
    expect(jumps("-Ja:")).toEqual([hop("a")]);
    expect(jumps("-J", "a #,b")).toEqual([hop("a")]);
  });

  test("may be none, which is not the same as nothing", () => {
    expect(jumps()).toBeNull();
    expect(jumps("-Jnone")).toEqual([]);
    expect(jumps("-oProxyJump=NONE")).toEqual([]);
  });

  test("count once, and not beside a ProxyCommand that came first", () => {
    expect(jumps("-oProxyJump=a", "-oProxyJump=b")).toEqual([hop("a")]);
    expect(jumps("-oProxyCommand=none", "-oProxyJump=a")).toBeNull();
    expect(jumps("-Ja", "-oProxyCommand=x")).toEqual([hop("a")]);
  });
});

describe("versions of ssh", () => {
  test("-P is a flag up to 9.3 and takes a value from 9.4 on", () => {
    expect(brief(["-P", "x", "h"], OLD)).toEqual(host("x", { command: ["h"] }));
    expect(brief(["-P", "x", "h"], COMMON)).toEqual(host("h"));
    expect(brief(["-P", "x", "h"], NEW)).toEqual(host("h"));
    expect(brief(["-Pp22", "h"], OLD)).toEqual(host("h", { port: "22" }));
    expect(brief(["-Pp22", "h"], COMMON)).toEqual(host("h"));
  });

  test("-Z is a flag from 10.5 on", () => {
    expect(brief(["-Zp22", "h"], NEW)).toEqual(host("h", { port: "22" }));
    expect(parseCall(["-Zp22", "h"], COMMON).through).toBe("usage");
    expect(parseCall(["-Zp22", "h"], OLD).through).toBe("usage");
  });

  test.each([
    ["OpenSSH_7.4p1, OpenSSL 1.0.2k-fips", OLD],
    ["OpenSSH_9.3p2, LibreSSL 3.3.6", OLD],
    ["OpenSSH_9.4p1, LibreSSL 3.3.6", COMMON],
    ["OpenSSH_for_Windows_9.5p2, LibreSSL 3.8.2", COMMON],
    ["OpenSSH_for_Windows_8.6p1, LibreSSL 3.4.3", OLD],
    ["OpenSSH_9.10p1", COMMON],
    ["OpenSSH_10.0p2, OpenSSL 3.5.1", COMMON],
    ["OpenSSH_10.4p1", COMMON],
    ["OpenSSH_10.5p1", NEW],
    ["OpenSSH_10.12", NEW],
    ["OpenSSH_11.0p1", NEW],
    ["Sun_SSH_1.1.9", COMMON],
    ["", COMMON],
    [null, COMMON],
  ])("%j has its rules", (version, grammar) => {
    expect(grammarFor(version)).toBe(grammar);
  });

  test.each([
    "-P h",
    "-vP h",
    "-Pfoo h",
    "h -P x",
    "-Z h",
    "h -vZ",
    "-p 22 -P x h",
    "-z -P x h".slice(3),
    "-b -P -Z h",
  ])("ssh %s can only be read knowing the version", (line) => {
    expect(needsVersion(split(line))).toBe(true);
  });

  test.each([
    ...[
      "h",
      "-p 22 h",
      "-oPort=22 h",
      "-o Port=22 h",
      "-lP h",
      "-l -P h",
      "-bZ h",
      "h ls -P",
      "h -- -P",
      "-- h -P",
      "-b -- h -P",
    ],
    ...["-V -P", "-QP", "-z -P", "h x -Z", "-iZP h", "-vvA h", "-1 -P h"],
  ])("ssh %s means the same to every version", (line) => {
    expect(needsVersion(split(line))).toBe(false);
    const calls = [OLD, COMMON, NEW].map((grammar) => parseCall(split(line), grammar));
    expect(calls[1]).toEqual(calls[0] as Call);
    expect(calls[2]).toEqual(calls[0] as Call);
  });
});

describe("callers of ssh", () => {
  const scp = "-x -oPermitLocalCommand=no -oClearAllForwardings=yes -oRemoteCommand=none -oRequestTTY=no";

  test("scp", () => {
    const words = split(`${scp} -q -i k -oForwardAgent=no -p 2301 -l root -s -- web1 sftp`);
    const call = parseCall(words, COMMON);
    expect(call).toMatchObject({ through: null, host: "web1", user: "root", port: "2301", identityFiles: ["k"] });
    expect(words.slice(call.commandAt)).toEqual(["sftp"]);
  });

  test("sftp, with a space inside one word", () => {
    const words = [
      "-oForwardX11 no",
      "-oPermitLocalCommand no",
      "-oPort 2301",
      "-l",
      "root",
      "-s",
      "--",
      "web1",
      "sftp",
    ];
    expect(parseCall(words, COMMON)).toMatchObject({
      through: null,
      host: "web1",
      user: "root",
      port: "2301",
      commandAt: 8,
    });
  });

  test("git", () => {
    const words = ["-o", "SendEnv=GIT_PROTOCOL", "-p", "2301", "root@web1", "git-upload-pack '/x'"];
    expect(parseCall(words, COMMON)).toMatchObject({
      through: null,
      host: "web1",
      user: "root",
      port: "2301",
      commandAt: 5,
    });
    expect(parseCall(["-G", ...words], COMMON)).toMatchObject({ through: "print-config", host: "web1" });
  });

  test("rsync", () => {
    const words = split("-l root web1 rsync --server -vlogDtpre.iLsfxCIvu . /x");
    expect(parseCall(words, COMMON)).toMatchObject({
      through: null,
      host: "web1",
      user: "root",
      port: null,
      commandAt: 3,
    });
  });

  test("a hop of ProxyJump", () => {
    const words = ["-F", "c", "-W", "[127.0.0.1]:2301", "jump"];
    expect(parseCall(words, COMMON)).toMatchObject({ through: null, host: "jump", configFile: "c" });
  });
});
