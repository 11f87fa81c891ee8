// promise: what differs between versions of ssh stands in one table
import { describe, expect, test } from "bun:test";
import { visibility } from "../../src/proxy/visibility.ts";

const BEFORE = { pipes: { files: false, agent: true }, descriptor: { files: true, agent: true } };
const AFTER = { pipes: { files: false, agent: true }, descriptor: { files: false, agent: true } };

describe("what ssh sees of a certificate that its proxy makes", () => {
  for (const [version, sees] of [
    ["OpenSSH_8.0p1, OpenSSL 1.1.1k  FIPS 25 Mar 2021", BEFORE],
    ["OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19 27 Jan 2026", BEFORE],
    ["OpenSSH_9.9p2, LibreSSL 3.3.6", BEFORE],
    ["OpenSSH_for_Windows_9.5p1, LibreSSL 3.8.2", BEFORE],
    ["OpenSSH_10.4p1, OpenSSL 3.5.0", BEFORE],
    ["OpenSSH_10.5p1, OpenSSL 3.5.0", AFTER],
    ["OpenSSH_11.0p1", AFTER],
    ["Dropbear v2022.83", AFTER],
    ["", AFTER],
    [null, AFTER],
  ] as const) {
    test(`${version?.split(",")[0] || "an unknown one"}`, () => {
      expect(visibility(version, "pipes")).toEqual(sees.pipes);
      expect(visibility(version, "descriptor")).toEqual(sees.descriptor);
    });
  }
});
