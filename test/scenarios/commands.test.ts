import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { OPTIONS as IMPORT_OPTIONS } from "../../src/commands/config-import.ts";
import { OPTIONS as DOCTOR_OPTIONS } from "../../src/commands/doctor.ts";
import { helpOf } from "../../src/commands/help.ts";
import { OPTIONS as BY_HAND_OPTIONS } from "../../src/commands/import.ts";
import { OPTIONS as LOGIN_OPTIONS } from "../../src/commands/login.ts";
import { OPTIONS as REQUEST_OPTIONS } from "../../src/commands/request.ts";
import { OPTIONS as SANDBOX_OPTIONS } from "../../src/commands/sandbox.ts";
import { OPTIONS as SETUP_OPTIONS } from "../../src/commands/setup.ts";
import { OPTIONS as STATUS_OPTIONS } from "../../src/commands/status.ts";
import { COMMANDS } from "../../src/commands/table.ts";
import { runCommand } from "./run.ts";
import { misfits, type Schema } from "./schema.ts";
import { startWorld, type TestWorld } from "./world.ts";

/** Options that each command reads; which takes its own by hand, since all others are ssh's. */
const OPTIONS: Readonly<Record<string, object>> = {
  login: LOGIN_OPTIONS,
  doctor: DOCTOR_OPTIONS,
  status: STATUS_OPTIONS,
  which: { json: "flag" },
  config: IMPORT_OPTIONS,
  import: BY_HAND_OPTIONS,
  request: REQUEST_OPTIONS,
  sandbox: SANDBOX_OPTIONS,
  setup: SETUP_OPTIONS,
};

async function inWorld(use: (world: TestWorld) => Promise<void>, wishes = {}): Promise<void> {
  const world = await startWorld(wishes);
  try {
    await use(world);
  } finally {
    await world.stop();
  }
}

describe("help", () => {
  test("every command's begins with its usage and its summary, on stdout, with status 0", () =>
    inWorld(async (world) => {
      for (const [name, entry] of Object.entries(COMMANDS)) {
        const { stdout, stderr, status } = await runCommand(world, `bssh ${name} --help`);
        expect(stdout).toStartWith(`Usage: bssh ${name} ${entry.usage}\n\n${entry.summary}.\n`);
        expect(stdout).toContain("$ bssh ");
        expect(stderr).toBe("");
        expect(status).toBe(0);
      }
    }));

  test("bssh --help names every command with its usage and its summary", () =>
    inWorld(async (world) => {
      const { stdout, status } = await runCommand(world, "bssh --help");
      for (const [name, entry] of Object.entries(COMMANDS)) {
        expect(stdout).toMatch(
          new RegExp(`bssh ${name} ${RegExp.escape(entry.usage)} +${RegExp.escape(entry.summary)}\n`),
        );
      }
      expect(status).toBe(0);
    }));

  test.each(Object.keys(COMMANDS))("bssh %s documents every option that it reads, and no other", async (name) => {
    const entry = COMMANDS[name];
    if (entry === undefined) throw new Error(`${name} is gone`);
    const text = helpOf(name, entry, (await entry.open()).help);
    const documented = new Set([...text.matchAll(/(?<![\w-])--([a-z][a-z-]*)/g)].map(([, option]) => option ?? ""));
    documented.delete("help");
    const read = Object.keys(OPTIONS[name] ?? {}).filter((option) => option !== "help");
    expect([...documented].sort()).toEqual(read.sort());
  });
});

describe("JSON", () => {
  const schemas: Record<string, Schema> = {};
  beforeAll(() => {
    for (const name of ["status", "which", "doctor"]) {
      schemas[name] = JSON.parse(readFileSync(join(import.meta.dir, `../../docs/${name}.schema.json`), "utf8"));
    }
  });

  async function check(world: TestWorld, name: string, command: string): Promise<Record<string, unknown>> {
    const { stdout, stderr } = await runCommand(world, command);
    const value = JSON.parse(stdout);
    expect(misfits(value, schemas[name] ?? {})).toEqual([]);
    expect(stderr).toBe("");
    return value;
  }

  test("of status fits docs/status.schema.json in every state", () =>
    inWorld(async (world) => {
      const state = async () => (await check(world, "status", "bssh status --json"))["state"];
      expect(await state()).toBe("none");
      await runCommand(world, "bssh login");
      expect(await state()).toBe("valid");
      await runCommand(world, "echo damage >.ssh/blessid-cert.pub");
      expect(await state()).toBe("none");
      await runCommand(world, "echo nonsense >>$BSSH_CONFIG");
      expect(await state()).toBe("wrong");
      await runCommand(world, "rm $BSSH_CONFIG");
      expect(await state()).toBe("wrong");
    }));

  test("of status fits its schema when the certificate is about to end", () =>
    inWorld(
      async (world) => {
        await runCommand(world, "bssh login");
        expect((await check(world, "status", "bssh status --json"))["state"]).toBe("ending");
      },
      { certSeconds: 60 },
    ));

  test("of doctor fits docs/doctor.schema.json, well and ill", () =>
    inWorld(async (world) => {
      expect((await check(world, "doctor", "bssh doctor --ca --json"))["ok"]).toBe(true);
      await runCommand(world, "sed -i '/^ca_keys/d' $BSSH_CONFIG");
      expect((await check(world, "doctor", "bssh doctor --ca --json"))["ok"]).toBe(false);
    }));

  test("of which fits docs/which.schema.json for all sorts of words", () =>
    inWorld(async (world) => {
      for (const words of [
        "-F .ssh/config web1.sandbox.test id",
        "-V",
        "-Q cipher",
        "-Z",
        "",
        "-F none -J a@b:7,c d",
      ]) {
        await check(world, "which", `BSSH_SSH=$REAL_SSH bssh which --json ${words}`);
      }
      expect(world.log).toEqual([]);
    }));
});
