// promise: what bssh setup writes is the same for every ssh that can read it, and changes nothing for hosts that are not ours
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Order } from "../../src/setup/order.ts";
import { ownPath } from "../../src/setup/own-path.ts";
import { setUpSshConfig, takeAwaySshConfig } from "../../src/setup/ssh-config.ts";
import { hasTrait, readVersion } from "../../src/ssh/versions.ts";
import { askG, makeGround, orderIn, realSsh, sentence, writeProgram, writeRecorder } from "./support.ts";

const ground = makeGround();
afterAll(() => ground.remove());

let order: Order;
let count = 0;
beforeEach(() => {
  count += 1;
  order = orderIn(join(ground.folder, String(count)));
});

const read = (path: string) => readFileSync(path, "latin1");
function write(text: string): void {
  mkdirSync(join(order.paths.sshConfig, ".."), { recursive: true });
  writeFileSync(order.paths.sshConfig, text);
}

describe("the version of ssh", () => {
  /** The real ssh, but for what it says of its version. */
  const called = (line: string) => ({
    path: writeProgram(
      join(ground.folder, "versions", line),
      `[ "$1" = -V ] && { echo '${line}' >&2; exit 0; }\nexec ${realSsh} "$@"`,
    ),
    script: true,
  });

  test.each([
    "OpenSSH_7.3p1",
    "OpenSSH_8.6p1, LibreSSL",
    "OpenSSH_for_Windows_9.5p2",
    "OpenSSH_10.5p1 Debian-1",
    "OpenSSH_11.0",
  ])("%s gets the same file", (line) => {
    setUpSshConfig(order);
    const own = ownPath(order.paths);
    const [before, user] = [read(own), read(order.paths.sshConfig)];
    takeAwaySshConfig(order.paths);
    setUpSshConfig({ ...order, ssh: called(line) });
    expect([read(own), read(order.paths.sshConfig)]).toEqual([before, user]);
  });

  test("below 7.3 there is no Include, and another ssh is not known", () => {
    for (const line of ["OpenSSH_7.2p2", "OpenSSH_6.6"]) {
      expect(sentence(() => setUpSshConfig({ ...order, ssh: called(line) }))).toBe(
        `${line} knows no Include; use OpenSSH 7.3 or later`,
      );
    }
    expect(sentence(() => setUpSshConfig({ ...order, ssh: called("Dropbear v2022") }))).toEndWith(
      "does not say that it is OpenSSH; name the real ssh with BSSH_SSH",
    );
    expect(existsSync(order.paths.sshConfig)).toBe(false);
  });

  test("below 8.7 quotes know no escapes", () => {
    const identity = { ...order.identity, key: '/h/a"b/id' };
    expect(sentence(() => setUpSshConfig({ ...order, identity, ssh: called("OpenSSH_8.6p1") }))).toContain(
      "a double quote or a backslash",
    );
    expect(setUpSshConfig({ ...order, identity, ssh: called("OpenSSH_8.7p1") }).changed).toBe(true);
  });

  test("is read from the line of ssh -V", () => {
    expect(readVersion("OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19")).toEqual([9, 2]);
    expect(readVersion("OpenSSH_10.5p1")).toEqual([10, 5]);
    expect([null, "", "Sun_SSH_2.4", "OpenSSH_x", "OpenSSH_99999.1"].map(readVersion)).toEqual([
      null,
      null,
      null,
      null,
      null,
    ]);
    expect([hasTrait([7, 2], "include"), hasTrait([7, 3], "include"), hasTrait([10, 0], "include")]).toEqual([
      false,
      true,
      true,
    ]);
  });
});

describe("what ssh makes of it", () => {
  test("hosts that are not ours are as they were, and what follows is in no block of ours", () => {
    write("User carol\nHost x\n  Port 33\n");
    const words = ["x", "y"];
    const all = (host: string) => Bun.spawnSync([realSsh, "-F", order.paths.sshConfig, "-TG", host]).stdout.toString();
    const before = words.map(all);
    setUpSshConfig(order);
    expect(words.map(all)).toEqual(before);
    expect(askG(order.paths.sshConfig, ["y"]).values("user")).toEqual(["carol"]);
  });

  test("hosts of ours differ by key and certificate alone, and default keys that were there are tried still", () => {
    write("User carol\nHost x\n  Port 33\n");
    const { path } = writeRecorder(join(ground.folder, String(count), "bin"));
    const before = askG(order.paths.sshConfig, ["x"]);
    setUpSshConfig({ ...order, program: path, identity: { ...order.identity, defaults: ["/h/id_rsa"] } });
    const after = askG(order.paths.sshConfig, ["x"]);
    expect(after.values("identityfile")).toEqual([order.identity.key, "/h/id_rsa"]);
    expect(after.values("certificatefile")).toEqual([order.identity.certificate]);
    for (const key of ["user", "port", "hostname", "identitiesonly", "proxycommand"]) {
      expect(after.values(key)).toEqual(before.values(key));
    }
  });
});
