import { describe, expect, test } from "bun:test";
import { faceOf } from "../../src/argv/face.ts";

const COMMANDS = ["login", "status", "config", "which", "sandbox"];
const face = (words: string[], programName = "bssh") => faceOf(programName, words, COMMANDS);

describe("faceOf()", () => {
  test("takes a command only as the very first word", () => {
    expect(face(["status", "--json"])).toEqual({ face: "command", name: "status", words: ["--json"] });
    expect(face(["config", "check"])).toEqual({ face: "command", name: "config", words: ["check"] });
    expect(face(["-v", "status"])).toEqual({ face: "wrapper", words: ["-v", "status"] });
    expect(face(["web1", "status"])).toEqual({ face: "wrapper", words: ["web1", "status"] });
  });

  test("takes a command's name for what it is by the letter", () => {
    for (const word of ["Status", "statu", "status ", "./status", "root@status", ""]) {
      expect(face([word])).toEqual({ face: "wrapper", words: [word] });
    }
  });

  test("answers --help and --version itself, but only as the first word", () => {
    expect(face(["--help"])).toEqual({ face: "help" });
    expect(face(["--version"])).toEqual({ face: "version" });
    expect(face(["web1", "--help"])).toEqual({ face: "wrapper", words: ["web1", "--help"] });
    expect(face(["status", "--help"])).toEqual({ face: "command", name: "status", words: ["--help"] });
  });

  test("gives every other word to ssh, as typed", () => {
    for (const words of [[], ["-V"], ["web1"], ["-p", "22", "alice@web1", "uptime"], ["--other"], ["-h"]]) {
      expect(face(words)).toEqual({ face: "wrapper", words });
    }
  });

  test("reaches hosts that have a command's name", () => {
    expect(face(["--", "status"])).toEqual({ face: "wrapper", words: ["--", "status"] });
    expect(face(["ssh", "status"])).toEqual({ face: "wrapper", words: ["status"] });
    expect(face(["ssh", "ssh"])).toEqual({ face: "wrapper", words: ["ssh"] });
    expect(face(["ssh", "--help"])).toEqual({ face: "wrapper", words: ["--help"] });
    expect(face(["ssh"])).toEqual({ face: "wrapper", words: [] });
  });

  test("is always the wrapper when called ssh", () => {
    for (const name of ["ssh", "/usr/local/bin/ssh", "./ssh", "../bin/ssh"]) {
      for (const words of [["status"], ["ssh", "status"], ["--help"], ["--version"], ["--", "status"], []]) {
        expect(face(words, name)).toEqual({ face: "wrapper", words });
      }
    }
  });

  test("is not taken in by names that only resemble ssh", () => {
    for (const name of ["bssh", "/opt/ssh/bssh", "ssh-bless", "SSH", "ssh/bssh", ""]) {
      expect(face(["status"], name)).toEqual({ face: "command", name: "status", words: [] });
    }
  });

  test("leaves the words of the wrapper at the end of those typed", () => {
    const typed = ["ssh", "--", "a", "b"];
    const { words } = face(typed) as { words: readonly string[] };
    expect(typed.slice(typed.length - words.length)).toEqual([...words]);
  });
});
