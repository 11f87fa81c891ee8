import { describe, expect, test } from "bun:test";
import { SCHEMA, type Setting } from "../../src/config/schema.ts";
import type { Settings } from "../../src/config/settings.ts";
import { load, refusal, USER } from "./support.ts";

const ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const REGION = ['alias = "EU"', 'aws_region = "eu-west-1"', 'kmsauth_key = "alias/k"'];

/** TOML values that each setting refuses, and what is said of the last of them. */
const WRONG: Readonly<Record<keyof Settings, readonly (readonly [toml: string, problem: string])[]>> = {
  domainRegex: [
    ["1", "is no text"],
    ['""', "is empty"],
    ["['a']", "is no text"],
    [`'${"a".repeat(8193)}'`, "is longer than 8192 characters"],
  ],
  required: [
    ['"true"', "is neither true nor false"],
    ["1", "is neither true nor false"],
    ["[true]", "is neither true nor false"],
  ],
  identityFile: [
    ['".ssh/id"', "is no absolute path of a file"],
    ['"~bob/id"', "is no absolute path of a file"],
    ['"/k/"', "is no absolute path of a file"],
    ['"~/"', "is no absolute path of a file"],
    ['"/a\\nb"', "holds a control character"],
    ["7", "is no text"],
  ],
  keyType: [
    ['"dsa"', "is none of these"],
    ['"ED25519"', "is none of these"],
    ["1", "is none of these"],
  ],
  typedIdentity: [['"yes"', "is neither true nor false"]],
  agent: [
    ["true", "is none of these"],
    ['"yes"', "is none of these"],
  ],
  renewInBackground: [["1", "is neither true nor false"]],
  questionSeconds: [
    ["-1", "is less than 0"],
    ["3601", "is more than 3600"],
  ],
  refusalSeconds: [
    ["0.5", "is no whole number"],
    ["3601", "is more than 3600"],
  ],
  dialer: [['"on"', "is neither true nor false"]],
  shareConnections: [["0", "is neither true nor false"]],
  principals: [
    ["1", "is neither a text nor an array"],
    ['"a,,b"', "is empty"],
    ['["a b"]', "holds white space, a comma or a control character"],
    ['["a,b"]', "holds white space, a comma or a control character"],
    ["[1]", "is no text"],
    [`["${"a".repeat(256)}"]`, "is longer than 255 characters"],
  ],
  caKeys: [
    [`"${ED25519}"`, "is no array"],
    ['["ssh-ed25519"]', "is no public key"],
    ['["ssh-ed25519 AAAA"]', "is no public key"],
    [`["${ED25519.replace("ssh-ed25519", "ssh-rsa")}"]`, "is no public key"],
    ['["-----BEGIN OPENSSH PRIVATE KEY-----"]', "is a private key"],
    [`["${ED25519.replace("ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com")}"]`, "is a certificate"],
    ["[[]]", "is no text"],
  ],
  allowSha1: [['"no"', "is neither true nor false"]],
  certificateMaxSeconds: [
    ["59", "is less than 60"],
    ["31536001", "is more than 31536000"],
    ['"3600"', "is no number"],
    ["60.5", "is no whole number"],
  ],
  renewMarginSeconds: [
    ["-1", "is less than 0"],
    ["3601", "is more than 3600"],
    ["nan", "is no number"],
    ["inf", "is no whole number"],
  ],
  mfaCommand: [
    ["1", "is no text"],
    ['"""\na\nb"""', "holds a control character"],
  ],
  mfaSerial: [
    ['"short"', "is not of that form"],
    ['"arn:aws:iam::123456789012:role/alice"', "is not of that form"],
    ['"has white space in it"', "is not of that form"],
  ],
  mfaCache: [
    ['"session.json"', "is no absolute path of a file"],
    ["true", "is no text"],
  ],
  awsProfile: [
    ['" corp"', "is not of that form"],
    ["[]", "is no text"],
  ],
  sessionSeconds: [
    ["899", "is less than 900"],
    ["129601", "is more than 129600"],
    ["1979-05-27", "is no number"],
  ],
  roleSeconds: [
    ["899", "is less than 900"],
    ["3601", "is more than 3600"],
  ],
  kmsauthSeconds: [
    ["59", "is less than 60"],
    ["3601", "is more than 3600"],
  ],
  kmsauthBinding: [
    ["true", "is none of these"],
    ['"always"', "is none of these"],
  ],
  identityProof: [
    ['"sts"', "is none of these"],
    ["[]", "is none of these"],
  ],
  identityName: [['"email"', "is none of these"]],
  kmsauthService: [
    ['"bless production"', "is not of that form"],
    ["1", "is no text"],
  ],
  bastionIps: [
    ['"10.0.0.1"', "is no array"],
    ['["10.0.0.1/24"]', "has bits set beside the network's"],
    ['["10.0.0.1 "]', "holds white space"],
    ['["10.0.0.256"]', "is no address"],
    ['["10.0.0.01"]', "is no address"],
    ['["10.0.0.0/33"]', "is no address"],
    ['["10.0.0.0/255.0.0.0"]', "is no address"],
    ['["fe80::1%eth0"]', "is no address"],
    ['["2001:db8::1/32"]', "has bits set beside the network's"],
    ['["1::2::3"]', "is no address"],
    ['["bastion.example.com"]', "is no address"],
  ],
  fixedIp: [
    ['"me"', "is no address"],
    ['"10.0.0.1,10.0.0.2"', "is no address"],
  ],
  ipUrls: [
    ['["http://ip.example.com"]', "is plain http, which anyone on the way can answer"],
    ['["ftp://a"]', "is no http or https URL"],
    ['["https://u:p@a.example"]', "holds a user name or password"],
    ['["https://"]', "is no http or https URL"],
    ['"https://a"', "is no array"],
  ],
  ipCacheSeconds: [
    ["-1", "is less than 0"],
    ["31536001", "is more than 31536000"],
  ],
  hostCaKeys: [
    [`"${ED25519}"`, "is no array"],
    ['["-----BEGIN OPENSSH PRIVATE KEY-----"]', "is a private key"],
    ['["ssh-ed25519 AAAA"]', "is no public key"],
  ],
  hostPatterns: [
    ['"*.corp.example"', "is no array"],
    ['[""]', "is empty"],
    ['["!web1.corp.example"]', "holds other characters than letters, digits, . - _ : * ?"],
    ['["*.corp.example,*"]', "holds other characters than letters, digits, . - _ : * ?"],
    ['["*.corp.example *"]', "holds other characters than letters, digits, . - _ : * ?"],
    [`['"*.corp.example"']`, "holds other characters than letters, digits, . - _ : * ?"],
    ['["|1|abc"]', "holds other characters than letters, digits, . - _ : * ?"],
    ['["[web1]:22"]', "holds other characters than letters, digits, . - _ : * ?"],
    ['["é.corp.example"]', "holds other characters than letters, digits, . - _ : * ?"],
    [`["${"a".repeat(256)}"]`, "is longer than 255 characters"],
    ['["*"]', "matches hosts of any domain"],
    ['["*.*"]', "matches hosts of any domain"],
    ['["?*"]', "matches hosts of any domain"],
    ['["web*"]', "matches hosts of any domain"],
    ['["web1.*.c?m"]', "matches hosts of any domain"],
    ['["."]', "matches hosts of any domain"],
    ["[1]", "is no text"],
  ],
  hostFunction: [
    ['"bless-host:PROD"', "is not of that form"],
    ["1", "is no text"],
  ],
  hostFunctionVersion: [['"a:b"', "is not of that form"]],
  hostNames: [
    ['"web1.corp.example"', "is no array"],
    ['[""]', "is empty"],
    ['["*.corp.example"]', "holds other characters than small letters, digits, . - _ :"],
    ['["Web1.corp.example"]', "holds other characters than small letters, digits, . - _ :"],
    ['["a,b"]', "holds other characters than small letters, digits, . - _ :"],
    [`["${"a".repeat(254)}"]`, "is longer than 253 characters"],
    ["[1]", "is no text"],
  ],
  function: [
    ['"bless:PROD"', "is not of that form"],
    ['"arn:aws:iam::123456789012:role/bless"', "is not of that form"],
    ['"a b"', "is not of that form"],
  ],
  functionVersion: [
    ["1", "is no text"],
    ['"a:b"', "is not of that form"],
  ],
  role: [
    ['"arn:aws:iam::123456789012:role/x"', "is not of that form"],
    ['"a/../b"', "is not of that form"],
    ['"/a"', "is not of that form"],
    ['"a//b"', "is not of that form"],
    ['"a:b"', "is not of that form"],
  ],
  roleAccount: [
    ["123456789012", "is no text"],
    ['"12345678901"', "is not of that form"],
    ['"1234-5678-9012"', "is not of that form"],
  ],
  connectSeconds: [
    ["0", "is less than 0.1"],
    ["301", "is more than 300"],
  ],
  readSeconds: [
    ["0.05", "is less than 0.1"],
    ["901", "is more than 900"],
  ],
  regions: [
    ['"eu-west-1"', "is no array of tables"],
    ['["eu-west-1"]', "is no table"],
  ],
};

describe("a wrong value", () => {
  for (const [field, cases] of Object.entries(WRONG) as [keyof Settings, (typeof WRONG)[keyof Settings]][]) {
    const { key, wanted }: Setting<unknown> = SCHEMA[field];
    test(`of ${key} is refused with its line and what is wanted`, () => {
      const [table, name = key] = key.includes(".") ? [`[${key.split(".")[0]}]\n`, key.replace(/^.*\./, "")] : [""];
      for (const [toml, problem] of cases) {
        const sentence = refusal(`# one\n# two\n${table}${name} = ${toml}\n`);
        const line = table === "" ? 3 : 4;
        expect(sentence).toStartWith(`${USER}:${line}: ${key}`);
        expect(sentence).toEndWith(` ${problem}; give ${wanted}`);
      }
    });
  }

  test("of a [[region]] names the region, the key and its line", () => {
    const first = `[[region]]\n${REGION.join("\n")}\n`;
    const second = (lines: readonly string[]) => refusal(`${first}[[region]]\n${lines.join("\n")}\n`);
    expect(second(REGION.slice(0, 2))).toStartWith(`${USER}:5: region[1] has no kmsauth_key; give the id, alias`);
    expect(second(REGION)).toStartWith(
      `${USER}:6: region[1].alias is the alias of another region too; give each its own`,
    );
    expect(second(REGION.with(0, 'alias = "eu"'))).toContain("is the alias of another region too");
    expect(second(REGION.with(0, "alias = 1"))).toStartWith(`${USER}:6: region[1].alias is no text`);
    for (const region of ["west", "eu-west", "EU-WEST-1", "eu-west-1a"]) {
      expect(second(['alias = "B"', `aws_region = "${region}"`, REGION[2] ?? ""])).toStartWith(
        `${USER}:7: region[1].aws_region is not`,
      );
    }
    for (const key of [
      "",
      "k y",
      "arn:aws:iam::123456789012:key/k",
      "arn:aws:kms:eu-west-1:123456789012:k",
      "alias/",
    ]) {
      const lines = ['alias = "B"', 'aws_region = "eu-west-1"', `kmsauth_key = "${key}"`];
      expect(second(lines)).toStartWith(`${USER}:8: region[1].kmsauth_key is not`);
    }
  });

  test("is never repeated in the message, nor are the lines around it", () => {
    const texts = [
      'mfa_command = ["canary-one"]\n',
      'mfa_command = "canary-one\n',
      'aws_profile = "canary-one" x\n',
      "# canary-one\nrequired = canary-one\n# canary-one\n",
      'ca_keys = ["canary-one"]\nmfa_serial = "c"\n',
      'mfa_serial = "canary one"\n',
    ];
    for (const text of texts) expect(refusal(text)).not.toContain("canary");
  });
});

describe("the CA of hosts", () => {
  const keys = `ca_keys = ["${ED25519} comment"]`;

  test("that is trusted for no host is refused, with the line of its keys", () => {
    const sentence = refusal(`[hosts]\n${keys}\n`);
    expect(sentence).toStartWith(`${USER}:2: hosts.ca_keys has no hosts.patterns beside it; name the hosts`);
  });

  test("is taken with its patterns, which may also stand alone", () => {
    expect(load(`[hosts]\n${keys}\npatterns = ["*.corp.example"]\n`).settings.hostCaKeys).toEqual([ED25519]);
    expect(load('[hosts]\npatterns = ["*.corp.example"]\n').settings.hostCaKeys).toEqual([]);
  });

  test("has its keys under [hosts] only", () => {
    expect(refusal('patterns = ["*.corp.example"]\n')).toEndWith("put patterns under [hosts]");
    expect(refusal("[hosts]\nrequired = true\n")).toEndWith("move required above the first [table]");
    expect(refusal("hosts = 1\n")).toContain("hosts is no table; write its settings under a line [hosts]");
  });
});

describe("a right value at the edge", () => {
  test.each([
    ["session_seconds = 900", "sessionSeconds", 900],
    ["session_seconds = 129600", "sessionSeconds", 129_600],
    ["role_seconds = 3_600", "roleSeconds", 3600],
    ["lambda.connect_seconds = 0.1", "connectSeconds", 0.1],
    ['identity_file = "~/.ssh/x.pub"', "identityFile", "/home/alice/.ssh/x"],
    ['mfa_cache = ""', "mfaCache", null],
    [
      'mfa_serial = "arn:aws-us-gov:iam::123456789012:mfa/path/alice"',
      "mfaSerial",
      "arn:aws-us-gov:iam::123456789012:mfa/path/alice",
    ],
    ['mfa_serial = "GAHT12345678"', "mfaSerial", "GAHT12345678"],
    ['lambda.role = "team/use-bless@corp"', "role", "team/use-bless@corp"],
    ['lambda.version = "$LATEST"', "functionVersion", "$LATEST"],
    [
      'lambda.function = "arn:aws:lambda:eu-west-1:123456789012:function:bless"',
      "function",
      "arn:aws:lambda:eu-west-1:123456789012:function:bless",
    ],
    [
      'bastion_ips = ["0.0.0.0/0", "::/0", "2001:db8::/32", "::ffff:192.0.2.1", "10.1.0.0/16"]',
      "bastionIps",
      ["0.0.0.0/0", "::/0", "2001:db8::/32", "::ffff:192.0.2.1", "10.1.0.0/16"],
    ],
    [
      'ip_urls = ["http://127.0.0.1:8080/ip", "http://[::1]/", "http://localhost/", "https://a.example/"]',
      "ipUrls",
      ["http://127.0.0.1:8080/ip", "http://[::1]/", "http://localhost/", "https://a.example/"],
    ],
    ['fixed_ip = "203.0.113.0/24"', "fixedIp", "203.0.113.0/24"],
    ["remote_user = []", "principals", []],
    [
      'hosts.patterns = ["*.corp.example", "web?.x.y", "Web-1.corp", "10.1.*.2", "2001:db8::7", "bastion", "*.corp"]',
      "hostPatterns",
      ["*.corp.example", "web?.x.y", "Web-1.corp", "10.1.*.2", "2001:db8::7", "bastion", "*.corp"],
    ],
    ['remote_user = ""', "principals", []],
  ] as const)("is taken: %s", (toml, field, value) => {
    expect(load(toml).settings[field]).toEqual(value);
  });

  test("of a region in GovCloud, China or the isolated partitions is taken", () => {
    for (const region of ["us-gov-west-1", "cn-north-1", "us-isob-east-1", "eu-isoe-west-1", "ap-southeast-12"]) {
      const text = `[[region]]\nalias = "A"\naws_region = "${region}"\nkmsauth_key = "mrk-0123456789abcdef0123456789abcdef"\n`;
      expect(load(text).settings.regions[0]?.awsRegion).toBe(region);
    }
  });
});
