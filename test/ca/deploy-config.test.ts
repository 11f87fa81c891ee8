import { describe, expect, test } from "bun:test";
import { readDeployConfig } from "../../src/ca/deploy-config.ts";
import { OPTIONS, variableOf } from "../../src/ca/deploy-options.ts";
import { completeHostSettings } from "../../src/ca/host-certificate.ts";
import { completeSettings } from "../../src/ca/settings.ts";

const environment = { AWS_REGION: "us-west-2" };
const KEY = "[Bless CA]\nca_private_key_file = key.pem\nus-west-2_password = AAEC\n";
const LEAST = `${KEY}[Bssh]\nallow_unproven = true\n`;

/** The example of BLESS's repository, with what it says to insert. */
const BLESS = `# This section and its options are optional
[Bless Options]
# Number of seconds +/- the issued time for the certificate to be valid
certificate_validity_after_seconds = 120
certificate_validity_before_seconds = 120
entropy_minimum_bits = 2048
random_seed_bytes = 256
logging_level = INFO
test_user = nobody
certificate_extensions = permit-pty,permit-user-rc
username_validation = email
remote_usernames_validation = useradd
remote_usernames_blacklist = (?i)root|admin.*
server_certificate_validity_after_seconds = 86400
hostname_validation = disabled

[Bless CA]
us-east-1_password = AAAA
us-west-2_password = AAEC
default_password = BBBB
ca_private_key_file = key.pem
ca_private_key_compression = zlib

[KMS Auth]
use_kmsauth = True
kmsauth_key_id = arn:aws:kms:us-east-1:000000012345:key/eeff5544-6677-8899-9988-aaaabbbbcccc, alias/kmsauth
kmsauth_serviceid = bless-production
kmsauth_remote_usernames_allowed = ubuntu,root, ec2-user
kmsauth_validate_remote_usernames_against_iam_groups = yes
kmsauth_iam_group_name_format = login-{}-people
`;

function wrong(text: string, more: Record<string, string> = {}): string {
  try {
    readDeployConfig(text, { ...environment, ...more });
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

test("BLESS's file is understood", () => {
  const { user, host, key, logRequests } = readDeployConfig(BLESS, environment);
  expect(user).toMatchObject({
    validityBeforeSeconds: 120,
    testUser: "nobody",
    extensions: ["permit-pty", "permit-user-rc"],
    usernameValidation: "email",
    remoteUsernamesValidation: "useradd",
    shortestPrefix: { ipv4: 8, ipv6: 16 },
    kmsauth: {
      keyArns: ["arn:aws:kms:us-east-1:000000012345:key/eeff5544-6677-8899-9988-aaaabbbbcccc", "alias/kmsauth"],
      service: "bless-production",
      bindPublicKey: "accept",
      maxLifetimeSeconds: 3600,
      services: null,
    },
    callerIdentity: null,
    remoteUsernamesAllowed: ["ubuntu", "root", "ec2-user"],
    groups: { nameFormat: "login-{}-people" },
  });
  const blacklist = user?.remoteUsernamesBlacklist;
  expect(["ROOTER", "adminX", "xroot"].map((name) => blacklist?.test(name))).toEqual([true, true, false]);
  expect(host).toMatchObject({
    validityAfterSeconds: 86_400,
    hostnameValidation: "disabled",
    audience: "bless-production",
  });
  expect(key).toEqual({ kind: "file", password: Uint8Array.of(0, 1, 2), file: "key.pem", compression: "zlib" });
  expect(logRequests).toBe(false);
});

test("without a file the environment says it all, under BLESS's names", () => {
  const { user, key } = readDeployConfig(null, {
    ...environment,
    bless_options_certificate_validity_after_seconds: "600",
    bless_ca_us_west_2_password: "AAEC",
    bless_ca_default_password: "BBBB",
    bless_ca_ca_private_key: "AAAA",
    kms_auth_use_kmsauth: "true",
    kms_auth_kmsauth_key_id: "alias/k",
    kms_auth_kmsauth_serviceid: "s",
    bssh_bind_public_key: "require",
    BSSH_HOME: "/nowhere",
    BLESS_COMPLETE: "1",
  });
  expect(user).toMatchObject({ validityAfterSeconds: 600, kmsauth: { service: "s", bindPublicKey: "require" } });
  expect(key).toMatchObject({ password: Uint8Array.of(0, 1, 2), file: Uint8Array.of(0, 0, 0) });
});

test("the environment goes before the file, and [DEFAULT] behind every section", () => {
  const text = `[DEFAULT]\ntest_user = d\nusername_validation = debian\n${LEAST}[Bless Options]\nusername_validation = email\n`;
  expect(readDeployConfig(text, environment).user).toMatchObject({ testUser: "d", usernameValidation: "email" });
  const more = { ...environment, bless_options_username_validation: "disabled" };
  expect(readDeployConfig(text, more).user?.usernameValidation).toBe("disabled");
});

test("no value is interpolated", () => {
  const text = `${LEAST}[Bless Options]\ntest_user = 100%(x)s\n`;
  expect(readDeployConfig(text, environment).user?.testUser).toBe("100%(x)s");
});

test("what is not said has the default of the table, and that is the default of the settings", () => {
  const { user, host } = readDeployConfig(LEAST, environment);
  if (user === null) throw new Error("no settings");
  const { callerIdentity, ...settings } = completeSettings(user);
  expect(callerIdentity).toBeNull();
  expect(completeSettings({ kmsauth: null })).toMatchObject({ ...settings, revocations: settings.revocations });
  expect(completeHostSettings(host)).toEqual(completeHostSettings({}));
});

describe("the CA's key", () => {
  const ARNS = ["us-east-1", "us-west-2"].map((region) => `arn:aws:kms:${region}:111122223333:key/mrk-1`);
  function keyIn(lines: string): unknown {
    return readDeployConfig(`[Bssh]\nallow_unproven = 1\n${lines}`, environment).key;
  }
  test("inside KMS is the one of the region", () => {
    expect(keyIn(`ca_kms_key = ${ARNS.join(", ")}`)).toEqual({ kind: "kms", keyId: `${ARNS[1]}` });
    expect(keyIn("ca_kms_key = alias/ca")).toEqual({ kind: "kms", keyId: "alias/ca" });
    expect(keyIn(`ca_kms_key = alias/ca\nus-west-2_ca_kms_key = ${ARNS[0]}`)).toEqual({
      kind: "kms",
      keyId: `${ARNS[0]}`,
    });
    expect(() => keyIn(`ca_kms_key = ${ARNS[0]}, ${ARNS[0]}`)).toThrow("no ARN of a key in us-west-2");
  });
  test("is one, with its passphrase", () => {
    expect(() => keyIn("")).toThrow("the CA has no key");
    expect(() => keyIn(`ca_kms_key = x\n${KEY}`)).toThrow("two keys");
    expect(() => keyIn("[Bless CA]\nca_private_key_file = key.pem")).toThrow("us-west-2_password is missing");
    expect(() => keyIn("[Bless CA]\nca_private_key_file = key.pem\neu-west-1_password = AAAA")).toThrow("is missing");
  });
});

describe("people of Identity Center", () => {
  const base = `${KEY}[KMS Auth]\nkmsauth_serviceid = ca\n[Bssh]\ncaller_identity_accounts = 111122223333\n`;
  test("are those of the roles in the accounts", () => {
    expect(readDeployConfig(base, environment).user?.callerIdentity).toEqual({
      audience: "ca",
      accounts: ["111122223333"],
      roles: ["AWSReservedSSO_*"],
      name: "session",
      domain: null,
    });
    const more = `${base}caller_identity_name = local-part\ncaller_identity_domain = example.com\ncaller_identity_roles = A*,B\n`;
    expect(readDeployConfig(more, environment).user?.callerIdentity).toMatchObject({
      roles: ["A*", "B"],
      name: "local-part",
      domain: "example.com",
    });
  });
  test("need a domain for the local part, and a name for the CA", () => {
    expect(wrong(`${base}caller_identity_name = local-part\n`)).toContain("caller_identity_domain");
    expect(wrong(`${base}caller_identity_domain = example.com\n`)).toContain("caller_identity_domain");
    expect(wrong(base.replace("kmsauth_serviceid = ca\n", ""))).toContain("kmsauth_serviceid is missing");
  });
});

describe("what is refused, with its place and none of its value", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["[Bssh]\nallow_unprovn = CANARY", "bless_deploy.cfg:2: [Bssh] has no option allow_unprovn"],
    ["[Bles Options]", "bless_deploy.cfg:1: there is no section [Bles Options] here"],
    ["[DEFAULT]\nfoo = CANARY", "bless_deploy.cfg:2: [DEFAULT] has no option foo"],
    ["[Bssh]\nCANARY", "bless_deploy.cfg:2: the line is neither option nor comment"],
    [
      "[Bless Options]\ncertificate_validity_after_seconds = CANARY",
      "bless_deploy.cfg:2: [Bless Options] certificate_validity_after_seconds is no whole number",
    ],
    [
      "[Bless Options]\ncertificate_validity_after_seconds = 86401",
      "together are more than [Bssh] max_validity_seconds",
    ],
    [
      "[Bless Options]\nserver_certificate_validity_after_seconds = 31622401",
      "more than [Bssh] host_max_validity_seconds",
    ],
    ["[Bless Options]\nusername_validation = CANARY", "is none of useradd, debian"],
    [
      "[Bless Options]\nremote_usernames_blacklist = (CANARY",
      "remote_usernames_blacklist holds a ( that is not closed",
    ],
    ["[Bless Options]\ncertificate_extensions = permit-pty;CANARY", "has an entry that is not of its kind"],
    ["[KMS Auth]\nuse_kmsauth = CANARY", "is neither True nor False"],
    ["[KMS Auth]\nuse_kmsauth = yes", "kmsauth_key_id is missing"],
    ["[KMS Auth]\nuse_kmsauth = yes\nkmsauth_key_id = alias/k", "kmsauth_serviceid is missing"],
    [
      "[KMS Auth]\nkmsauth_validate_remote_usernames_against_iam_groups = 1\nkmsauth_iam_group_name_format = ssh",
      "with {} in it once",
    ],
    ["[Bless CA]\nca_private_key = CANARY!\ndefault_password = AAAA", "[Bless CA] ca_private_key is not base64"],
    ["[Bless CA]\ndefault_password = CANARY!\nca_private_key_file = k", "[Bless CA] default_password is not base64"],
    [`${LEAST}revocations = ../CANARY`, "revocations is no name of a file beside the code"],
    ["[Bssh]\nshortest_prefix_ipv4 = 33", "is no whole number from 0 to 32"],
  ];
  for (const [text, what] of cases) {
    test(what, () => {
      const said = wrong(text);
      expect(said).toContain(what);
      expect(said).not.toContain("CANARY");
    });
  }
  test("variables that begin as BLESS's do and are none", () => {
    expect(wrong(LEAST, { bless_options_test_usr: "CANARY" })).toBe(
      "the variable bless_options_test_usr is no option's",
    );
    expect(wrong(LEAST, { bless_ca_us_west_2_pasword: "x" })).toContain("bless_ca_us_west_2_pasword");
    expect(wrong(LEAST, { bless_ca_us_west_2_password: "CANARY!" })).toBe(
      "the variable bless_ca_us_west_2_password is not base64",
    );
  });
  test("allow_unproven beside a proof", () => {
    expect(wrong(`${LEAST}[KMS Auth]\nuse_kmsauth=1\nkmsauth_key_id=k\nkmsauth_serviceid=s`)).toContain("contradicts");
  });
});

test("BLESS's section for tokens that are not known here is taken as long as it is off", () => {
  expect(
    readDeployConfig(`${LEAST}[JWT Auth]\nuse_jwtauth = False\njwt_secret = CANARY\n`, environment).user,
  ).toBeDefined();
  expect(readDeployConfig(`${LEAST}[JWT Auth]\n`, environment).user).toBeDefined();
  expect(() => readDeployConfig(`${LEAST}[JWT Auth]\nuse_jwtauth = True\n`, environment)).toThrow(
    "no section [JWT Auth] here",
  );
});

test("a CA that nobody has to prove anything to has no settings for people", () => {
  expect(readDeployConfig(KEY, environment).user).toBeNull();
});

test("every option of the table can be given in the file and in the environment, under a name of its own", () => {
  const names = OPTIONS.map(({ section, name }) => variableOf(section, name.replace("<region>", "eu-west-1")));
  expect(new Set(names).size).toBe(OPTIONS.length);
  for (const { section, name, default: value, meaning } of OPTIONS) {
    const own = name.replace("<region>", "eu-west-1");
    const given = value ?? "";
    expect(wrong(`[${section}]\n${own} = ${given}\n`)).not.toContain("has no option");
    expect(wrong(LEAST, { [variableOf(section, own)]: given })).not.toContain("is no option's");
    expect(meaning).toMatch(/^[^\n]{10,120}$/);
  }
});
