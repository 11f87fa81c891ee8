// promise: however many logins come at once with nothing cached, together they ask one question and make one chain of calls
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { heldBy } from "../../src/issue/single-flight.ts";
import { startWorld, type TestWorld, writeFiles } from "../scenarios/world.ts";

const CHAIN = ["GetCallerIdentity", "GetSessionToken", "AssumeRole", "Encrypt", "Invoke"];
const HOST = "web1.sandbox.test";

/** `mfa_command` that counts its calls, and answers no sooner than it is allowed to. */
const COUNTING = `#!/bin/sh
echo $$ >>SANDBOX/questions
while [ -e SANDBOX/hold ]; do sleep 0.05; done
exec SANDBOX/bin/bssh sandbox mfa
`;

const worlds: TestWorld[] = [];
const children: Bun.Subprocess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    try {
      // Each has a session of its own, and all that it started is in it.
      process.kill(-child.pid, "SIGKILL");
    } catch {} // it has ended
    await child.exited;
  }
  for (const world of worlds.splice(0)) await world.stop();
});

async function newWorld(): Promise<TestWorld> {
  const world = await startWorld({ without: ["^mfa_command"], config: ['mfa_command = "SANDBOX/bin/counting"'] });
  worlds.push(world);
  writeFiles(world, new Map([["bin/counting", COUNTING]]));
  return world;
}

/** Starts a shell script in the world, without a terminal. */
function start(world: TestWorld, script: string): Bun.Subprocess<"ignore", "pipe", "pipe"> {
  const child = Bun.spawn(["/bin/sh", "-c", script], {
    env: { ...world.environment },
    cwd: world.folder.root,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    detached: true,
  });
  children.push(child);
  return child;
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

const questions = (world: TestWorld) => textOf(join(world.folder.root, "questions")).split("\n").length - 1;
const stateOf = (world: TestWorld) => join(world.folder.state, "state");
const actions = (world: TestWorld) => world.log.map(({ action }) => action);

/** Waits for a condition, at most so many seconds; looks every so many milliseconds. */
async function until(what: string, seconds: number, everyMs: number, holds: () => boolean): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await Bun.sleep(everyMs);
  }
}

describe("a thousand at once", () => {
  test("ask one question, make one chain of calls, and all log in", async () => {
    const world = await newWorld();
    const { root, config } = world.folder;
    // A machine that starts a thousand processes may well leave a request of theirs waiting; it isn't AWS that is slow.
    const patient = "[lambda]\nconnect_seconds = 100\nread_seconds = 100";
    writeFileSync(config, readFileSync(config, "utf8").replace("[lambda]", patient), { mode: 0o600 });
    writeFileSync(join(root, "hold"), "");
    for (const name of ["out", "err", "status"]) mkdirSync(join(root, name));
    const crowd = start(
      world,
      `i=0; while [ $i -lt 1000 ]; do i=$((i+1)); { bssh ${HOST} echo $i >out/$i 2>err/$i; echo $? >status/$i; } & done; wait`,
    );
    const each = (folder: string) => readdirSync(join(root, folder)).map((name) => textOf(join(root, folder, name)));
    const waiting = () => each("err").filter((text) => text !== "");
    // The question stays open until every other one has said what it waits for.
    await until("999 who wait", 120, 500, () => waiting().length >= 999);
    const holder = heldBy(stateOf(world));
    expect(holder?.pid).toBeGreaterThan(1);
    expect([questions(world), actions(world)]).toEqual([1, ["GetCallerIdentity"]]);
    rmSync(join(root, "hold"));
    expect(await crowd.exited).toBe(0);
    expect(each("status")).toEqual(Array.from({ length: 1000 }, () => "0\n"));
    const words = each("out").map((text) => Number(/\[echo\] \[(\d+)\]\n$/.exec(text)?.[1]));
    expect(words.sort((one, other) => one - other)).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1));
    const beginning = `bssh: waiting for process ${holder?.pid}, which is `;
    expect(waiting().filter((text) => !text.startsWith(beginning) || text.split("\n").length !== 2)).toEqual([]);
    expect(waiting().length).toBe(999);
    expect(actions(world).sort()).toEqual([...CHAIN].sort());
    expect(questions(world)).toBe(1);
  }, 240_000);
});

/** What AWS has answered by the time that it is asked for each. */
const AHEAD: Readonly<Record<string, readonly string[]>> = {
  GetCallerIdentity: [],
  GetSessionToken: ["GetCallerIdentity"],
  AssumeRole: ["GetSessionToken", "Encrypt"],
  Encrypt: ["GetSessionToken", "AssumeRole"],
  Invoke: ["AssumeRole", "Encrypt"],
};

describe("the one who is at it is killed, and another one finishes:", () => {
  for (const action of CHAIN) {
    for (const when of ["waiting for", "right after"] as const) {
      test(`${when} ${action}`, async () => {
        const world = await newWorld();
        const isAnswered = (name: string) => actions(world).includes(name);
        if (when === "waiting for") world.perform(`slow ${action} 3000`);
        else world.perform(`slow ${action} 300`);
        const holder = start(world, `exec bssh ${HOST} true`);
        await until("a holder", 20, 1, () => heldBy(stateOf(world))?.pid === holder.pid);
        const others = [start(world, `exec bssh ${HOST} true`), start(world, `exec bssh ${HOST} true`)];
        if (when === "waiting for") {
          await until(`${action} being asked`, 20, 5, () => (AHEAD[action] ?? []).every(isAnswered));
          await Bun.sleep(150);
        } else await until(`${action} being answered`, 20, 1, () => isAnswered(action));
        expect(isAnswered(action)).toBe(when === "right after");
        holder.kill("SIGKILL");
        world.perform(`slow ${action} 0`);
        await holder.exited;
        expect(await Promise.all(others.map(({ exited }) => exited))).toEqual([0, 0]);
        for (const name of CHAIN) {
          const count = actions(world).filter((item) => item === name).length;
          expect([1, 2]).toContain(count);
        }
        const sessionIsKept = ["AssumeRole", "Encrypt", "Invoke"].includes(action);
        expect(questions(world)).toBeLessThanOrEqual(sessionIsKept ? 1 : 2);
      });
    }
  }
});
