import { describe, expect, test } from "bun:test";
import { answerRefusal } from "../../src/issue/answer-errors.ts";
import { parseCallerArn } from "../../src/issue/caller.ts";
import { readKnobs } from "../../src/issue/clients.ts";
import { findSource } from "../../src/issue/credentials.ts";
import { checkEndpoint, endpointFor, isLoopback, proxyEnvironment } from "../../src/issue/endpoint.ts";
import { CallFailure, refusal } from "../../src/issue/errors.ts";
import { readStsKeys } from "../../src/issue/keys.ts";
import { type Profile, type Profiles, profileSerial } from "../../src/issue/profiles.ts";
import { showDevice } from "../../src/issue/question.ts";
import { regionsInTurn } from "../../src/issue/regions.ts";
import { sessionName } from "../../src/issue/role.ts";

describe("the caller's ARN", () => {
  test.each([
    ["arn:aws:iam::123456789012:user/alice", "aws", "alice"],
    ["arn:aws-cn:iam::123456789012:user/division/team/alice", "aws-cn", "alice"],
    ["arn:aws-us-gov:iam::123456789012:user/alice.b+c=d,e@f-g", "aws-us-gov", "alice.b+c=d,e@f-g"],
    ["arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_x_0123/alice@example.com", "aws", "alice@example.com"],
    ["arn:aws:sts::123456789012:federated-user/bob", "aws", "bob"],
  ])("%s", (arn, partition, userName) => {
    expect(parseCallerArn(arn)).toEqual({ arn, account: "123456789012", partition, userName });
  });

  test.each([
    "arn:aws:iam::123456789012:root",
    "arn:aws:iam::12:user/alice",
    "arn:aws:iam::123456789012:user/",
    "arn:aws:iam::123456789012:group/x",
    "arn:aws:sts::123456789012:assumed-role/ROLE",
    "alice",
    "",
    "arn:aws:iam::123456789012:user/al ice",
    "xarn:aws:iam::123456789012:user/alice",
    "arn:aws:iam::123456789012:user/alice\n",
  ])("%j names no user", (arn) => expect(parseCallerArn(arn)).toBeNull());

  test("gives a session name that AWS takes", () => {
    expect(sessionName("alice@example.com")).toBe("alice@example.com");
    expect(sessionName("é b")).toBe("--b");
    expect(sessionName("a")).toBe("a-");
    expect(sessionName("x".repeat(100))).toHaveLength(64);
  });

  test("a device is called by its last part", () => {
    expect(showDevice("arn:aws:iam::123456789012:mfa/path/phone")).toBe("phone");
    expect(showDevice("GAHT12345678")).toBe("GAHT12345678");
  });
});

describe("errors", () => {
  const about = {
    service: "KMS",
    action: "Encrypt",
    region: "eu-west-1",
    key: "alias/x",
    user: "alice",
    source: "profile work",
  };
  const error = (name: string, message: string, status = 0, code?: string) =>
    Object.assign(
      new Error(message),
      { name, $metadata: { httpStatusCode: status } },
      code === undefined ? {} : { code },
    );

  // Service, action, what the SDK throws; then the trouble, whether another region may help, and how the sentence begins.
  test.each<[string, string, Error, string, boolean, string]>([
    [
      "STS",
      "GetCallerIdentity",
      error("Error", "connect", 0, "ECONNREFUSED"),
      "unsent",
      true,
      "STS in eu-west-1 refuses the connection",
    ],
    ["KMS", "Encrypt", error("Error", "x", 0, "ENOTFOUND"), "unsent", true, "the address of KMS"],
    ["KMS", "Encrypt", error("Error", "x", 0, "EHOSTUNREACH"), "unsent", true, "there is no way to KMS"],
    ["KMS", "Encrypt", error("Error", "x", 0, "ERR_PROXY_TUNNEL"), "unsent", false, "the proxy doesn't let KMS"],
    [
      "KMS",
      "Encrypt",
      error("TimeoutError", "Socket timed out without establishing a connection"),
      "unsent",
      true,
      "KMS in eu-west-1 can't be reached",
    ],
    [
      "KMS",
      "Encrypt",
      error("Error", "x", 0, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
      "unsent",
      false,
      "what answers for KMS in eu-west-1 shows a certificate",
    ],
    [
      "KMS",
      "Encrypt",
      error("TimeoutError", "socket hang up", 0, "ECONNRESET"),
      "cut-off",
      true,
      "the connection to KMS in eu-west-1 broke",
    ],
    [
      "KMS",
      "Encrypt",
      error("AbortError", "Request aborted"),
      "cut-off",
      true,
      "KMS in eu-west-1 doesn't answer in time",
    ],
    [
      "STS",
      "GetSessionToken",
      error("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ", 403),
      "code",
      false,
      "AWS refused the MFA code",
    ],
    [
      "STS",
      "GetSessionToken",
      error(
        "AccessDenied",
        "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid",
        403,
      ),
      "device",
      false,
      "the MFA device",
    ],
    [
      "STS",
      "GetSessionToken",
      error("AccessDenied", "Cannot call GetSessionToken with session credentials", 403),
      "denied",
      false,
      "the credentials of profile work are temporary",
    ],
    [
      "STS",
      "GetSessionToken",
      error("ValidationError", "1 validation error detected: Value at 'durationSeconds': DurationSeconds", 400),
      "refused",
      false,
      "AWS doesn't give sessions",
    ],
    [
      "STS",
      "AssumeRole",
      error("ExpiredToken", "x", 403),
      "stale",
      false,
      "the AWS credentials of profile work have expired",
    ],
    [
      "KMS",
      "Encrypt",
      error("ExpiredTokenException", "x", 400),
      "stale",
      false,
      "the AWS credentials of profile work have expired",
    ],
    [
      "STS",
      "GetCallerIdentity",
      error("InvalidClientTokenId", "x", 403),
      "stale",
      false,
      "AWS doesn't know the access key",
    ],
    [
      "Lambda",
      "Invoke",
      error("UnrecognizedClientException", "x", 403),
      "stale",
      false,
      "AWS doesn't know the access key",
    ],
    [
      "STS",
      "GetCallerIdentity",
      error("SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than", 403),
      "skew",
      false,
      "AWS refused the request because this machine's clock",
    ],
    [
      "Lambda",
      "Invoke",
      error("InvalidSignatureException", "Signature not yet current: x", 403),
      "skew",
      false,
      "AWS refused the request because this machine's clock",
    ],
    [
      "STS",
      "GetCallerIdentity",
      error("SignatureDoesNotMatch", "The request signature we calculated does not match", 403),
      "refused",
      false,
      "AWS couldn't verify the signature",
    ],
    ["IAM", "ListMFADevices", error("AccessDenied", "x", 403), "denied", false, "you may not list"],
    [
      "KMS",
      "Encrypt",
      error("AccessDeniedException", "x", 400),
      "denied",
      false,
      "you may not make a kmsauth token: alice",
    ],
    ["STS", "AssumeRole", error("AccessDenied", "x", 403), "denied", false, "you (alice) may not assume the role"],
    ["Lambda", "Invoke", error("AccessDeniedException", "x", 403), "denied", false, "the function"],
    [
      "KMS",
      "Encrypt",
      error("NotFoundException", "x", 400),
      "missing",
      true,
      "the kmsauth key alias/x isn't in eu-west-1",
    ],
    ["KMS", "Encrypt", error("DisabledException", "x", 400), "broken", true, "the kmsauth key alias/x"],
    ["Lambda", "Invoke", error("ResourceNotFoundException", "x", 404), "missing", true, "there is no function"],
    [
      "STS",
      "AssumeRole",
      error("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", 400),
      "refused",
      false,
      "the role",
    ],
    [
      "STS",
      "AssumeRole",
      error("ValidationError", "exceeds the 1 hour session limit for roles assumed by role chaining.", 400),
      "refused",
      false,
      "the role",
    ],
    ["KMS", "Encrypt", error("ThrottlingException", "x", 400), "busy", true, "KMS in eu-west-1 is too busy"],
    [
      "Lambda",
      "Invoke",
      error("TooManyRequestsException", "Rate Exceeded.", 429),
      "busy",
      true,
      "Lambda in eu-west-1 is too busy",
    ],
    [
      "Lambda",
      "Invoke",
      error("SyntaxError", "JSON Parse error", 503),
      "broken",
      true,
      "Lambda in eu-west-1 has trouble (HTTP 503)",
    ],
    ["KMS", "Encrypt", error("SyntaxError", "JSON Parse error", 200), "garbage", true, "what answered for KMS"],
    ["STS", "AssumeRole", error("Unknown", "UnknownError", 302), "garbage", true, "what answered for STS"],
    [
      "STS",
      "AssumeRole",
      error("Weird", "some\u001b[0m thing", 400),
      "refused",
      false,
      "STS in eu-west-1 refused AssumeRole: Weird: some?[0m thing",
    ],
  ])("%s %s: %s", (service, action, thrown, trouble, elsewhere, beginning) => {
    const failure = refusal(thrown, { ...about, service, action });
    expect(failure).toBeInstanceOf(CallFailure);
    expect(failure).toMatchObject({ trouble, elsewhere, action });
    expect(failure.message).toStartWith(beginning);
    expect(failure.sentence).not.toMatch(/[{}]|undefined|\.$/);
    expect(failure.sentence.split("; ").length).toBeLessThanOrEqual(2);
  });

  test.each([
    [
      "ClientError",
      "The CA's configuration is wrong: it names the file a, which is not there.",
      "the CA in eu-west-1 is not set up rightly: The CA's",
    ],
    [
      "ClientError",
      "The CA cannot answer (TimeoutError).",
      "the CA in eu-west-1 got no answer of its own: The CA cannot",
    ],
    [
      "ClientError",
      "AWS did not say whose the caller identity is.",
      "the CA in eu-west-1 got no answer of its own: AWS did not",
    ],
    ["ClientError", "An error occurred (ThrottlingException)", "AWS refused the CA in eu-west-1 something: An error"],
  ])("of the CA say who refused what: %s, %s", (errorType, errorMessage, beginning) => {
    const { sentence } = answerRefusal({ errorType, errorMessage }, { ...about, service: "Lambda" });
    expect(sentence).toStartWith(beginning);
    expect(sentence).not.toContain(".;");
  });

  test("a token that the CA misses leads to the setting, or the word, that gives one", () => {
    const missing = { errorType: "InputValidationError", errorMessage: "Invalid request, missing kmsauth token" };
    expect(answerRefusal(missing, { ...about, service: "Lambda" }).next).toContain("identity_proof");
  });

  test("answers of the CA never leave a brace open, and are bounded", () => {
    for (const errorType of [
      "InputValidationError",
      "KMSAuthValidationError",
      "ClientError",
      "Runtime.ImportModuleError",
      "\u001b]0;x",
    ]) {
      const { sentence } = answerRefusal(
        { errorType, errorMessage: `${"x".repeat(5000)} {user}` },
        { ...about, service: "Lambda" },
      );
      expect(sentence.length).toBeLessThan(700);
      expect(sentence).not.toContain("\u001b");
    }
  });
});

describe("credentials", () => {
  const none = { awsProfile: null, mfaSerial: null };
  const keys = { AWS_ACCESS_KEY_ID: "AKIAENV", AWS_SECRET_ACCESS_KEY: "s" };
  const profiles: Profiles = new Map<string, Profile>([
    [
      "default",
      { aws_access_key_id: "AKIADEFAULT", aws_secret_access_key: "d", region: "eu-west-1", ca_bundle: "/ca.pem" },
    ],
    ["work", { aws_access_key_id: "AKIAWORK", aws_secret_access_key: "w", mfa_serial: "arn:aws:iam::1:mfa/work" }],
    [
      "admin",
      { role_arn: "arn:aws:iam::1:role/admin", source_profile: "default", mfa_serial: "arn:aws:iam::1:mfa/phone" },
    ],
    ["run", { credential_process: "get-keys" }],
    ["sso", { sso_session: "corp", sso_account_id: "1", sso_role_name: "dev" }],
  ]);
  const keyOf = (environment: Record<string, string>, settings: Parameters<typeof findSource>[0] = none) => {
    const { way } = findSource(settings, environment, profiles, null);
    return way.kind === "given" ? way.keys.accessKeyId : way.kind;
  };

  test("of the environment win over AWS_PROFILE, as in the AWS CLI, but not over our own setting", () => {
    expect(keyOf(keys)).toBe("AKIAENV");
    expect(keyOf({ ...keys, AWS_PROFILE: "work" })).toBe("AKIAENV");
    expect(keyOf(keys, { ...none, awsProfile: "work" })).toBe("AKIAWORK");
    expect(keyOf({ AWS_PROFILE: "work" })).toBe("AKIAWORK");
    expect(keyOf({})).toBe("AKIADEFAULT");
    expect(keyOf({ AWS_PROFILE: "run" })).toBe("process");
    expect(keyOf({ AWS_PROFILE: "sso" })).toBe("provider");
    expect(keyOf({ AWS_PROFILE: "admin" })).toBe("provider");
  });

  test("have a region and a CA bundle of the environment or the profile", () => {
    expect(findSource(none, keys, profiles, null)).toMatchObject({ region: "eu-west-1", caBundle: "/ca.pem" });
    const environment = { ...keys, AWS_DEFAULT_REGION: "us-west-2", AWS_CA_BUNDLE: "/other.pem" };
    expect(findSource(none, environment, profiles, null)).toMatchObject({
      region: "us-west-2",
      caBundle: "/other.pem",
    });
    expect(findSource(none, { ...environment, AWS_REGION: "eu-north-1" }, profiles, null).region).toBe("eu-north-1");
  });

  test("take AWS_SECURITY_TOKEN for a session token", () => {
    const { way } = findSource(none, { ...keys, AWS_SECURITY_TOKEN: "old" }, profiles, null);
    expect(way).toMatchObject({ kind: "given", keys: { sessionToken: "old" } });
  });

  test("have the device of the config, of AWS_MFA_SERIAL, of the profile or of a role that uses it", () => {
    expect(
      findSource({ ...none, mfaSerial: "mine" }, { ...keys, AWS_MFA_SERIAL: "env" }, profiles, null).mfaSerial,
    ).toBe("mine");
    expect(findSource(none, { ...keys, AWS_MFA_SERIAL: "env" }, profiles, null).mfaSerial).toBe("env");
    expect(findSource(none, { AWS_PROFILE: "work" }, profiles, null).mfaSerial).toBe("arn:aws:iam::1:mfa/work");
    expect(profileSerial(profiles, "default")).toBe("arn:aws:iam::1:mfa/phone");
    expect(profileSerial(profiles, "run")).toBeNull();
  });

  test("have an id that changes with the keys and holds no secret", () => {
    const changed: Profiles = new Map<string, Profile>([
      ...profiles,
      ["default", { aws_access_key_id: "AKIADEFAULT", aws_secret_access_key: "e" }],
    ]);
    const before = findSource(none, {}, profiles, null).id;
    expect(findSource(none, {}, changed, null).id).not.toBe(before);
    const roleBefore = findSource(none, { AWS_PROFILE: "admin" }, profiles, null).id;
    expect(findSource(none, { AWS_PROFILE: "admin" }, changed, null).id).not.toBe(roleBefore);
  });

  test("that are half there are told", () => {
    expect(() => findSource(none, { AWS_ACCESS_KEY_ID: "AKIA" }, profiles, null)).toThrow(
      "without AWS_SECRET_ACCESS_KEY",
    );
  });

  test("are read in every form that tools keep them in", () => {
    const fields = { AccessKeyId: "ASIA", SecretAccessKey: "s", SessionToken: "t" };
    const ends = Date.parse("2026-11-22T01:51:20Z");
    for (const Expiration of [
      "2026-11-22T01:51:20Z",
      "20261122T015120Z",
      "2026-11-22T01:51:20+00:00",
      new Date(ends),
    ]) {
      expect(readStsKeys({ ...fields, Expiration })?.ends).toBe(ends);
      expect(readStsKeys({ Credentials: { ...fields, Expiration } })?.ends).toBe(ends);
    }
    for (const wrong of [
      null,
      7,
      "x",
      [],
      fields,
      { ...fields, Expiration: "soon" },
      { ...fields, SessionToken: 7, Expiration: ends },
    ]) {
      expect(readStsKeys(wrong)).toBeNull();
    }
  });
});

describe("endpoints", () => {
  test("stay on loopback or are protected", () => {
    for (const host of ["localhost", "127.0.0.1", "127.255.0.1", "[::1]", "::1", "aws.localhost"]) {
      expect(isLoopback(host)).toBe(true);
      checkEndpoint("http:", host);
    }
    for (const host of [
      "example.com",
      "10.0.0.1",
      "127.0.0.1.example.com",
      "localhost.example.com",
      "128.0.0.1",
      "[::2]",
    ]) {
      expect(() => checkEndpoint("http:", host)).toThrow("is not protected by https");
      checkEndpoint("https:", host);
    }
  });

  test("are read as the AWS CLI reads them", () => {
    const environment = { AWS_ENDPOINT_URL: "https://a.test", AWS_ENDPOINT_URL_STS: "https://b.test" };
    expect(endpointFor("STS", environment)).toBe("https://b.test");
    expect(endpointFor("KMS", environment)).toBe("https://a.test");
    expect(endpointFor("KMS", { ...environment, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true" })).toBeNull();
    expect(endpointFor("KMS", {})).toBeNull();
    expect(() => endpointFor("KMS", { AWS_ENDPOINT_URL: "nonsense" })).toThrow("is no address");
  });

  test("are reached by the proxy of the environment, a bare suffix in NO_PROXY covering what is under it", () => {
    expect(proxyEnvironment({})).toBeNull();
    expect(proxyEnvironment({ HTTPS_PROXY: "proxy:8080", NO_PROXY: "corp.test, .dot.test,10.0.0.1,*" })).toEqual({
      HTTPS_PROXY: "http://proxy:8080",
      NO_PROXY: "corp.test,.corp.test,.dot.test,10.0.0.1,*",
    });
    expect(() => proxyEnvironment({ https_proxy: "socks5://x" })).toThrow("kind of proxy");
  });

  test("are set up as the environment and the profile say", () => {
    expect(readKnobs({}, {})).toMatchObject({ useFipsEndpoint: false, retryMode: "standard", maxAttempts: 3 });
    expect(
      readKnobs({ AWS_MAX_ATTEMPTS: "5" }, { use_fips_endpoint: "true", max_attempts: "2", retry_mode: "adaptive" }),
    ).toMatchObject({
      useFipsEndpoint: true,
      retryMode: "adaptive",
      maxAttempts: 5,
    });
  });
});

describe("regions", () => {
  const regions = ["IAD", "pdx", "fra"].map((alias) => ({ alias, awsRegion: `r-${alias}`, kmsauthKey: "k" }));
  test("have their turn beginning with the one asked for", () => {
    const names = (alias: string | null) => regionsInTurn(regions, alias).map((region) => region.alias);
    expect(names(null)).toEqual(["IAD", "pdx", "fra"]);
    expect(names("iad")).toEqual(["IAD", "pdx", "fra"]);
    expect(names("FRA")).toEqual(["fra", "IAD", "pdx"]);
    expect(() => names("lhr")).toThrow("there is no region lhr");
    expect(() => regionsInTurn([], null)).toThrow("names no region");
  });
});
