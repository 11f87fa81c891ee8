// Stores a large certificate line, or a key, at the place named, and prints "stored" or the sentence it failed with.
import { identityFiles } from "../../src/identity/files.ts";
import { storeCertificate, storeNewKey } from "../../src/identity/store.ts";

const [path = "", what] = process.argv.slice(2);
try {
  if (what === "key") storeNewKey(identityFiles(path), "k".repeat(20_000));
  else storeCertificate(identityFiles(path), "c".repeat(20_000));
  console.log("stored");
} catch (error) {
  console.log((error as { sentence?: string }).sentence ?? `no sentence: ${error}`);
}
