// promise: what differs between versions of ssh stands in one table
import { describe, expect, test } from "bun:test";
import { hasTrait, readVersion, seesFilesOfProxy } from "../../src/ssh/versions.ts";

describe("the files of a certificate that ssh's proxy makes", () => {
  for (const [version, sees] of [
    ["OpenSSH_8.0p1, OpenSSL 1.1.1k  FIPS 25 Mar 2021", true],
    ["OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19 27 Jan 2026", true],
    ["OpenSSH_9.9p2, LibreSSL 3.3.6", true],
    ["OpenSSH_for_Windows_9.5p1, LibreSSL 3.8.2", true],
    ["OpenSSH_10.4p1, OpenSSL 3.5.0", true],
    ["OpenSSH_10.5p1, OpenSSL 3.5.0", false],
    ["OpenSSH_11.0p1", false],
    ["Dropbear v2022.83", false],
    ["", false],
    [null, false],
  ] as const) {
    test(`are ${sees ? "" : "not "}seen by ${version?.split(",")[0] || "an unknown one"} when a descriptor is passed`, () => {
      expect(seesFilesOfProxy(version, "descriptor")).toBe(sees);
      expect(seesFilesOfProxy(version, "pipes")).toBe(false);
    });
  }
});

test("a trait begins with its version", () => {
  const has = (line: string) => hasTrait(readVersion(line) ?? [0, 0], "include");
  expect(["OpenSSH_7.2p2", "OpenSSH_7.3p1", "OpenSSH_6.9", "OpenSSH_10.0p2"].map(has)).toEqual([
    false,
    true,
    false,
    true,
  ]);
});
