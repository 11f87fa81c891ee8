// promise: host and port are data, whatever they begin with, and nothing else is taken
import { describe, expect, test } from "bun:test";
import { Failure } from "../../src/failure.ts";
import { readDestination } from "../../src/proxy/destination.ts";

function refusal(...words: readonly string[]): string {
  try {
    readDestination(words);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    expect(error.status).toBe(255);
    return error.message;
  }
  throw new Error(`${JSON.stringify(words)} were taken`);
}

describe("bssh proxy HOST PORT", () => {
  test("takes two words, after an optional --", () => {
    expect(readDestination(["web1", "22"])).toEqual({ host: "web1", port: 22 });
    expect(readDestination(["--", "web1", "65535"])).toEqual({ host: "web1", port: 65535 });
    expect(readDestination(["::1", "022"])).toEqual({ host: "::1", port: 22 });
  });

  for (const host of [
    "--",
    "--help",
    "-oProxyCommand=x",
    "a;id",
    "$(id)",
    "`id`",
    "%h",
    "'",
    '"',
    "a b",
    "\\",
    "x".repeat(1025),
  ]) {
    test(`the host ${JSON.stringify(host.slice(0, 30))} is a host`, () => {
      expect(readDestination([host, "22"]).host).toBe(host);
      expect(readDestination(["--", host, "22"]).host).toBe(host);
    });
  }

  test("another number of words is refused", () => {
    expect(refusal()).toBe("bssh proxy takes a host and a port, not 0 words");
    expect(refusal("web1")).toBe("bssh proxy takes a host and a port, not 1 word");
    expect(refusal("web1", "22", "23")).toBe("bssh proxy takes a host and a port, not 3 words");
    expect(refusal("--", "web1", "22", "23")).toContain("not 4 words");
  });

  test("an IPv6 address may stand in brackets, and nothing else may", () => {
    expect(readDestination(["[::1]", "22"])).toEqual({ host: "::1", port: 22 });
    expect(readDestination(["--", "[fe80::1%eth0]", "22"]).host).toBe("fe80::1%eth0");
    expect(readDestination(["[::ffff:127.0.0.1]", "22"]).host).toBe("::ffff:127.0.0.1");
    for (const host of ["[web1]", "[127.0.0.1]", "[::1", "::1]", "[[::1]]", "[]"]) {
      expect(readDestination([host, "22"]).host).toBe(host);
    }
  });

  for (const port of ["0", "65536", "-1", "+22", "22x", "0x16", "1e2", " 22", "ssh", "2.2", "٢٢", "9".repeat(400)]) {
    test(`${JSON.stringify(port.slice(0, 20))} is no port`, () => {
      expect(refusal("web1", port)).toContain("is no port");
    });
  }

  test("what no host can be is refused, and said without harm to the terminal", () => {
    expect(refusal("", "22")).toBe("the host is empty");
    expect(refusal("web1", "")).toBe("the port is empty");
    expect(refusal("x".repeat(1026), "22")).toContain("is longer than 1025 characters");
    for (const host of ["a\nb", "a\0b", "\u001b[2J", "a\u007f", "\u009b1m"]) {
      const fact = refusal(host, "22");
      expect(fact).toContain("has control characters");
      expect(fact).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    }
  });
});
