import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { cronLine, installTimer, isTimed, serviceText, timerText } from "../../src/host/timer.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function makeSystemd() {
  const folder = mkdtempSync(join(tmpdir(), "bssh-systemd-"));
  folders.push(folder);
  mkdirSync(join(folder, "units"));
  mkdirSync(join(folder, "runtime"));
  return { runtime: join(folder, "runtime"), units: join(folder, "units") };
}

const SERVICE = serviceText(["/usr/local/bin/bssh", "host", "renew"]);

describe("the timer", () => {
  test("of the documentation is the one that is installed", () => {
    const docs = resolve(import.meta.dir, "../../docs/deploy");
    expect(readFileSync(join(docs, "bssh-host-renew.service"), "utf8")).toBe(SERVICE);
    expect(readFileSync(join(docs, "bssh-host-renew.timer"), "utf8")).toBe(timerText());
  });

  test("is written, and started", async () => {
    const systemd = makeSystemd();
    const ran: string[] = [];
    await installTimer(
      async (words) => {
        ran.push(words.join(" "));
        return { status: 0, out: "", err: "" };
      },
      systemd,
      SERVICE,
    );
    expect(ran).toEqual(["systemctl daemon-reload", "systemctl enable --now bssh-host-renew.timer"]);
    expect(readFileSync(join(systemd.units, "bssh-host-renew.service"), "utf8")).toBe(SERVICE);
    expect(isTimed(systemd)).toBe(false);
    mkdirSync(join(systemd.units, "timers.target.wants/bssh-host-renew.timer"), { recursive: true });
    expect(isTimed(systemd)).toBe(true);
    expect(isTimed({ ...systemd, runtime: "/nowhere" })).toBeNull();
  });

  test("that systemd refuses leaves no units, and says so", async () => {
    const systemd = makeSystemd();
    const refused = installTimer(
      async () => ({ status: 1, out: "", err: "Failed to connect to bus\n" }),
      systemd,
      SERVICE,
    );
    expect(refused).rejects.toThrow(
      "in force, but its renewal is not: systemctl daemon-reload failed: Failed to connect to bus",
    );
    await refused.catch(() => {});
    expect(existsSync(join(systemd.units, "bssh-host-renew.service"))).toBe(false);
    expect(existsSync(join(systemd.units, "bssh-host-renew.timer"))).toBe(false);
  });

  test("has words in quotes where systemd and cron want them", () => {
    const words = ["/opt/my tools/bssh", "host", "renew", "100%", "$HOME"];
    const service = serviceText(words, { BSSH_CONFIG: '/srv/$a "b".toml' });
    expect(service).toContain('ExecStart="/opt/my tools/bssh" host renew "100%%" "$$HOME"\n');
    expect(service).toContain('Environment="BSSH_CONFIG=/srv/$a \\"b\\".toml"\n');
    expect(cronLine(words, 7)).toBe("7 * * * * root '/opt/my tools/bssh' host renew '100\\%' '$HOME'");
  });
});
