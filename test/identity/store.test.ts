// promise: what lies beside the key is whole at every moment, and what can't be stored changes nothing
import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { identityFiles } from "../../src/identity/files.ts";
import { dropCertificate, replaceFile, storeCertificate, storeNewKey } from "../../src/identity/store.ts";
import { freshFolder, makeIdentity, removeFolders, sentenceOf, text } from "./support.ts";

afterAll(removeFolders);

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
const temporaries = (folder: string) => readdirSync(folder).filter((name) => name.endsWith(".bssh"));

describe("modes:", () => {
  for (const mask of [0o022, 0o077, 0o000, 0o177]) {
    test(`under the umask ${mask.toString(8)} the key is the owner's alone`, () => {
      const files = identityFiles(join(freshFolder(), "below", "blessid"));
      const before = process.umask(mask === 0o177 ? 0o077 : mask);
      try {
        mkdirSync(dirname(files.key));
        process.umask(mask);
        storeNewKey(files, "key\n");
        storeCertificate(files, "certificate");
      } finally {
        process.umask(before);
      }
      expect(mode(files.key)).toBe("600");
      expect(mode(files.certificate)).toBe((0o644 & ~mask).toString(8));
    });
  }
  test("a folder that is made for the key is the owner's alone", () => {
    const files = identityFiles(join(freshFolder(), "a", "b", "blessid"));
    storeNewKey(files, "key\n");
    expect(mode(dirname(files.key))).toBe("700");
  });
});

describe("the certificate", () => {
  test("ends with one newline, and nothing is left beside it", () => {
    const { files } = makeIdentity();
    for (const line of ["first", "second\n", "third\n\n"]) {
      storeCertificate(files, line);
      expect(text(files.certificate)).toBe(`${line.trim()}\n`);
    }
    expect(readdirSync(dirname(files.key)).sort()).toEqual([
      "blessid",
      "blessid-cert",
      "blessid-cert.pub",
      "blessid.pub",
    ]);
  });
  test("in the place of somebody's link leaves alone what that points to", () => {
    const { files } = makeIdentity();
    const elsewhere = join(freshFolder(), "elsewhere");
    writeFileSync(elsewhere, "not ours");
    symlinkSync(elsewhere, files.certificate);
    storeCertificate(files, "ours");
    expect(text(elsewhere)).toBe("not ours");
    expect(text(files.certificate)).toBe("ours\n");
  });
  test("is dropped with its link, also when there is neither", () => {
    const { files } = makeIdentity();
    storeCertificate(files, "line");
    dropCertificate(files);
    dropCertificate(files);
    expect(existsSync(files.certificate)).toBe(false);
    expect(lstatSync(files.link, { throwIfNoEntry: false })).toBeUndefined();
  });
});

describe("the link", () => {
  test("names the certificate by its name alone, and stays the same link", () => {
    const { files } = makeIdentity();
    storeCertificate(files, "first");
    const { ino } = lstatSync(files.link);
    storeCertificate(files, "second");
    expect(readlinkSync(files.link)).toBe("blessid-cert.pub");
    expect(lstatSync(files.link).ino).toBe(ino);
    expect(text(files.link)).toBe("second\n");
  });
  test("takes the place of another link, but not of a file, which is somebody's own", () => {
    const { files } = makeIdentity();
    writeFileSync(files.link, "a copy that somebody made");
    storeCertificate(files, "line");
    expect(readFileSync(files.link, "utf8")).toBe("a copy that somebody made");
    dropCertificate(files);
    expect(existsSync(files.link)).toBe(true);
    rmSync(files.link);
    symlinkSync("/nowhere", files.link);
    storeCertificate(files, "line");
    expect(readlinkSync(files.link)).toBe("blessid-cert.pub");
  });
  test("is done without where a folder has its name: the certificate is what counts", () => {
    const { files } = makeIdentity();
    mkdirSync(files.link);
    storeCertificate(files, "line");
    expect(text(files.certificate)).toBe("line\n");
    expect(temporaries(dirname(files.key))).toEqual([]);
  });
});

test("left-overs of killed processes do no harm; they are swept after an hour, and nothing else is", () => {
  const { files } = makeIdentity();
  const folder = dirname(files.key);
  const old = new Date(Date.now() - 3_700_000);
  const swept = [
    ".blessid-cert.pub.0123456789abcdef.bssh",
    ".blessid.0123456789abcdef.bssh",
    ".x.ffffffffffffffff.bssh",
  ];
  const kept = [
    ".blessid-cert.pub.0123456789abcde.bssh",
    "blessid.0123456789abcdef.bssh",
    ".config.bssh",
    ".blessid.bssh~",
  ];
  for (const name of [...swept, ...kept]) {
    writeFileSync(join(folder, name), "half a certif");
    utimesSync(join(folder, name), old, old);
  }
  // A link's age is its own, not that of the certificate that it points to.
  const link = ".blessid-cert.fedcba9876543210.bssh";
  symlinkSync("blessid-cert.pub", join(folder, link));
  lutimesSync(join(folder, link), old, old);
  swept.push(link);
  const young = ".blessid-cert.pub.fedcba9876543210.bssh";
  writeFileSync(join(folder, young), "half a certif");
  storeCertificate(files, "line");
  expect(text(files.certificate)).toBe("line\n");
  const left = readdirSync(folder);
  expect(swept.filter((name) => left.includes(name))).toEqual([]);
  expect([...kept, young].filter((name) => !left.includes(name))).toEqual([]);
});

test("a key that is there is never overwritten, not even a dangling link", () => {
  const { files } = makeIdentity();
  const before = text(files.key);
  expect(storeNewKey(files, "another\n")).toBe(false);
  expect(text(files.key)).toBe(before);
  const linked = identityFiles(join(freshFolder(), "linked"));
  symlinkSync("/nowhere/key", linked.key);
  expect(storeNewKey(linked, "another\n")).toBe(false);
  expect(readlinkSync(linked.key)).toBe("/nowhere/key");
  expect(temporaries(dirname(files.key))).toEqual([]);
});

describe("what can't be written is said in a sentence, and nothing is lost:", () => {
  test("no folder", async () => {
    const files = identityFiles(join(freshFolder(), "nowhere", "blessid"));
    expect(await sentenceOf(() => storeCertificate(files, "new"))).toBe(
      `could not write ${files.certificate}: ENOENT; check the folder`,
    );
  });

  test("a folder in the certificate's place", async () => {
    const { files } = makeIdentity();
    mkdirSync(files.certificate);
    expect(await sentenceOf(() => storeCertificate(files, "new"))).toStartWith(
      `could not write ${files.certificate}: `,
    );
    expect(temporaries(dirname(files.key))).toEqual([]);
  });

  test("a folder that may not be written", async () => {
    const { files } = makeIdentity();
    storeCertificate(files, "old");
    const said = trouble(files.key, `chmod 0555 "$FOLDER"`, "unprivileged");
    expect(said).toContain(
      `could not write ${files.certificate}: the folder may not be written; check its owner and mode, or name a key elsewhere with identity_file`,
    );
    expect(text(files.certificate)).toBe("old\n");
    chmodSync(dirname(files.key), 0o755);
  });

  test("a folder that may be written and not listed", () => {
    const { files } = makeIdentity();
    storeCertificate(files, "old");
    expect(trouble(files.key, `chmod 0333 "$FOLDER"`, "unprivileged")).toBe("stored");
    chmodSync(dirname(files.key), 0o755);
    expect(text(files.certificate).length).toBeGreaterThan(20_000);
  });

  test("a file system that is read-only", () => {
    const { files } = makeIdentity();
    storeCertificate(files, "old");
    const said = trouble(files.key, `mount --bind "$FOLDER" "$FOLDER"; mount -o remount,ro,bind "$FOLDER"`, "mounts");
    expect(said).toBe(
      `could not write ${files.certificate}: the file system is read-only; name a key elsewhere with identity_file\nold`,
    );
  });

  test("a disk that is full", () => {
    const { files } = makeIdentity();
    const said = trouble(
      files.key,
      `mount -t tmpfs -o size=64k tmpfs "$FOLDER"
       echo old >"$FOLDER/blessid-cert.pub"
       cat /dev/zero >"$FOLDER/filler" 2>/dev/null || true`,
      "mounts",
    );
    expect(said).toBe(`could not write ${files.certificate}: the disk is full; make room and try again\nold`);
  });

  test("a full disk when the first key is made", () => {
    const { files } = makeIdentity();
    const said = trouble(
      files.key,
      `mount -t tmpfs -o size=64k tmpfs "$FOLDER"; cat /dev/zero >"$FOLDER/filler" 2>/dev/null || true`,
      "mounts",
      "key",
    );
    expect(said).toBe(`could not write ${files.key}: the disk is full; make room and try again\nnothing`);
  });
});

/**
 * What storing says after `prepare`: in a mount namespace of its own (as root, or by a user namespace), or with modes that
 * count (root without its capabilities). After the sentence stands what then is at the certificate's place. Throws where neither can be had: it isn't skipped.
 */
function trouble(key: string, prepare: string, how: "mounts" | "unprivileged", what = "certificate"): string {
  const isRoot = process.getuid?.() === 0;
  const script = resolve(import.meta.dir, "storing.ts");
  const run = `"${process.execPath}" "${script}" "$KEY" ${what}`;
  const folder = dirname(key);
  const look = `cat "$KEY-cert.pub" 2>/dev/null || echo nothing; ls -A "$FOLDER" | grep '[.]bssh$' || true`;
  const words =
    how === "mounts"
      ? ["unshare", isRoot ? "-m" : "-rm", "sh", "-ec", `${prepare}\n${run}\n${look}`]
      : ["sh", "-ec", `${prepare}\n${isRoot ? "setpriv --bounding-set=-all --inh-caps=-all " : ""}${run}`];
  const { stdout, stderr } = Bun.spawnSync(words, {
    env: { ...process.env, KEY: key, FOLDER: folder },
    stdin: "ignore",
  });
  const said = stdout.toString().trim();
  if (said === "") throw new Error(`nothing was tried: ${stderr}`);
  return said;
}

test("replaceFile leaves no temporary when the name can't be taken", () => {
  const folder = freshFolder();
  mkdirSync(join(folder, "taken", "below"), { recursive: true });
  expect(() => replaceFile(join(folder, "taken"), "text", 0o600)).toThrow();
  expect(readdirSync(folder)).toEqual(["taken"]);
});
