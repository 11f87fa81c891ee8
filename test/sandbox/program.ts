// bssh with the sandbox as its only command, so that the sandbox's tests need nothing else of bssh; and a client of AWS
// that gets a certificate or asks who it is, in the same file so that any user can run it.
import { sandbox } from "../../src/commands/sandbox.ts";
import { Failure } from "../../src/failure.ts";

const [, , command, ...words] = process.argv;
try {
  if (command === "certificate") {
    const { fetchCertificate } = await import("./certificate.ts");
    await fetchCertificate(words[0] ?? "alice");
  } else if (command === "identity") {
    const { GetCallerIdentityCommand, STSClient } = await import("@aws-sdk/client-sts");
    console.log((await new STSClient({}).send(new GetCallerIdentityCommand({}))).Arn);
  } else if (command === "sandbox") {
    const out = (line: string) => console.log(line);
    process.exitCode = await sandbox({ words, environment: process.env, program: process.execPath, out });
  } else {
    throw new Failure("this bssh knows only the sandbox");
  }
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`bssh: ${error.sentence}`);
  process.exitCode = error.status;
}
