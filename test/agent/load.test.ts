import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { ownComment } from "../../src/agent/entries.ts";
import { agentCertificates, loadAgent } from "../../src/agent/load.ts";
import { bare, HALF_AN_HOUR, openWorkbench, orderFor, run, secondsBeforeEnd } from "./support.ts";

const bench = openWorkbench();
afterAll(() => bench.close());
const ca = bench.makeKey("ca");

const KINDS = {
  ed25519: ["-t", "ed25519"],
  rsa: ["-t", "rsa", "-b", "2048"],
  ecdsa256: ["-t", "ecdsa", "-b", "256"],
  ecdsa384: ["-t", "ecdsa", "-b", "384"],
  ecdsa521: ["-t", "ecdsa", "-b", "521"],
} as const;

describe("loading a real agent", () => {
  for (const [name, words] of Object.entries(KINDS)) {
    test(`puts the certificate first and the plain key behind it, and both sign: ${name}, in every format`, async () => {
      const identity = bench.makeKey(name, words);
      const certificate = bench.certify(ca, identity);
      const fingerprint = run(["ssh-keygen", "-l", "-f", `${identity.path}.pub`]).split(" ")[1] ?? "";
      for (const key of [identity, bench.convert(identity, "PEM"), bench.convert(identity, "PKCS8")]) {
        const agent = await bench.startAgent();
        expect(await loadAgent(orderFor(agent.socket, key, certificate))).toEqual({ loaded: true, removed: 0 });
        expect(agent.lines()).toEqual([bare(certificate), bare(identity.publicLine)]);
        expect(agent.comments()).toEqual([ownComment(key.path), ownComment(key.path)]);
        expect(agent.sshAdd("-l").split(fingerprint)).toHaveLength(3);
        writeFileSync(bench.path("cert.pub"), certificate);
        // ssh-add -T has the agent sign with the private half and verifies with the public one.
        for (const file of [`${identity.path}.pub`, bench.path("cert.pub")]) {
          run(["ssh-add", "-T", file], { SSH_AUTH_SOCK: agent.socket });
        }
      }
    });
  }

  test("takes an ed25519 key in PKCS8, which ssh-keygen does not write", async () => {
    const { generateKeyPairSync } = await import("node:crypto");
    const { privateKey } = generateKeyPairSync("ed25519");
    const path = bench.path("pkcs8");
    writeFileSync(path, privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
    const key = readFileSync(path, "utf8");
    const { publicBlob } = await import("../../src/wire/signature.ts");
    const { formatPublicKey } = await import("../../src/wire/public-key.ts");
    const publicLine = formatPublicKey({ type: "ssh-ed25519", blob: publicBlob(privateKey), comment: "" });
    const agent = await bench.startAgent();
    const certificate = bench.certify(ca, { path, key, publicLine });
    expect(await loadAgent(orderFor(agent.socket, { path, key, publicLine }, certificate))).toMatchObject({
      loaded: true,
    });
    expect(agent.lines()).toEqual([bare(certificate), publicLine]);
  });

  test("keeps both no longer than the certificate lasts", async () => {
    const identity = bench.makeKey("short");
    const certificate = bench.certify(ca, identity);
    const agent = await bench.startAgent();
    const order = orderFor(agent.socket, identity, certificate, { now: secondsBeforeEnd(certificate, 3) });
    const started = Date.now();
    expect(await loadAgent(order)).toEqual({ loaded: true, removed: 0 });
    expect(agent.lines()).toHaveLength(2);
    while (agent.lines().length > 0 && Date.now() < started + 10_000) await Bun.sleep(100);
    expect(agent.lines()).toEqual([]);
    expect(Date.now() - started).toBeGreaterThan(1500);
  });

  test("asks the person before each use when it is told to", async () => {
    const asked = bench.path("asked");
    const askpass = bench.path("askpass");
    writeFileSync(askpass, `#!/bin/sh\necho "$1" >>'${asked}'\nexit 1\n`, { mode: 0o755 });
    const agent = await bench.startAgent({ SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: "force", DISPLAY: ":9" });
    const identity = bench.makeKey("confirmed");
    const certificate = bench.certify(ca, identity);
    await loadAgent(orderFor(agent.socket, identity, certificate, { confirm: true }));
    expect(agent.lines()).toHaveLength(2);
    writeFileSync(bench.path("confirmed-cert.pub"), certificate);
    for (const file of ["confirmed.pub", "confirmed-cert.pub"]) {
      expect(() => run(["ssh-add", "-T", bench.path(file)], { SSH_AUTH_SOCK: agent.socket })).toThrow("refused");
    }
    expect(readFileSync(asked, "utf8").match(/Allow use of key/g)).toHaveLength(2);
  });

  test("does not ask otherwise", async () => {
    const asked = bench.path("asked-not");
    const askpass = bench.path("askpass-not");
    writeFileSync(askpass, `#!/bin/sh\necho "$1" >>'${asked}'\nexit 1\n`, { mode: 0o755 });
    const agent = await bench.startAgent({ SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: "force", DISPLAY: ":9" });
    const identity = bench.makeKey("unconfirmed");
    await loadAgent(orderFor(agent.socket, identity, bench.certify(ca, identity)));
    run(["ssh-add", "-T", `${identity.path}.pub`], { SSH_AUTH_SOCK: agent.socket });
    expect(existsSync(asked)).toBe(false);
  });
});

describe("older entries", () => {
  test("of ours go: 20 renewals leave one certificate, first in the list, and the key behind it", async () => {
    const agent = await bench.startAgent();
    const identity = bench.makeKey("renewed");
    let certificate = "";
    for (let renewal = 0; renewal < 20; renewal++) {
      certificate = bench.certify(ca, identity, HALF_AN_HOUR + (renewal % 3)); // also ones that end earlier
      const removed = renewal === 0 ? 0 : 1;
      expect(await loadAgent(orderFor(agent.socket, identity, certificate))).toEqual({ loaded: true, removed });
    }
    expect(agent.lines()).toEqual([bare(certificate), bare(identity.publicLine)]);
  });

  test("of ours go as well when the key at the path was replaced, or the key moved", async () => {
    const agent = await bench.startAgent();
    const [old, other, fresh] = ["old", "other", "fresh"].map((name) => bench.makeKey(name));
    if (!old || !other || !fresh) throw new Error("no keys");
    await loadAgent(orderFor(agent.socket, other, bench.certify(ca, other)));
    await loadAgent(orderFor(agent.socket, old, bench.certify(ca, old)));
    const certificate = bench.certify(ca, fresh);
    expect(await loadAgent(orderFor(agent.socket, fresh, certificate, { path: old.path }))).toEqual({
      loaded: true,
      removed: 2,
    });
    const after = [bare(certificate), bare(fresh.publicLine)];
    expect(agent.lines().slice(2)).toEqual(after);
    expect(agent.comments().slice(0, 2)).toEqual([ownComment(other.path), ownComment(other.path)]);

    const renewed = bench.certify(ca, fresh);
    expect(await loadAgent(orderFor(agent.socket, fresh, renewed))).toEqual({ loaded: true, removed: 1 });
    expect(agent.lines().slice(2)).toEqual([bare(renewed), bare(fresh.publicLine)]);
    expect(agent.comments().slice(2)).toEqual([ownComment(fresh.path), ownComment(fresh.path)]);
  });

  test("of others stay: their keys, their certificates, another CA's for our key, our path on another machine", async () => {
    const agent = await bench.startAgent();
    const identity = bench.makeKey("mine");
    const theirs = bench.makeKey("theirs");
    const otherCa = bench.makeKey("other-ca");
    for (const [key, by] of [
      [theirs, ca],
      [identity, otherCa],
    ] as const) {
      writeFileSync(`${key.path}-cert.pub`, `${bench.certify(by, key)}\n`);
      agent.sshAdd("-q", key.path); // the key and its certificate
    }
    for (let count = 0; count < 10; count++) agent.sshAdd("-q", bench.makeKey(`foreign-${count}`).path);
    const elsewhere = bench.makeKey("elsewhere");
    const comment = ownComment(identity.path).replace("bssh ", "bssh not-");
    run(["ssh-keygen", "-q", "-c", "-C", comment, "-f", elsewhere.path]);
    agent.sshAdd("-q", elsewhere.path);
    expect(agent.comments()).toContain(comment);

    const before = agent.sshAdd("-L");
    expect(before.trim().split("\n")).toHaveLength(15);
    let certificate = "";
    for (let renewal = 0; renewal < 3; renewal++) {
      certificate = bench.certify(ca, identity);
      expect(await loadAgent(orderFor(agent.socket, identity, certificate))).toMatchObject({ loaded: true });
    }
    // The plain key was there before, from the person: it is left as it is.
    expect(agent.sshAdd("-L")).toBe(`${before}${bare(certificate)} ${ownComment(identity.path)}\n`);
  });

  test("and a plain key of the person's keep their own lifetime", async () => {
    const agent = await bench.startAgent();
    const identity = bench.makeKey("for-good");
    agent.sshAdd("-q", identity.path);
    const certificate = bench.certify(ca, identity);
    const order = orderFor(agent.socket, identity, certificate, { now: secondsBeforeEnd(certificate, 2) });
    await loadAgent(order);
    const ends = Date.now() + 10_000;
    while (agent.lines().length > 1 && Date.now() < ends) await Bun.sleep(100);
    expect(agent.lines()).toEqual([bare(identity.publicLine)]);
  });

  test("of two that load at once are never the other's: one certificate stays at least", async () => {
    const agent = await bench.startAgent();
    const identity = bench.makeKey("twice");
    for (let round = 0; round < 5; round++) {
      const made = [bench.certify(ca, identity), bench.certify(ca, identity)];
      const results = await Promise.all(made.map((line) => loadAgent(orderFor(agent.socket, identity, line))));
      expect(results.map(({ loaded }) => loaded)).toEqual([true, true]);
      const left = agent.lines().filter((line) => made.map(bare).includes(line));
      expect(left.length).toBeGreaterThanOrEqual(1);
      expect(agent.lines()).toHaveLength(left.length + 1);
    }
  });

  test("loading the same certificate again changes nothing but the time left", async () => {
    const agent = await bench.startAgent();
    const identity = bench.makeKey("again");
    const certificate = bench.certify(ca, identity);
    for (let round = 0; round < 2; round++) {
      expect(await loadAgent(orderFor(agent.socket, identity, certificate))).toEqual({ loaded: true, removed: 0 });
      expect(agent.lines()).toEqual([bare(certificate), bare(identity.publicLine)]);
    }
  });
});

describe("what is nothing for an agent", () => {
  test("is left out without a question to the agent", async () => {
    const identity = bench.makeKey("fine");
    const certificate = bench.certify(ca, identity);
    const locked = bench.path("locked");
    run(["ssh-keygen", "-q", "-t", "ed25519", "-a", "1", "-N", "a passphrase", "-f", locked]);
    const pem = bench.convert(bench.makeKey("locked-pem", KINDS.ecdsa256), "PEM").path;
    run(["ssh-keygen", "-q", "-p", "-m", "PEM", "-P", "", "-N", "a passphrase", "-f", pem]);
    const orders = {
      "a key with a passphrase": { key: readFileSync(locked, "utf8") },
      "a key with a passphrase in PEM": { key: readFileSync(pem, "utf8") },
      "no key": { key: "garbage" },
      "a broken key": { key: identity.key.replace(/[A-Z]{3}/g, "===") },
      "a huge file": { key: `${identity.key}${"\n".repeat(100_000)}` },
      "another key's certificate": { certificate: bench.certify(ca, bench.makeKey("another")) },
      "a public key": { certificate: identity.publicLine },
      "no certificate": { certificate: "" },
      "a certificate that ends now": { now: secondsBeforeEnd(certificate, 0) },
      "a certificate that has ended": { now: secondsBeforeEnd(certificate, -9) },
    };
    for (const [name, wishes] of Object.entries(orders)) {
      // No agent is there, which would be "absent": it isn't even looked for.
      const result = await loadAgent(orderFor(bench.path("nobody"), identity, certificate, wishes));
      expect([name, result]).toEqual([name, { loaded: false, trouble: "unloadable" }]);
    }
  });
});

describe("what an agent holds", () => {
  test("is listed with certificates read, and others' entries whatever they are", async () => {
    const agent = await bench.startAgent();
    const identity = bench.makeKey("held");
    const certificate = bench.certify(ca, identity);
    expect(await agentCertificates(agent.socket)).toEqual([]);
    await loadAgent(orderFor(agent.socket, identity, certificate));
    const held = await agentCertificates(agent.socket);
    expect(held?.map(({ comment, certificate: found }) => [comment, found?.keyId ?? null])).toEqual([
      [ownComment(identity.path), "test"],
      [ownComment(identity.path), null],
    ]);
    expect(await agentCertificates(bench.path("nobody"))).toBeNull();
  });
});
