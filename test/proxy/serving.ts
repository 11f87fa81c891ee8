// The room by itself: `serving.ts HOST PORT [node]`; `node` is the way without libc.
import { Failure } from "../../src/failure.ts";
import { readDestination } from "../../src/proxy/destination.ts";
import { serve } from "../../src/proxy/proxy.ts";
import { serve as serveByNode } from "../../src/proxy/without-libc.ts";
import { openSystem } from "../../src/system/open.ts";

const [host = "", port = "", way] = process.argv.slice(2);
try {
  const destination = readDestination([host, port]);
  process.exit(way === "node" ? await serveByNode(destination) : await serve(await openSystem(), destination));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`bssh: ${error.sentence}`);
  process.exit(error.status);
}
