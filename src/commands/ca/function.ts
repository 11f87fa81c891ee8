import { readFileSync } from "node:fs";
import { Failure } from "../../failure.ts";

/** The zip of the CA's function that this bssh was built with. Throws Failure. */
export async function functionZip(): Promise<Uint8Array> {
  try {
    const { default: path } = await import("../../../dist/ca-lambda.zip", { with: { type: "file" } });
    return new Uint8Array(readFileSync(path));
  } catch {
    throw new Failure(
      "this bssh was built without the CA's function",
      "name its zip with --code (npm run build:ca makes one)",
    );
  }
}
