import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { makeGround, openWorkshop, runBssh, type Workshop } from "./support.ts";

let shop: Workshop;
let ground: string;
beforeAll(() => {
  shop = openWorkshop();
  ground = makeGround(shop);
});
afterAll(() => shop.close());

const inside = (script: string, words: readonly string[] = []) =>
  runBssh(shop, ["sandbox", ...words, "--", "sh", "-c", script], { TMPDIR: ground });

describe("the sandbox's CA", () => {
  test("has its key inside KMS when asked to, and one id joins its log, the certificate and sshd's log", async () => {
    const { status, out, err } = await inside(
      `bssh certificate && ssh -i $HOME/.ssh/blessid web1.sandbox.test exit 52; echo $?
      ssh-keygen -Lf $HOME/.ssh/blessid-cert.pub | grep -E 'Serial|Signing'
      cat $BSSH_SANDBOX/ca.log; ls $BSSH_SANDBOX/ca; grep 'Accepted publickey' $BSSH_SANDBOX/sshd/log`,
      ["--ca-key", "kms-ecdsa-384"],
    );
    expect([status, err]).toEqual([0, ""]);
    expect(out).toStartWith("52\n");
    expect(out).toContain("(using ecdsa-sha2-nistp384)");
    const record = JSON.parse(/^\{.*\}$/m.exec(out)?.[0] ?? "{}") as Record<string, string>;
    expect(record).toMatchObject({ event: "decision", decision: "granted", user: "alice", kind: "user" });
    expect(out).toContain(`Serial: ${record["serial"]}`);
    expect(out).toMatch(
      new RegExp(`ID request\\[${record["requestId"]}\\].*\\(serial ${record["serial"]}\\) CA ECDSA`),
    );
    expect(out).toContain("\nbless_deploy.cfg\n");
    expect(out).not.toContain("ca_key.pem");
  });

  test("goes by its files as they are now, as if they had been deployed", async () => {
    const { out } = await inside(
      `
      cd $BSSH_SANDBOX
      bssh certificate && rm home/.ssh/blessid*
      cp ca/bless_deploy.cfg kept; echo 'nonsense = 1' >>ca/bless_deploy.cfg
      bssh certificate 2>&1 | grep -o 'ClientError[^"]*'; rm home/.ssh/blessid*
      cp kept ca/bless_deploy.cfg
      bssh certificate && echo again`,
      ["--fast-clock"],
    );
    expect(out).toMatch(/^ClientError: The CA's configuration is wrong: .*nonsense/);
    expect(out).toEndWith("\nagain\n");
  });

  test("refuses kinds of keys that there are not", async () => {
    const { status, err } = await inside("true", ["--ca-key", "dsa"]);
    expect(status).toBe(64);
    expect(err).toContain("--ca-key dsa is none of ed25519, rsa, ecdsa-256");
  });
});

describe("the sandbox's hosts", () => {
  test("are known by their CA alone, and only under the organisation's names", async () => {
    const { out, err } = await inside(
      `bssh certificate; cat $HOME/.ssh/known_hosts | cut -d' ' -f1-3
      for host in web1.example.com Web2.Example.com short 127.0.0.1; do ssh -i $HOME/.ssh/blessid $host echo in; done
      ssh -o HostKeyAlias=web1.example.org -i $HOME/.ssh/blessid web1.example.com echo in 2>/dev/null || echo refused
      ssh -o HostKeyAlias=other.example.com -i $HOME/.ssh/blessid web1.example.com echo in 2>/dev/null || echo refused`,
      ["--hosts", "web1.example.com,Web2.Example.com,short"],
    );
    expect(err).toBe("");
    expect(out).toBe("@cert-authority *.example.com,short ecdsa-sha2-nistp256\nin\nin\nin\nin\nrefused\nrefused\n");
  });

  test("let nobody in whose key is on the list of revoked ones, and have room for an enrolment's certificate", async () => {
    const { out } = await inside(`
      bssh certificate; cd $BSSH_SANDBOX/sshd
      grep -c ^HostCertificate config; ls -d sshd_config.d; grep ^Include config; wc -c <revoked
      ssh-keygen -q -k -f revoked $HOME/.ssh/blessid-cert.pub
      ssh -i $HOME/.ssh/blessid web1.sandbox.test echo in 2>/dev/null || echo revoked`);
    expect(out).toMatch(/^1\nsshd_config\.d\n(Include .*\/sshd_config\.d\/\*\.conf\n)?0\nrevoked\n$/);
  });

  test("can be played: AWS then knows the instance and nothing of the person", async () => {
    const { out, err } = await inside(`
      . $BSSH_SANDBOX_HOST_ENV
      stat -c %a $BSSH_SANDBOX_HOST_ENV 2>/dev/null || echo 600
      env | grep -cE '^AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|EC2_METADATA_DISABLED)='
      bssh identity`);
    expect(err).toBe("");
    expect(out).toMatch(/^600\n0\narn:aws:sts::123456789012:assumed-role\/web-server\/i-[0-9a-f]{17}\n$/);
  });
});

test("a person of IAM Identity Center has a session, no IAM user and no MFA device", async () => {
  const { out, err } = await inside(
    `bssh identity; cat $BSSH_CONFIG $HOME/.aws/config; env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY -u AWS_SESSION_TOKEN bssh identity
    grep -c TOKEN $BSSH_SANDBOX/environment`,
    ["--identity-center", "--user", "bob@example.com"],
  );
  expect(err).toBe("");
  const arn = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Engineer_0123456789abcdef/bob@example.com";
  expect(out).toStartWith(`${arn}\n`);
  expect(out).toEndWith(`\n${arn}\n0\n`);
  expect(out).toContain('\nidentity_proof = "caller-identity"\n');
  expect(out).not.toMatch(/mfa/);
});
