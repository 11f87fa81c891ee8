import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { isOpen, leftAfter, makeGround, openWorkshop, treeOf, until, type Workshop } from "./support.ts";

let shop: Workshop;
let hadRunFolder: boolean;
beforeAll(() => {
  shop = openWorkshop();
  hadRunFolder = existsSync("/run/sshd");
});
afterAll(() => shop.close());

/** Starts a sandbox in a session of its own; `ready` is the file whose appearance says that COMMAND got so far. */
function start(ground: string, words: readonly string[]) {
  return Bun.spawn([shop.bssh, "sandbox", ...words], {
    env: { ...process.env, TMPDIR: ground, READY: `${ground}.ready` },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
    detached: true,
  });
}

/**
 * An sshd that isn't root can give a terminal only where devpts gives it the group it must have (mount option `gid`, as Debian
 * sets it): it may not change the group itself (sshpty.c, pty_setowner).
 */
const withTerminal =
  process.getuid?.() === 0 ||
  !existsSync("/proc/mounts") ||
  /^devpts .*\bgid=/m.test(readFileSync("/proc/mounts", "utf8"))
    ? "-tt"
    : "-n";

describe("kill -9 of the foreground process", () => {
  test("with a live ssh session, a process in the background of the server, and a stubborn COMMAND leaves nothing", async () => {
    const ground = makeGround(shop);
    const script = `trap '' TERM HUP INT; bssh certificate
      sed -n 's/ *Port //p' "$BSSH_SSH_CONFIG" | head -1 >"$READY.port"
      nohup sleep 3601 >/dev/null 2>&1 &
      env -i sleep 3602 &
      ssh -n -i $HOME/.ssh/blessid web1.sandbox.test 'nohup setsid sleep 3603 >/dev/null 2>&1 & sleep 3604' &
      ssh ${withTerminal} -i $HOME/.ssh/blessid web2.sandbox.test "touch '$READY'; sleep 3605" </dev/null &
      chmod 000 $HOME/.aws
      while :; do sleep 3606; done`;
    const child = start(ground, ["--", "sh", "-c", script]);
    await until("both sessions", () => existsSync(`${ground}.ready`));
    await Bun.sleep(100);
    const before = treeOf(child.pid);
    expect(before.filter(({ words }) => words.startsWith("sleep 360")).length).toBeGreaterThanOrEqual(4);
    const port = Number(readFileSync(`${ground}.ready.port`, "utf8"));
    expect(await isOpen(port)).toBe(true);
    child.kill("SIGKILL");
    await child.exited;
    expect(await leftAfter(10, ground, before)).toEqual([]);
    expect(await isOpen(port)).toBe(false);
  });

  test("of its whole process group leaves nothing", async () => {
    const ground = makeGround(shop);
    const child = start(ground, ["--", "sh", "-c", 'touch "$READY"; sleep 3600; true']);
    await until("COMMAND", () => existsSync(`${ground}.ready`));
    const before = treeOf(child.pid);
    process.kill(-child.pid, "SIGKILL");
    await child.exited;
    expect(await leftAfter(10, ground, before)).toEqual([]);
  });

  test("at any moment of its start leaves nothing", async () => {
    const ground = makeGround(shop);
    for (let delay = 0; delay < 420; delay += 15) {
      const child = start(ground, ["--", "sh", "-c", "sleep 3600; true"]);
      await Bun.sleep(delay);
      const before = treeOf(child.pid);
      child.kill("SIGKILL");
      await child.exited;
      expect([delay, ...(await leftAfter(10, ground, before))]).toEqual([delay]);
    }
  });

  test("leaves another sandbox alone", async () => {
    const [ground, other] = [makeGround(shop), makeGround(shop)];
    const script =
      'touch "$READY"; while ! [ -e "$READY.go" ]; do sleep 0.05; done; bssh certificate && ssh -i $HOME/.ssh/blessid web1.sandbox.test exit 6';
    const victim = start(ground, ["--", "sh", "-c", script]);
    const survivor = start(other, ["--", "sh", "-c", script]);
    await until("both", () => existsSync(`${ground}.ready`) && existsSync(`${other}.ready`));
    victim.kill("SIGKILL");
    expect(await leftAfter(10, ground)).toEqual([]);
    await Bun.write(`${other}.ready.go`, "");
    await survivor.exited;
    expect(survivor.exitCode).toBe(6);
    expect(await leftAfter(10, other)).toEqual([]);
  });
});

describe("the end of a sandbox", () => {
  test("ends what COMMAND left in the background, gently at first", async () => {
    const ground = makeGround(shop);
    const script = `sh -c 'trap "echo ended >$READY.gently; exit" TERM; touch "$READY"; while :; do sleep 0.05; done' & while ! [ -e "$READY" ]; do sleep 0.02; done; exit 5`;
    const child = start(ground, ["--", "sh", "-c", script]);
    await child.exited;
    expect(child.exitCode).toBe(5);
    expect(await leftAfter(0, ground)).toEqual([]);
    expect(existsSync(`${ground}.ready.gently`)).toBe(true);
  });

  test("by SIGTERM is passed on to COMMAND, whose status counts", async () => {
    const ground = makeGround(shop);
    const child = start(ground, ["--", "sh", "-c", 'trap "exit 9" TERM; touch "$READY"; while :; do sleep 0.05; done']);
    await until("COMMAND", () => existsSync(`${ground}.ready`));
    child.kill("SIGTERM");
    await child.exited;
    expect(child.exitCode).toBe(9);
    expect(await leftAfter(0, ground)).toEqual([]);
  });

  test("by SIGTERM does not wait for ever for a COMMAND that ignores it", async () => {
    const ground = makeGround(shop);
    const child = start(ground, ["--", "sh", "-c", 'trap "" TERM; touch "$READY"; while :; do sleep 1; done']);
    await until("COMMAND", () => existsSync(`${ground}.ready`));
    child.kill("SIGTERM");
    await child.exited;
    expect(child.exitCode).toBe(143);
    expect(await leftAfter(0, ground)).toEqual([]);
  });

  test("by Ctrl-C is COMMAND's to decide", async () => {
    const ground = makeGround(shop);
    const child = start(ground, ["--", "sh", "-c", 'trap "exit 11" INT; touch "$READY"; while :; do sleep 0.05; done']);
    await until("COMMAND", () => existsSync(`${ground}.ready`));
    // As a terminal does: to everything in the foreground.
    process.kill(-child.pid, "SIGINT");
    await child.exited;
    expect(child.exitCode).toBe(11);
    expect(await leftAfter(0, ground)).toEqual([]);
  });

  test("of one inside another is the end of both", async () => {
    const ground = makeGround(shop);
    const child = start(ground, ["--", "bssh", "sandbox", "--", "sh", "-c", 'touch "$READY"; sleep 3600; true']);
    await until("COMMAND", () => existsSync(`${ground}.ready`));
    const before = treeOf(child.pid);
    child.kill("SIGKILL");
    await child.exited;
    expect(await leftAfter(10, ground, before)).toEqual([]);
  });

  test("takes the folder away that Debian's sshd needs, when a sandbox made it, and only then", async () => {
    // Other sandboxes on this machine share the folder: a file in it stands for each.
    const held = () =>
      (existsSync("/run/sshd") ? readdirSync("/run/sshd") : []).filter((name) => name.startsWith("bssh-"));
    const ground = makeGround(shop);
    const child = start(ground, ["--", "sh", "-c", 'basename "$BSSH_SANDBOX" >"$READY"']);
    expect(await child.exited).toBe(0);
    const own = readFileSync(`${ground}.ready`, "utf8").trim();
    expect(own).toStartWith("bssh-");
    expect(held()).not.toContain(own);
    if (!hadRunFolder && held().length === 0) expect(existsSync("/run/sshd")).toBe(false);
  });
});
