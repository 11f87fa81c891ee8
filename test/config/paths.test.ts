import { describe, expect, test } from "bun:test";
import { hasHostBits, isLoopback, parseNetwork } from "../../src/config/address.ts";
import { nearest } from "../../src/config/nearest.ts";
import { pathsOf } from "../../src/config/paths.ts";
import { tomlText } from "../../src/config/toml-text.ts";
import { failureOf } from "./support.ts";

describe("the paths", () => {
  test("follow the XDG defaults", () => {
    expect(pathsOf({ HOME: "/home/alice/" })).toEqual({
      config: "/home/alice/.config/bssh/config.toml",
      systemConfig: "/etc/bssh/config.toml",
      state: "/home/alice/.local/state/bssh",
      sshConfig: "/home/alice/.ssh/config",
      home: "/home/alice",
    });
  });

  test("follow the XDG variables when these are absolute", () => {
    const { config, state } = pathsOf({ HOME: "/h", XDG_CONFIG_HOME: "/c", XDG_STATE_HOME: "/s/" });
    expect([config, state]).toEqual(["/c/bssh/config.toml", "/s/bssh"]);
    const relative = pathsOf({ HOME: "/h", XDG_CONFIG_HOME: "c", XDG_STATE_HOME: "" });
    expect([relative.config, relative.state]).toEqual(["/h/.config/bssh/config.toml", "/h/.local/state/bssh"]);
  });

  test("follow BSSH_HOME before XDG, and BSSH_CONFIG before both", () => {
    const { config, state } = pathsOf({ HOME: "/h", XDG_CONFIG_HOME: "/c", BSSH_HOME: "/b" });
    expect([config, state]).toEqual(["/b/config.toml", "/b/state"]);
    expect(pathsOf({ HOME: "/h", BSSH_HOME: "/b", BSSH_CONFIG: "/x.toml" }).config).toBe("/x.toml");
    expect(pathsOf({ HOME: "/h", BSSH_CONFIG: "x.toml" }).config).toBe(`${process.cwd()}/x.toml`);
    expect(pathsOf({ HOME: "/h", BSSH_SSH_CONFIG: "/y" }).sshConfig).toBe("/y");
  });

  test("ask for the home when HOME says nothing", () => {
    expect(pathsOf({}, () => "/root").home).toBe("/root");
    expect(failureOf(() => pathsOf({ HOME: "here" })).sentence).toBe(
      "HOME names no folder; set it to the path of your home",
    );
  });
});

describe("addresses", () => {
  test("are read as Python's ipaddress reads them", () => {
    const right = [
      "0.0.0.0",
      "255.255.255.255/32",
      "10.0.0.0/8",
      "::",
      "::1/128",
      "1::",
      "1:2:3:4:5:6:7:8",
      "1:2:3:4:5:6:1.2.3.4",
      "::1.2.3.4",
      "1::8/0",
    ];
    expect(right.filter((text) => parseNetwork(text) === null)).toEqual([]);
    const wrong = [
      "",
      "1",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.4/",
      "1.2.3.4/33",
      "1.2.3.4/08",
      "1.2.3.4/8/8",
      "+1.2.3.4",
      "0x1.2.3.4",
      ":",
      ":::",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7::8",
      "::12345",
      "::g",
      "1.2.3.4::",
      "::1%lo",
      "[::1]",
      "::/129",
      "1:2:3:4:5:6:7:1.2.3.4",
    ];
    expect(wrong.filter((text) => parseNetwork(text) !== null)).toEqual([]);
  });

  test("with host bits are told from networks", () => {
    const bits = (text: string) => {
      const network = parseNetwork(text);
      return network !== null && hasHostBits(network);
    };
    expect(["10.0.0.1/8", "10.0.0.1/31", "1::1/64", "255.255.255.255/0"].map(bits)).toEqual([true, true, true, true]);
    expect(["10.0.0.0/8", "10.0.0.1/32", "10.0.0.1", "1::/64", "::/0", "192.0.2.128/25"].some(bits)).toBe(false);
  });

  test("of this machine are known", () => {
    expect(["localhost", "a.localhost", "127.1.2.3", "::1", "[::1]"].every(isLoopback)).toBe(true);
    expect(["localhost.example.com", "128.0.0.1", "::2", "0.0.0.0", "::ffff:127.0.0.1"].some(isLoopback)).toBe(false);
  });
});

test("the nearest word is the one a person meant", () => {
  const words = ["status", "which", "login", "config"];
  expect(["staus", "sttaus", "stat us", "wich", "logni", "confg"].map((word) => nearest(word, words))).toEqual([
    "status",
    "status",
    "status",
    "which",
    "login",
    "config",
  ]);
  expect(["", "x", "web1", "completely"].map((word) => nearest(word, words))).toEqual([null, null, null, null]);
});

test("values are written so that TOML reads them back", () => {
  const texts = ["", "a", "a\\d'b", "\\.x", "it's", '"', "\n\t\u0000\u001b\u007f", "é😀", "a\ud800b"];
  for (const text of texts) {
    expect((Bun.TOML.parse(`a = ${tomlText(text)}`) as { a: string }).a).toBe(text.toWellFormed());
  }
  expect(tomlText(["a", "\\"])).toBe(`["a", '\\']`);
});
