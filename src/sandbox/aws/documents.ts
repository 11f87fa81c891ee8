import { checkPolicy, type PolicyDocument } from "./policy.ts";

/** The names that the world's policies speak of. */
export type PolicyNames = {
  readonly userAccount: string;
  readonly caAccount: string;
  readonly regions: readonly string[];
  readonly userRoleArn: string;
  readonly executionRoleArn: string;
  readonly functionName: string;
  readonly kmsauthKeys: readonly string[];
  readonly caKeys: readonly string[];
  /** `to` of the kmsauth encryption context. */
  readonly kmsauthService: string;
};

/** Every policy of the world by what it is attached to. */
export type PolicySet = {
  /** The people: kmsauth tokens for themselves with a second factor, the role, and reading about themselves. */
  readonly user: PolicyDocument;
  /** Who may assume the role that invokes the function. */
  readonly trust: PolicyDocument;
  /** What that role may do. */
  readonly role: PolicyDocument;
  /** Who may use the kmsauth keys; the account's own policies decide for the people. */
  readonly kmsauthKey: PolicyDocument;
  /** Who may use the keys that the CA's password is encrypted under. */
  readonly caKey: PolicyDocument;
  /** What the function may do. */
  readonly execution: PolicyDocument;
  /** Who may assume the function's role: Lambda. */
  readonly executionTrust: PolicyDocument;
};

/**
 * The policies that python-blessclient's README and BLESS ask for
 * (https://github.com/lyft/python-blessclient, https://github.com/Netflix/bless), in two accounts.
 */
export function makePolicies(names: PolicyNames): PolicySet {
  const { userAccount, caAccount, executionRoleArn, kmsauthService, kmsauthKeys, caKeys } = names;
  const functions = names.regions.map(
    (region) => `arn:aws:lambda:${region}:${caAccount}:function:${names.functionName}`,
  );
  const toService = { "kms:EncryptionContext:to": [kmsauthService] };
  return {
    user: policy(
      {
        Sid: "KmsauthToken",
        Effect: "Allow",
        Action: "kms:Encrypt",
        Resource: kmsauthKeys,
        Condition: {
          StringEquals: {
            ...toService,
            "kms:EncryptionContext:user_type": "user",
            // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable
            "kms:EncryptionContext:from": "${aws:username}",
          },
          Bool: { "aws:MultiFactorAuthPresent": "true" },
        },
      },
      { Sid: "BlessRole", Effect: "Allow", Action: "sts:AssumeRole", Resource: names.userRoleArn },
      {
        Sid: "Self",
        Effect: "Allow",
        Action: ["iam:GetUser", "iam:ListMFADevices"],
        Resource: `arn:aws:iam::${userAccount}:user/\${aws:username}`,
      },
    ),
    trust: policy({
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${userAccount}:root` },
      Action: "sts:AssumeRole",
      Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } },
    }),
    role: policy({
      Effect: "Allow",
      Action: "lambda:InvokeFunction",
      // An ARN without a qualifier does not cover invocations with one, and the reverse.
      // https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
      Resource: functions.flatMap((arn) => [arn, `${arn}:*`]),
    }),
    kmsauthKey: policy(accountStatement(userAccount), {
      Sid: "CheckTokens",
      Effect: "Allow",
      Principal: { AWS: executionRoleArn },
      Action: "kms:Decrypt",
      Resource: "*",
      Condition: { StringEquals: toService },
    }),
    caKey: policy(accountStatement(caAccount)),
    execution: policy(
      { Sid: "CaPassword", Effect: "Allow", Action: "kms:Decrypt", Resource: caKeys },
      { Sid: "Entropy", Effect: "Allow", Action: "kms:GenerateRandom", Resource: "*" },
      {
        Sid: "CheckTokens",
        Effect: "Allow",
        Action: "kms:Decrypt",
        Resource: kmsauthKeys,
        Condition: { StringEquals: toService },
      },
    ),
    executionTrust: policy({
      Effect: "Allow",
      Principal: { Service: "lambda.amazonaws.com" },
      Action: "sts:AssumeRole",
    }),
  };
}

/** A policy that denies actions wherever they are asked for. */
export function denyPolicy(actions: readonly string[]): PolicyDocument {
  return policy({ Effect: "Deny", Action: actions, Resource: "*" });
}

/** Throws an Error when a policy of the set is wrong, or uses what is not supported here. */
export function checkPolicies(policies: PolicySet): void {
  for (const document of [policies.user, policies.role, policies.execution]) checkPolicy(document, "identity");
  for (const document of [policies.kmsauthKey, policies.caKey]) checkPolicy(document, "resource");
  for (const document of [policies.trust, policies.executionTrust]) checkPolicy(document, "trust");
}

// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
function accountStatement(account: string): object {
  return {
    Sid: "Enable IAM User Permissions",
    Effect: "Allow",
    Principal: { AWS: `arn:aws:iam::${account}:root` },
    Action: "kms:*",
    Resource: "*",
  };
}

function policy(...statements: readonly object[]): PolicyDocument {
  return { Version: "2012-10-17", Statement: statements };
}
