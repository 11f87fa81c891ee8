// promise: nothing that lies in the place of the lock, or of the failure that is shared, holds anybody up or is believed
import { afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Failure } from "../../src/failure.ts";
import { ASKING_CODE, heldBy, singleFlight } from "../../src/issue/single-flight.ts";
import { type Crew, flightOf, holding, lockFile, makeCrew } from "./flight-crew.ts";

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

describe("in the lock's place", () => {
  /** Does it with that in the lock's place: what it said and traced. */
  async function fly(crew: Crew, state = crew.state): Promise<string[]> {
    const lines: string[] = [];
    const note = (line: string) => void lines.push(line.replaceAll(crew.state, "STATE"));
    expect(await singleFlight(flightOf(crew, { state, say: note, trace: note }))).toBe("own");
    expect(heldBy(state)).toBeNull();
    return lines;
  }
  test("a file that names a process which lives holds nobody up", async () => {
    const crew = newCrew();
    writeFileSync(lockFile(crew), JSON.stringify({ pid: process.pid, doing: ASKING_CODE }));
    expect(heldBy(crew.state)).toBeNull();
    expect(await fly(crew)).toEqual([]);
  });
  test("garbage is written over, and a huge file is made small", async () => {
    const crew = newCrew();
    writeFileSync(lockFile(crew), Buffer.from("ff00fe0a7b7b", "hex"));
    expect(await fly(crew)).toEqual([]);
    truncateSync(lockFile(crew), 2 ** 33);
    expect(await fly(crew)).toEqual([]);
    expect(statSync(lockFile(crew)).size).toBeLessThan(10);
  });
  test("a file that others may read, and so lock, is theirs no more", async () => {
    const crew = newCrew();
    writeFileSync(lockFile(crew), "");
    chmodSync(lockFile(crew), 0o666);
    expect(await fly(crew)).toEqual([]);
    expect(statSync(lockFile(crew)).mode & 0o777).toBe(0o600);
  });
  test("a file that is read-only keeps nobody from going", async () => {
    const crew = newCrew();
    writeFileSync(lockFile(crew), "");
    chmodSync(lockFile(crew), 0o400);
    // Root may write it all the same.
    const alone = ["STATE/issuing.lock: permission was denied; other processes are not waited for"];
    expect(await fly(crew)).toEqual(process.getuid?.() === 0 ? [] : alone);
  });
  test("a link, a folder or a pipe is left as it is, and each goes for itself", async () => {
    const crew = newCrew();
    const goes = (why: string) => [`STATE/issuing.lock: ${why}; other processes are not waited for`];
    const other = join(crew.state, "other");
    writeFileSync(other, "not ours");
    symlinkSync(other, lockFile(crew));
    expect(await fly(crew)).toEqual(goes("it is a symbolic link"));
    expect(lstatSync(lockFile(crew)).isSymbolicLink()).toBe(true);
    expect(readFileSync(other, "utf8")).toBe("not ours");
    rmSync(lockFile(crew));
    mkdirSync(lockFile(crew));
    expect(await fly(crew)).toEqual(goes("it is a folder"));
    rmSync(lockFile(crew), { recursive: true });
    expect(Bun.spawnSync(["mkfifo", lockFile(crew)]).exitCode).toBe(0);
    expect(await fly(crew)).toEqual(goes("is not a regular file"));
  });
  test("nothing can be made: each goes for itself", async () => {
    const crew = newCrew();
    writeFileSync(join(crew.state, "file"), "");
    const lines = await fly(crew, join(crew.state, "file", "state"));
    expect(lines).toEqual([
      "STATE/file/state/issuing.lock: a part of the path is no folder; other processes are not waited for",
    ]);
  });
  test("no bun:ffi: each goes for itself", async () => {
    const crew = newCrew();
    await holding(crew, "begun");
    const program = [process.execPath, join(import.meta.dir, "flying.ts"), crew.state];
    const { stdout } = Bun.spawnSync(program, { env: { ...process.env, BUN_JSC_useJIT: "0" } });
    expect(stdout.toString()).toContain("flock can't be called without the JIT; other processes are not waited for");
    expect(crew.runs()).toBe(2);
  });
});

describe("a failure in the state folder", () => {
  const damaged = ["", "{", "null", "[]", `{"id":1}`, failureText({ status: 0 }), failureText({ status: "1" })];
  for (const text of [...damaged, failureText({ fact: 7 }), "x".repeat(70_000)]) {
    test(`that can't be read is none: ${text.slice(0, 40)}`, async () => {
      const crew = newCrew();
      const holder = await holding(crew, "begun");
      const waiter = singleFlight(flightOf(crew));
      writeFileSync(join(crew.state, "issuing.failed.json"), text, { mode: 0o600 });
      holder.kill("SIGKILL");
      expect(await waiter).toBe("own");
    });
  }
  test("reaches no terminal as anything but text", async () => {
    const crew = newCrew();
    const holder = await holding(crew, "begun");
    const waiter = singleFlight(flightOf(crew));
    const text = failureText({ fact: "\u001b]0;title\u0007red" });
    writeFileSync(join(crew.state, "issuing.failed.json"), text, { mode: 0o600 });
    holder.kill("SIGKILL");
    const failure = await waiter.catch((error) => error as unknown);
    expect(failure instanceof Failure ? failure.sentence : failure).toBe("?]0;title?red; next");
  });
});

function failureText(changed: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ id: "a", about: "here", fact: "f", next: "next", status: 1, ...changed });
}
