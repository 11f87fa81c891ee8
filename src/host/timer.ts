/** What runs `bssh host renew` every hour: a timer of systemd's where that runs, else a line for cron. */
import { existsSync } from "node:fs";
import { Failure } from "../failure.ts";
import { openChanges, readSmall } from "./files.ts";
import type { Run } from "./run.ts";
import { wordsOf } from "./sshd.ts";

export const UNIT = "bssh-host-renew";

/** Folders of systemd's. */
export type Systemd = {
  /** There while systemd is this machine's init (sd_booted(3)). */
  readonly runtime: string;
  /** Where the administrator's units lie. */
  readonly units: string;
};

export const SYSTEMD: Systemd = { runtime: "/run/systemd/system", units: "/etc/systemd/system" };

export function hasSystemd({ runtime }: Systemd): boolean {
  return existsSync(runtime);
}

/** The service's text. `words` is the whole command; `variables` what it needs in its environment, no secrets. */
export function serviceText(words: readonly string[], variables: Readonly<Record<string, string>> = {}): string {
  return [
    "[Unit]",
    "Description=Renews this host's SSH certificates",
    "Documentation=man:sshd_config(5)",
    "Wants=network-online.target",
    "After=network-online.target",
    "",
    "[Service]",
    "Type=oneshot",
    // With it systemd sets HOME.
    "User=root",
    ...Object.entries(variables).map(([name, value]) => `Environment=${unitWord(`${name}=${value}`)}`),
    `ExecStart=${words.map((word) => unitWord(word).replaceAll("$", "$$$$")).join(" ")}`,
    "TimeoutStartSec=10min",
    "",
  ].join("\n");
}

export function timerText(): string {
  return [
    "[Unit]",
    "Description=Renews this host's SSH certificates in time",
    "",
    "[Timer]",
    "OnCalendar=hourly",
    "RandomizedDelaySec=50min",
    "Persistent=true",
    "",
    "[Install]",
    "WantedBy=timers.target",
    "",
  ].join("\n");
}

/** A line of /etc/cron.d that does the same; `minute` of every hour. */
export function cronLine(words: readonly string[], minute: number): string {
  const shellWords = words.map((word) => (/^[\w/.,:=@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`));
  // cron takes % for the end of the line.
  return `${minute} * * * * root ${shellWords.join(" ").replaceAll("%", "\\%")}`;
}

/** Writes the units where they are not so yet, and starts the timer. Throws Failure. */
export async function installTimer(run: Run, { units }: Systemd, service: string): Promise<void> {
  const changes = openChanges();
  const wanted = [
    [`${units}/${UNIT}.service`, service],
    [`${units}/${UNIT}.timer`, timerText()],
  ] as const;
  try {
    for (const [path, text] of wanted) if (readSmall(path) !== text) changes.stage(path, text);
    changes.place();
    for (const words of [["daemon-reload"], ["enable", "--now", `${UNIT}.timer`]]) {
      const ran = await run(["systemctl", ...words]);
      if (ran.status !== 0) throw new Failure(`systemctl ${words[0]} failed: ${wordsOf(ran)}`);
    }
    changes.finish();
  } catch (error) {
    changes.undo();
    const why = error instanceof Failure ? error.message : String(error);
    throw new Failure(
      `the certificate is in force, but its renewal is not: ${why}`,
      "have bssh host renew run every hour in another way, or run bssh host enroll again",
    );
  }
}

/** Whether the timer is enabled; null without systemd. */
export function isTimed({ runtime, units }: Systemd): boolean | null {
  return existsSync(runtime) ? existsSync(`${units}/timers.target.wants/${UNIT}.timer`) : null;
}

/** In quotes where systemd.syntax(7) wants them. A command has variables too, which an environment has not (systemd.exec(5)). */
function unitWord(word: string): string {
  if (/^[\w/.,:=@+-]+$/.test(word)) return word;
  return `"${word.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%")}"`;
}
