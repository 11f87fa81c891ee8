// promise: every road into ssh works as plain ssh does, warm and cold, and asks one question
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { sshVersion } from "../../src/ssh/resolve.ts";
import { seesFilesOfProxy } from "../../src/ssh/versions.ts";
import { ROADS } from "./all.ts";
import { COLUMNS, type Column, cellName, expected, type Road } from "./road.ts";
import { startWorld, type World } from "./world.ts";

// A cold cell needs a code that the device shows for a second: meanwhile the other world has the machine.
const WORLDS = 2;
const LIMIT_MS = 180_000;

const free: World[] = [];
const all: World[] = [];
const waiting: ((world: World) => void)[] = [];
beforeAll(async () => {
  all.push(...(await Promise.all(Array.from({ length: WORLDS }, startWorld))));
  free.push(...all);
}, LIMIT_MS);
afterAll(async () => void (await Promise.all(all.map((world) => world.stop()))));

async function inWorld<Result>(visit: (world: World) => Promise<Result>): Promise<Result> {
  if (all.length === 0) throw new Error("there is no sandbox");
  const world = free.pop() ?? (await new Promise<World>((resolve) => waiting.push(resolve)));
  try {
    return await visit(world);
  } finally {
    const next = waiting.shift();
    if (next === undefined) free.push(world);
    else next(world);
  }
}

const readsEarly = !seesFilesOfProxy(sshVersion({ path: "ssh", script: false }), "descriptor");

/** Lines without the carriage returns that ssh ends its own messages with. */
const linesOf = (text: string) => text.split(/\r?\n/).filter(Boolean);

async function travel(world: World, road: Road, column: Column) {
  const { environment, folder } = await world.prepare(column, road);
  const variables = (await road.variables?.(world, column)) ?? {};
  const child = Bun.spawn(["/bin/sh", "-c", road.script.replaceAll("SANDBOX", world.root)], {
    env: { ...environment, ...variables },
    cwd: folder,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    detached: true,
  });
  const [status, out, err, answers] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    column === "no terminal" ? world.answer(child.exited) : 0,
    road.meanwhile?.({ folder, variables }),
  ]);
  const told = linesOf(err).filter((line) => road.mayTell?.test(line) !== true);
  return { status, out, err: told, asked: world.actions(), questions: answers + world.questions() };
}

for (const road of ROADS) {
  describe(road.name, () => {
    for (const column of COLUMNS) {
      test.concurrent(
        cellName(road, column),
        async () => {
          const { err, status, out, asked, questions } = expected(road, column, readsEarly);
          const lines = err.map((line) => (typeof line === "string" ? line : expect.stringMatching(line)));
          const seen: unknown = await inWorld((world) => travel(world, road, column));
          expect(seen).toEqual({ status, out, err: lines, asked, questions });
        },
        LIMIT_MS,
      );
    }
  });
}
