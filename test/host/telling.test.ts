import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { certify, isTold, planTelling } from "../../src/host/certify.ts";
import { dropInPath } from "../../src/host/drop-in.ts";
import { fakeSshd, filesIn, hostCertificate, makeServer, partsFor, refusal, type TestServer } from "./support.ts";

let server = null as TestServer | null;
afterEach(() => {
  server?.remove();
  server = null;
});

describe("the place of our lines", () => {
  const refused = (made: TestServer) => refusal((async () => planTelling(made.sshd, made.facts, made.keys))());

  test("is missing when no folder is included, which says the line to add", async () => {
    for (const text of [
      "Port 22\n",
      "#Include sshd_config.d/*.conf\n",
      "Match User x\nInclude @/sshd_config.d/*.conf\n",
      "Include @/sshd_config.d/99-*.conf\n",
      "Include @/nowhere/*.conf\n",
    ]) {
      server?.remove();
      server = makeServer((folder) => text.replace("@", folder));
      const before = filesIn(server.folder);
      const said = await refused(server);
      expect(said).toContain("includes no folder that 50-bssh-host.conf could lie in, and nothing was changed");
      expect(said).toEndWith(`make its first line: Include ${server.folder}/sshd_config.d/*.conf`);
      expect(filesIn(server.folder)).toEqual(before);
    }
  });

  test("is the included folder, however it is written, and the one beside the config before others", () => {
    server = makeServer();
    const { folder, sshd, dropIn } = server;
    mkdirSync(join(folder, "other"));
    for (const line of [
      `Include ${folder}/sshd_config.d/*.conf`,
      `  include="${folder}/sshd_config.d/*.conf"  # ours`,
      `Include ${folder}/other/* ${folder}/sshd_config.d/[0-9]*.conf ${folder}/sshd_config.d/??-bssh*`,
    ]) {
      expect(dropInPath(sshd.config, `Port 22\n${line}\n`)).toBe(dropIn);
    }
    expect(dropInPath(sshd.config, `Include ${folder}/other/*\n`)).toBe(join(folder, "other", "50-bssh-host.conf"));
  });

  test("isn't needed where the administrator has named the certificates", () => {
    server = makeServer(() => "Port 22\n");
    const certificates = server.keys.map(({ certificate }) => certificate);
    expect(planTelling(server.sshd, { ...server.facts, certificates }, server.keys)).toBeNull();
  });

  test("is refused where another certificate is named for the same key", async () => {
    const made = makeServer();
    server = made;
    const rival = join(made.folder, "rival-cert.pub");
    writeFileSync(rival, await hostCertificate(made.keys[0]?.publicKey.blob ?? new Uint8Array()));
    const said = await refusal(
      (async () => planTelling(made.sshd, { ...made.facts, certificates: [rival] }, made.keys))(),
    );
    expect(said).toContain(`names another certificate for the same key, ${rival}`);
  });

  test("is written anew when sshd serves other keys", async () => {
    const made = makeServer();
    server = made;
    await certify(partsFor(made, fakeSshd(() => null).run), made.keys);
    const certificates = made.keys.map(({ certificate }) => certificate);
    const told = planTelling(made.sshd, { ...made.facts, certificates }, made.keys);
    expect(isTold(told)).toBe(true);
    expect(isTold(planTelling(made.sshd, { ...made.facts, certificates }, made.keys.slice(1)))).toBe(false);
  });
});
