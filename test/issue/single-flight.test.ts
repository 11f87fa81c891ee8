// promise: any number of processes ask once: one does it, the others take what it leaves, and nobody is lost when it dies
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ASKING_CODE, heldBy, singleFlight } from "../../src/issue/single-flight.ts";
import { openPty } from "../terminal/pty.ts";
import { type Crew, type Flyer, flightOf, holding, lockFile, makeCrew, waiting } from "./flight-crew.ts";

let crews: Crew[] = [];
afterEach(async () => {
  await Promise.all(crews.map((crew) => crew.disband()));
  crews = [];
});

function newCrew(): Crew {
  const crew = makeCrew();
  crews.push(crew);
  return crew;
}

const goFile = (crew: Crew) => join(crew.state, "go");
const setOff = (crew: Crew) => writeFileSync(goFile(crew), "");

describe("many at once:", () => {
  test("of 200 one does it, and all have it", async () => {
    const crew = newCrew();
    const flyers = await waiting(crew, 200, `go=${goFile(crew)}`, "quiet");
    setOff(crew);
    const results = await Promise.all(flyers.map(({ result }) => result));
    expect(crew.runs()).toBe(1);
    expect(new Set(results.map((result) => result?.got))).toEqual(
      new Set([readFileSync(join(crew.state, "runs"), "utf8").trim()]),
    );
    expect(results.filter((result) => result?.traced.length !== 0)).toEqual([]);
    expect(heldBy(crew.state)).toBeNull();
  });
  test("what each wants of its own is done for each, one after the other", async () => {
    const crew = newCrew();
    const flyers = Array.from({ length: 12 }, (_, index) => crew.start(`about=${index}`));
    const results = await Promise.all(flyers.map(({ result }) => result));
    expect(crew.runs()).toBe(12);
    expect(results.map((result) => result?.got)).toEqual(flyers.map(({ pid }) => String(pid)));
  });
});

describe("the holder is killed", () => {
  const points = { looking: 1, begun: 2, asking: 2, done: 1 };
  for (const [point, runs] of Object.entries(points)) {
    test(`${point}: ${point === "done" ? "nobody does it again" : "one takes over"}, and nobody is lost`, async () => {
      const crew = newCrew();
      const holder = await holding(crew, point);
      const flyers = await waiting(crew, 8);
      const killed = performance.now();
      holder.kill("SIGKILL");
      const results = await Promise.all(flyers.map(({ result }) => result));
      expect(performance.now() - killed).toBeLessThan(3000);
      expect(crew.runs()).toBe(runs);
      expect(new Set(results.map((result) => result?.got)).size).toBe(1);
      expect(results[0]?.got).toBeString();
      expect(await holder.result).toBeNull();
    });
  }
  test("again and again: each time the next one takes over", async () => {
    const crew = newCrew();
    const flyers = await waiting(crew, 10, "stop-at=asking");
    const alive = new Set(flyers);
    while (alive.size > 0) {
      const at = performance.now();
      const isHolding = ({ lines }: Flyer) => lines.includes("asking");
      while (![...alive].some(isHolding) && performance.now() - at < 3000) await Bun.sleep(5);
      const holders = [...alive].filter(isHolding);
      expect(holders.map(({ pid }) => pid)).toEqual([heldBy(crew.state)?.pid ?? 0]);
      for (const holder of holders) {
        holder.kill("SIGKILL");
        await holder.end;
        alive.delete(holder);
      }
    }
    expect(crew.runs()).toBe(10);
    expect(heldBy(crew.state)).toBeNull();
    expect((await crew.start().result)?.got).toBeString();
  });
  test("while a child of its own lives on: the child does not keep the lock", async () => {
    const crew = newCrew();
    const holder = await holding(crew, "begun", "child");
    const [flyer] = await waiting(crew, 1);
    const child = Number((await holder.until("child")).split(" ")[1]);
    try {
      holder.kill("SIGKILL");
      expect((await flyer?.result)?.got).toBe(String(flyer?.pid));
      expect(process.kill(child, 0)).toBe(true);
    } finally {
      process.kill(child, "SIGKILL");
    }
  });
});

describe("who waits for two seconds", () => {
  test("says what for, waits on however long the holder is stopped, and takes over when it is killed", async () => {
    const crew = newCrew();
    const holder = await holding(crew, "asking");
    holder.kill("SIGSTOP");
    const flyers = await waiting(crew, 20);
    const quiet = crew.start("quiet");
    const sentence = `waiting for process ${holder.pid}, which is stopped (lock ${lockFile(crew)}); bring it back with fg, or kill it`;
    await Promise.all(flyers.map((flyer) => flyer.until(`says ${sentence}`)));
    await Bun.sleep(500);
    expect(crew.runs()).toBe(1);
    const killed = performance.now();
    holder.kill("SIGKILL");
    const results = await Promise.all(flyers.map(({ result }) => result));
    expect(performance.now() - killed).toBeLessThan(3000);
    expect(crew.runs()).toBe(2);
    expect(results.map((result) => result?.said)).toEqual(flyers.map(() => [sentence]));
    expect((await quiet.result)?.said).toEqual([]);
  });
  test("still ends by the signals that end a process, with a terminal and without", async () => {
    const crew = newCrew();
    const holder = await holding(crew, "begun");
    const program = `${process.execPath} ${join(import.meta.dir, "flying.ts")} ${crew.state}`;
    const pairs = (["SIGINT", "SIGTERM"] as const).map((signal) => ({
      signal,
      plain: crew.start(),
      pty: openPty(`exec ${program}`),
    }));
    for (const { signal, plain, pty } of pairs) {
      await Promise.all([plain.until("says"), pty.until("says")]);
      await Bun.sleep(200);
      plain.kill(signal);
      if (signal === "SIGINT") pty.type("\u0003");
      else process.kill(pty.pid, signal);
      expect([await plain.end, await pty.end()]).toEqual([signal, signal]);
      // Nobody is asked anything, so there is nothing to answer.
      const sentence = `process ${holder.pid}, which is asking for a certificate (lock ${lockFile(crew)})`;
      expect(plain.lines.at(-1)).toBe(`says waiting for ${sentence}`);
    }
  });
});

describe("a failure", () => {
  test("is shared by the 100 that waited for the same; who comes later tries again", async () => {
    const crew = newCrew();
    const flyers = await waiting(crew, 100, `go=${goFile(crew)}`, "fail=the CA is gone", "quiet");
    setOff(crew);
    const results = await Promise.all(flyers.map(({ result }) => result));
    expect(crew.runs()).toBe(1);
    expect(new Set(results.map((result) => String(result?.failure)))).toEqual(
      new Set(["the CA is gone; try something else,78"]),
    );
    const later = await crew.start().result;
    expect(later?.got).toBeString();
    expect(crew.runs()).toBe(2);
    expect(existsSync(join(crew.state, "issuing.failed.json"))).toBe(false);
  });
  test("of another flight is left to that", async () => {
    const crew = newCrew();
    const holder = crew.start("about=other", "fail=refused", `go=${goFile(crew)}`);
    await holder.until("asking");
    const [flyer] = await waiting(crew, 1);
    setOff(crew);
    expect((await holder.result)?.failure).toEqual(["refused; try something else", 78]);
    const result = await flyer?.result;
    expect(result?.failure).toBeUndefined();
    expect(result?.got).toBe(String(flyer?.pid));
  });
  test("of the background is nobody else's", async () => {
    const crew = newCrew();
    const holder = crew.start("background", "fail=nobody can be asked", `go=${goFile(crew)}`);
    await holder.until("asking");
    const [flyer] = await waiting(crew, 1);
    setOff(crew);
    expect((await holder.result)?.failure?.[0]).toStartWith("nobody can be asked");
    expect((await flyer?.result)?.got).toBe(String(flyer?.pid));
  });
  test("that is no sentence for people is not shared", async () => {
    const crew = newCrew();
    const flight = flightOf(crew, { run: () => Promise.reject(new TypeError("a mistake of ours")) });
    await expect(singleFlight(flight)).rejects.toThrow("a mistake of ours");
    expect(existsSync(join(crew.state, "issuing.failed.json"))).toBe(false);
    expect(heldBy(crew.state)).toBeNull();
  });
});

describe("beside the wait:", () => {
  test("the background comes back at once while somebody is at it, and does it when nobody is", async () => {
    const crew = newCrew();
    const holder = await holding(crew, "begun");
    const began = performance.now();
    expect(await singleFlight(flightOf(crew, { wait: false }))).toBeNull();
    expect(performance.now() - began).toBeLessThan(500);
    holder.kill("SIGKILL");
    await holder.end;
    expect(await singleFlight(flightOf(crew, { wait: false }))).toBe("own");
  });
  test("what is handed in is called until the holder is through, and what it throws ends the wait", async () => {
    const crew = newCrew();
    const holder = await holding(crew, "begun");
    expect((await crew.start("meanwhile=5").result)?.failure?.[0]).toBe("waited enough");
    const long = crew.start("meanwhile=9999");
    await long.until("says");
    await Bun.sleep(500);
    holder.kill("SIGKILL");
    const result = await long.result;
    expect(result?.got).toBe(String(long.pid));
    expect(result?.turns).toBeGreaterThan(20);
  });
  test("who it is can be told without waiting", async () => {
    const crew = newCrew();
    expect(heldBy(crew.state)).toBeNull();
    expect(existsSync(lockFile(crew))).toBe(false);
    const holder = await holding(crew, "asking");
    expect(heldBy(crew.state)).toEqual({ pid: holder.pid, doing: ASKING_CODE });
    for (const text of ["", "{}", "null", `{"pid":-1,"doing":"x"}`, `{"pid":1.5,"doing":"x"}`, "\0".repeat(5000)]) {
      writeFileSync(lockFile(crew), text);
      expect(heldBy(crew.state)).toEqual({ pid: 0, doing: "asking for a certificate" });
    }
    writeFileSync(lockFile(crew), JSON.stringify({ pid: 7, doing: `\u001b[31m${"x".repeat(200)}` }));
    expect(heldBy(crew.state)?.doing).toBe(`?[31m${"x".repeat(95)}…`);
    holder.kill("SIGKILL");
    await holder.end;
    expect(heldBy(crew.state)).toBeNull();
  });
});
