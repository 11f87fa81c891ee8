// Says "ready", waits for the end of its stdin, and prints the line that ensureKey gives. With --wrong: tries passphrases that are
// all wrong, and prints how often it failed.
import { identityFiles } from "../../src/identity/files.ts";
import { ensureKey } from "../../src/identity/keypair.ts";
import { system } from "./system.ts";

const [path = "", wrong] = process.argv.slice(2);
const files = identityFiles(path);
console.log("ready");
if (wrong === undefined) {
  await Bun.stdin.text();
  console.log(await ensureKey(system, files, "ed25519", async () => null));
} else {
  let failures = 0;
  for (let round = 0; round < 17; round++) {
    await ensureKey(system, files, "ed25519", async () => {
      failures += 1;
      return `wrong ${failures}`;
    }).catch(() => {});
  }
  console.log(`${failures} failures`);
}
