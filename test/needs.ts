// What the tests and the demo need beside Node and npm. On Debian as root it is installed; elsewhere it is named.
import { existsSync, readFileSync } from "node:fs";

type Need = { readonly program: string; readonly package: string; readonly elsewhere?: readonly string[] };

const DEMO: readonly Need[] = [
  { program: "ssh", package: "openssh-client" },
  { program: "sshd", package: "openssh-server", elsewhere: ["/usr/sbin/sshd", "/usr/local/sbin/sshd"] },
];

/** nc is what a ProxyCommand was before: bssh's is measured beside it. */
const BENCH: readonly Need[] = [...DEMO, { program: "nc", package: "netcat-openbsd" }];

/** A screen without a monitor, a program that asks in a window, and fingers that type into it. */
const WINDOWS: readonly Need[] = [
  { program: "Xvfb", package: "xvfb" },
  { program: "xdotool", package: "xdotool" },
  { program: "ssh-askpass", package: "ssh-askpass" },
];

const TESTS: readonly Need[] = [
  ...BENCH,
  { program: "git", package: "git" },
  { program: "expect", package: "expect" },
  // A CA's key may be compressed, and its function comes in a zip.
  ...["bzip2", "unzip", "openssl"].map((name) => ({ program: name, package: name })),
  ...["zsh", "fish", "tcsh", "rsync"].map((name) => ({ program: name, package: name })),
  ...(process.platform === "linux" ? [{ program: "strace", package: "strace" }] : []),
  ...(process.platform === "linux" ? WINDOWS : []),
];

function missing(needs: readonly Need[]): Need[] {
  return needs.filter((need) => Bun.which(need.program) === null && !(need.elsewhere ?? []).some(existsSync));
}

const ALL = { demo: DEMO, bench: BENCH, tests: TESTS } as const;

/** Sees to the programs that the tests (or only the demo or the benchmark) run; false, and said, when some are missing. */
export function needs(what: keyof typeof ALL = "tests"): boolean {
  const wanted = ALL[what];
  let left = missing(wanted);
  if (left.length > 0 && isDebian() && process.getuid?.() === 0) {
    const packages = left.map((need) => need.package);
    console.log(`installing ${packages.join(" ")}`);
    apt(["update", "-qq"]);
    apt(["install", "-y", "-qq", "--no-install-recommends", ...packages]);
    left = missing(wanted);
  }
  for (const need of left) console.log(`bssh: ${need.program} is missing; install the package ${need.package}`);
  return left.length === 0;
}

function isDebian(): boolean {
  try {
    return /^ID(_LIKE)?=.*debian/m.test(readFileSync("/etc/os-release", "utf8")) && Bun.which("apt-get") !== null;
  } catch {
    return false;
  }
}

function apt(words: readonly string[]): void {
  Bun.spawnSync(["apt-get", ...words], {
    // A service that a package would start has no place in a test.
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
    stdout: "ignore",
    stderr: "inherit",
    stdin: "ignore",
  });
}
