import { type CaKey, type CaKeyType, isInsideKms, makeCaKey } from "./ca-key.ts";
import type { PolicySet } from "./documents.ts";
import { sealUnder } from "./kms.ts";
import { type KeyPlace, type KmsKey, keyArn, makeSymmetricKey, multiRegionId } from "./kms-key.ts";
import type { PolicyDocument } from "./policy.ts";
import type { WorldRegion } from "./world.ts";

/** The ARNs of a world's keys, which its policies name before there are any keys. */
export type KeyPlan = {
  readonly caKeyType: CaKeyType;
  readonly regions: readonly (Omit<WorldRegion, "caPassword"> & {
    readonly caSigningKey: string;
    readonly hostSigningKey: string;
  })[];
};

/** The keys of a world: `ca` and `hostCa`, everything that KMS has by ARN, and ARNs by the ARN of their alias. */
export type WorldKeys = {
  readonly ca: CaKey;
  readonly hostCa: CaKey;
  readonly regions: readonly WorldRegion[];
  readonly keys: Map<string, KmsKey>;
  readonly keyAliases: Map<string, string>;
};

/** What `${…Arn}` stands for in the policies' files where it is a key. */
export function keyNames({ caKeyType, regions }: KeyPlan) {
  const inside = isInsideKms(caKeyType);
  return {
    KmsauthKeyArn: regions.map(({ kmsauthKey }) => kmsauthKey),
    CaKeyArn: inside ? [] : regions.map(({ caKey }) => caKey),
    CaSigningKeyArn: inside ? regions.map(({ caSigningKey }) => caSigningKey) : [],
    HostSigningKeyArn: regions.map(({ hostSigningKey }) => hostSigningKey),
  };
}

export function planKeys(
  places: readonly Pick<WorldRegion, "name" | "alias">[],
  userAccount: string,
  caAccount: string,
  caKeyType: CaKeyType,
): KeyPlan {
  const [caId, hostCaId] = [multiRegionId(), multiRegionId()];
  const regions = places.map(({ name, alias }) => ({
    name,
    alias,
    kmsauthKey: keyArn(name, userAccount),
    caKey: keyArn(name, caAccount),
    caSigningKey: keyArn(name, caAccount, caId),
    hostSigningKey: keyArn(name, caAccount, hostCaId),
  }));
  return { caKeyType, regions };
}

/** Makes the keys of the plan, at random. `createdAt` is milliseconds since the epoch. */
export function makeKeys({ caKeyType, regions: plan }: KeyPlan, policies: PolicySet, createdAt: number): WorldKeys {
  const place = (arn: string, region: string, policy: PolicyDocument): KeyPlace => {
    return { arn, region, account: arn.split(":")[4] ?? "", policy, createdAt };
  };
  const { ca, keys: caKeys } = makeCaKey(
    caKeyType,
    plan.map(({ name, caSigningKey }) => place(caSigningKey, name, policies.caSigningKey)),
    "sandbox CA",
  );
  const { ca: hostCa, keys: hostCaKeys } = makeCaKey(
    "kms-ecdsa-256",
    plan.map(({ name, hostSigningKey }) => place(hostSigningKey, name, policies.hostSigningKey)),
    "sandbox host CA",
  );
  const keys: KmsKey[] = [...caKeys, ...hostCaKeys];
  const aliases: [string, string][] = [];
  const regions = plan.map(({ name, alias, kmsauthKey, caKey, caSigningKey, hostSigningKey }) => {
    const passwordKey = makeSymmetricKey(place(caKey, name, policies.caKey));
    keys.push(passwordKey, makeSymmetricKey(place(kmsauthKey, name, policies.kmsauthKey)));
    const called = (arn: string, word: string) => aliases.push([arn.replace(/key\/.*$/, `alias/${word}`), arn]);
    called(kmsauthKey, "kmsauth");
    called(caKey, "bless-ca");
    called(hostSigningKey, "bless-host-ca");
    if (isInsideKms(caKeyType)) called(caSigningKey, "bless-ca-signing");
    const sealed = isInsideKms(caKeyType) ? null : sealUnder(passwordKey, ca.passphrase, {});
    const caPassword = sealed === null ? "" : Buffer.from(sealed).toString("base64");
    return { name, alias, kmsauthKey, caKey, caPassword };
  });
  return { ca, hostCa, regions, keys: new Map(keys.map((key) => [key.arn, key])), keyAliases: new Map(aliases) };
}
