import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { reloadSshd, servesCertificates } from "../../src/host/reload.ts";
import type { Ran } from "../../src/host/run.ts";
import { hostCertificate, makeServer, type TestServer } from "./support.ts";

let server = null as TestServer | null;
afterEach(() => {
  server?.remove();
  server = null;
});

/** Runs that give what the table says for the words, and status 1 for others; keeps the words. */
function scripted(table: Readonly<Record<string, Partial<Ran>>>) {
  const ran: string[] = [];
  const run = async (words: readonly string[]): Promise<Ran> => {
    ran.push(words.join(" "));
    return { status: 1, out: "", err: "", ...table[words.join(" ")] };
  };
  return { run, ran };
}

/** Reloads the sshd whose process is said to be `pid`. */
async function reload(pid: string | null) {
  const made = makeServer();
  server = made;
  const pidFile = pid === null ? null : join(made.folder, "pid");
  if (pidFile !== null) writeFileSync(pidFile, pid ?? "");
  const { run } = scripted({});
  return await reloadSshd({ run, sshd: made.sshd, facts: { ...made.facts, pidFile }, hasSystemd: true });
}

describe("reloading sshd", () => {
  test("is systemd's business where that runs it, by the name that it has there", async () => {
    const made = makeServer();
    server = made;
    const sshd = { program: "/usr/sbin/sshd", config: "/etc/ssh/sshd_config" };
    for (const unit of ["ssh.service", "sshd.service"]) {
      const { run, ran } = scripted({
        [`systemctl is-active --quiet ${unit}`]: { status: 0 },
        [`systemctl reload ${unit}`]: { status: 0 },
      });
      expect(await reloadSshd({ run, sshd, facts: made.facts, hasSystemd: true })).toBe("reloaded");
      expect(ran.at(-1)).toBe(`systemctl reload ${unit}`);
    }
    const { run } = scripted({ "systemctl is-active --quiet ssh.service": { status: 0 } });
    const refused = reloadSshd({ run, sshd, facts: made.facts, hasSystemd: true });
    expect(refused).rejects.toThrow("is in place, but sshd was not reloaded: systemctl reload ssh.service");
    await refused.catch(() => {});
  });

  test("sends no signal to another program that has the process id now", async () => {
    const child = Bun.spawn(["sleep", "60"], { stdio: ["ignore", "ignore", "ignore"] });
    try {
      // Until it has become sleep it has no command line, as a zombie has none.
      while (!readFileSync(`/proc/${child.pid}/cmdline`, "utf8").startsWith("sleep")) await Bun.sleep(1);
      const refused = reload(`${child.pid}\n`);
      expect(refused).rejects.toThrow(`process ${child.pid} of`);
      await refused.catch(() => {});
      expect(child.exitCode ?? child.signalCode).toBeNull();
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
  });

  test("isn't needed when none runs, and is left to the administrator without a PidFile", async () => {
    expect(await reload("999999999\n")).toBe("idle");
    server?.remove();
    expect(await reload("")).toBe("idle");
    server?.remove();
    for (const strange of ["-1", "0", "1e3", "$(reboot)"]) {
      expect(await reload(strange)).toBe("idle");
      server?.remove();
    }
    const refused = reload(null);
    expect(refused).rejects.toThrow("its config has no PidFile");
    await refused.catch(() => {});
  });
});

describe("what sshd shows", () => {
  test("is compared with what lies beside the keys, line by line, with and without the host's name", async () => {
    const made = makeServer();
    server = made;
    const lines = await Promise.all(made.keys.map(({ publicKey }) => hostCertificate(publicKey.blob)));
    const [first = "", second = ""] = lines;
    made.keys.forEach(({ certificate }, at) => {
      writeFileSync(certificate, `${lines[at]}\n`);
    });
    const facts = { ...made.facts, addresses: [{ host: "127.0.0.1", port: 2222 }] };
    const words = "ssh-keyscan -c -T 5 -t ed25519,ecdsa -p 2222 127.0.0.1";
    const shows = (out: string) =>
      servesCertificates({ run: scripted({ [words]: { status: 0, out } }).run, facts }, made.keys, [0, 1]);
    expect(await shows(`# 127.0.0.1:2222 SSH-2.0\n${first}\n@cert-authority [127.0.0.1]:2222 ${second}\n`)).toBe(true);
    expect(
      await servesCertificates({ run: async () => ({ status: null, out: "", err: "" }), facts }, made.keys),
    ).toBeNull();
    expect(await shows(`${first}\n${await hostCertificate(made.keys[1]?.publicKey.blob ?? new Uint8Array())}\n`)).toBe(
      false,
    );
    expect(await servesCertificates({ run: scripted({}).run, facts: made.facts }, made.keys)).toBeNull();
  });
});
