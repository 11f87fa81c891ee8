// promise: through `bssh proxy` ssh logs in as it does without, what it carries is only the connection, and names stay names
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const bssh = process.env["BSSH_EXECUTABLE"] ?? resolve(import.meta.dir, "../../dist/bssh");
const PROXY = "-o ProxyCommand='bssh proxy %h %p'";
const FDPASS = `${PROXY} -o ProxyUseFdpass=yes`;

let folder: string;
let echo: Server;
let port = 0;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "bssh-proxy-"));
  echo = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((ready) => echo.listen(0, "127.0.0.1", () => ready()));
  const address = echo.address();
  port = typeof address === "object" ? (address?.port ?? 0) : 0;
});
afterAll(() => {
  echo.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a shell script inside a fresh sandbox; the echo server's port is in $ECHO, a folder for anything in $T. */
async function inside(script: string): Promise<{ status: number; out: string; err: string }> {
  const child = Bun.spawn([bssh, "sandbox", "--", "sh", "-c", script], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, TERM: "dumb", ECHO: String(port), T: folder },
  });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { status: await child.exited, out, err };
}

/** Prints how many proxies to a port there are among all processes. */
const PROXIES = `cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -o "[p]roxy 127.0.0.1 $SSH_PORT" | grep -c .`;
const SSH_PORT = `SSH_PORT=$(ssh -G web1.sandbox.test </dev/null 2>/dev/null | sed -n 's/^port //p')`;

describe("a login through the proxy", () => {
  test("works with pipes and with the descriptor handed over, of which nothing stays behind", async () => {
    const { status, out, err } = await inside(`bssh login; ${SSH_PORT}
      for way in "" "-o ProxyUseFdpass=yes"; do
        ssh -v ${PROXY} $way web1.sandbox.test "SSH_PORT=$SSH_PORT; ${PROXIES.replaceAll(/(["$\\])/g, "\\$1")}; exit 52" </dev/null 2>"$T/log"; echo $?
        grep -o 'Authenticated to .*' "$T/log" | sed "s/$SSH_PORT/PORT/"
      done; exit 9`);
    expect(err).toBe("");
    expect(out.replaceAll("\r", "").split("\n")).toEqual([
      "1",
      "52",
      'Authenticated to 127.0.0.1 (via proxy) using "publickey".',
      "0",
      "52",
      'Authenticated to 127.0.0.1 ([127.0.0.1]:PORT) using "publickey".',
      "",
    ]);
    expect(status).toBe(9);
  });

  test("from cold: the files are seen with the descriptor; with pipes it is said that they come too late", async () => {
    const { out, err } = await inside(`unset SSH_AUTH_SOCK; cold() { rm -rf "$HOME/.ssh/"blessid-cert*; }
      id="-o IdentityFile=$HOME/.ssh/blessid"; case $(ssh -V 2>&1) in *_9.*|*_8.*|*_10.[0-4]p*) echo before ;; *) echo from ;; esac
      cold; ssh ${FDPASS} $id web1.sandbox.test exit 5 2>"$T/err1"; echo $?
      cold; ssh ${PROXY} $id -o BatchMode=yes web1.sandbox.test exit 6 2>"$T/err2"; echo $?
      ssh ${PROXY} $id web1.sandbox.test exit 7; echo $?`);
    expect(err).toBe("");
    const late =
      /^bssh: the certificate is there now, but this ssh had read its files before; run the same again, or /m;
    const [version, ...statuses] = out.trimEnd().split("\n");
    expect(statuses).toEqual([version === "before" ? "5" : "255", "255", "7"]);
    if (version === "before") expect(readFileSync(join(folder, "err1"), "utf8")).toBe("");
    expect(readFileSync(join(folder, "err2"), "utf8")).toMatch(late);
  });

  for (const [name, way] of [
    ["pipes", PROXY],
    ["the descriptor handed over", FDPASS],
  ] as const) {
    test(`ends at once when the server's side is killed, with ${name}`, async () => {
      const { out } = await inside(`bssh login; from=$(date +%s%N)
        ssh ${way} web1.sandbox.test 'kill -9 $PPID; sleep 30' </dev/null 2>/dev/null; echo $? $((($(date +%s%N) - from) / 1000000))`);
      const [status, took] = out.trim().split(" ").map(Number);
      expect(status).toBe(255);
      expect(took).toBeLessThan(6000);
    });
  }
});

describe("while the certificate is waited for", () => {
  const SLOWLY = `sed -i 's/^mfa_command = .*/mfa_command = "sleep 1; bssh sandbox mfa"/' "$BSSH_CONFIG"`;

  test("nothing is read from stdin or written to stdout, no byte is lost, and little stays in memory", async () => {
    const { out, err } = await inside(`${SLOWLY}; grep -c 'sleep 1' "$BSSH_CONFIG"; mkfifo "$T/in" "$T/out"
      strace -f -qq -e trace=read,readv,pread64,recvfrom,recvmsg,splice,connect,execve,fcntl,ioctl -o "$T/trace" bssh proxy 127.0.0.1 $ECHO <"$T/in" >"$T/out" & P=$!
      exec 3>"$T/in" 4<"$T/out"; printf early >&3; sleep 0.5; printf ' in between' >&3
      until grep -qs "htons($ECHO)" "$T/trace"; do sleep 0.1; done; printf ' late' >&3
      head -c 21 <&4; echo; sleep 0.3
      for p in $(cat /proc/$P/task/*/children); do sed -n 's/^Private_Dirty: *\\([0-9]*\\) kB/\\1/p' /proc/$p/smaps_rollup; done
      exec 3>&-; wait $P; echo $?; cat <&4; grep -c GetSessionToken "$BSSH_SANDBOX_LOG"`);
    expect(err).toBe("");
    const lines = out.split("\n");
    const memory = Number(lines[2]);
    expect(lines).toEqual(["1", "early in between late", String(memory), "0", "1", ""]);
    // Kilobytes; the clients of AWS would be twenty thousand and more.
    expect(memory).toBeLessThan(6000);
    const trace = readFileSync(join(folder, "trace"), "utf8").split("\n");
    const connected = trace.findIndex((line) => line.includes(`connect(`) && line.includes(`htons(${port})`));
    const touches = (line: string) => /^\d+ +(?:read|readv|pread64|recvfrom|recvmsg|splice)\(0[,<]/.test(line);
    const own = trace[0]?.split(" ")[0] ?? "";
    expect(connected).toBeGreaterThan(0);
    expect(trace.slice(0, connected).filter((line) => line.startsWith(own) && touches(line))).toEqual([]);
    expect(trace.slice(connected).some(touches)).toBe(true);
    // The descriptors stay as they were: nobody else who has them is made not to wait.
    expect(trace.filter((line) => /fcntl\([012], F_SETFL.*O_NONBLOCK|ioctl\([012], FIONBIO/.test(line))).toEqual([]);
  });

  /** Each region that is tried in vain is said by itself, and the failure once. */
  const NONE = /^(?:bssh: STS in [^\n]+; trying [^\n]+\n)*bssh: no region gave a certificate[^\n]+\n$/;

  test("a certificate that can't be had is said in one line, and the connection comes all the same", async () => {
    const { out, err } = await inside(`export AWS_ENDPOINT_URL=http://127.0.0.1:1
      printf hello | bssh proxy 127.0.0.1 $ECHO; echo " $?"`);
    expect(out).toBe("hello 0\n");
    expect(err).toMatch(NONE);
  });

  test("with `required` there is then no connection", async () => {
    const { out, err } = await inside(`export AWS_ENDPOINT_URL=http://127.0.0.1:1
      { echo 'required = true'; cat "$BSSH_CONFIG"; } >"$T/config"; export BSSH_CONFIG="$T/config"
      printf hello | bssh proxy 127.0.0.1 $ECHO; echo "$?"`);
    expect(out).toBe("255\n");
    expect(err).toMatch(NONE);
  });

  test("a host that is not ours waits for nothing", async () => {
    const { out, err } = await inside(`printf hello | bssh proxy localhost $ECHO; echo " $?"; cat "$BSSH_SANDBOX_LOG"`);
    expect([out, err]).toEqual(["hello 0\n", ""]);
  });
});

describe("names are names", () => {
  const mark = () => join(folder, "mark");
  const HOSTS = [
    "-oProxyCommand=touch $T/mark",
    "a;touch $T/mark",
    "$(touch $T/mark)",
    "`touch $T/mark`",
    "a\ntouch $T/mark\n",
    "'; touch $T/mark; '",
    '"; touch $T/mark; "',
    "a b",
    "%h",
    "--version",
    "|touch $T/mark",
    "x".repeat(10_000),
  ];

  test("whatever bssh is called with, nothing is run and nothing connected", () => {
    for (const host of HOSTS.map((host) => host.replaceAll("$T", folder))) {
      for (const words of [
        [host, "22"],
        ["--", host, "22"],
        ["--", "127.0.0.1", host],
      ]) {
        const { exitCode, stdout, stderr } = Bun.spawnSync([bssh, "proxy", ...words], {
          stdin: "ignore",
          env: { PATH: process.env["PATH"] ?? "", HOME: folder },
        });
        expect({ words, exitCode, out: stdout.toString() }).toEqual({ words, exitCode: 255, out: "" });
        expect(stderr.toString()).toMatch(/^bssh: [^\n\r\u001b]{1,400}\n$/);
        expect(existsSync(mark())).toBe(false);
      }
    }
  });

  test("a HostName that ssh lets through reaches no shell", async () => {
    const hosts = HOSTS.filter((host) => !/[\n"']/.test(host) && host.length < 1000).map((host) =>
      host.replaceAll("$T", folder),
    );
    const script = hosts
      .map((host) => {
        const word = `HostName="${host}"`.replaceAll("'", "'\\''");
        return `ssh -F none -o '${word}' -o "ProxyCommand 'bssh' proxy -- '%h' '%p'" anything true </dev/null 2>>"$T/said"; echo $?`;
      })
      .join("\n");
    const { out } = await inside(script);
    expect(out).toBe("255\n".repeat(hosts.length));
    expect(readFileSync(join(folder, "said"), "utf8")).toContain("could not resolve hostname a;touch");
    expect(existsSync(mark())).toBe(false);
  });
});
