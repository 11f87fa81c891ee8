// promise: a token or a proof of identity is good for the key that it was made for, where the CA takes such; BLESS gets what it
// always got
import { describe, expect, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Settings } from "../../src/config/settings.ts";
import { userFiles } from "../../src/sandbox/aws/ca-files.ts";
import { openSession, roleCaller } from "../../src/sandbox/aws/credentials.ts";
import { keptDeployment } from "../../src/sandbox/aws/deployment.ts";
import type { WorldOptions } from "../../src/sandbox/aws/world.ts";
import { parseCertificate } from "../../src/wire/certificate.ts";
import { inScene, newPublicKey, openScene, type Scene } from "./support.ts";

const KNOWN_DEVICE = { mfaSerial: "arn:aws:iam::123456789012:mfa/alice" };
/** A token that lives no longer than its margin is made anew at every login. */
const SHORT = { ...KNOWN_DEVICE, kmsauthSeconds: 300 };

type Decision = { readonly decision: string; readonly proof: string; readonly user: string };

/** A scene with what its CA decided, and the requests as the CA got them. */
function openHeard(options: WorldOptions = {}, settings: Partial<Settings> = {}) {
  const decisions: Decision[] = [];
  const requests: Record<string, string>[] = [];
  const scene = openScene(
    {
      audit: (record) => decisions.push(record as unknown as Decision),
      caBehaviour: (bless) => async (payload, context) => {
        requests.push(JSON.parse(new TextDecoder().decode(payload)));
        return bless(payload, context);
      },
      ...options,
    },
    settings,
  );
  const proofs = () => decisions.splice(0).map(({ decision, proof }) => `${decision} ${proof}`);
  return { scene, proofs, requests, decisions };
}

/** From now on the CA has these lines in its [Bssh]. */
function deploy({ world }: Scene, ...lines: readonly string[]): void {
  const files = new Map(userFiles(world, world.bless));
  const config = files.get("bless_deploy.cfg")?.replace("[Bssh]\n", `[Bssh]\n${lines.join("\n")}\n`) ?? "";
  const version = lines.join();
  world.deployments.set(world.functionName, {
    ...keptDeployment(files.set("bless_deploy.cfg", config)),
    version: () => version,
  });
}

/** Answers as BLESS gives them. */
const plain: NonNullable<WorldOptions["caBehaviour"]> = (bless) => async (payload, context) => {
  const result = await bless(payload, context);
  const { offers: _, ...answer } = JSON.parse(new TextDecoder().decode(result.payload));
  return { ...result, payload: new TextEncoder().encode(JSON.stringify(answer)) };
};

describe("a kmsauth token", () => {
  test("is bound to the key once the CA has offered it, in later logins as well", () => {
    const { scene, proofs } = openHeard({}, SHORT);
    return inScene(scene, async () => {
      await scene.issue();
      expect(proofs()).toEqual(["granted kmsauth"]);
      for (let login = 0; login < 2; login++) {
        scene.clear();
        await scene.issue();
        expect(proofs()).toEqual(["granted kmsauth-bound"]);
        expect(scene.calls()).toEqual(["kms Encrypt", "lambda Invoke"]);
      }
    });
  });

  test("that was made before the offer is sent no more, nor kept, though it has not ended", () => {
    const { scene, proofs } = openHeard({}, KNOWN_DEVICE);
    const tokens = () => readdirSync(join(scene.state, "state", "cache")).filter((name) => name.startsWith("kmsauth-"));
    return inScene(scene, async () => {
      await scene.issue();
      const [unbound] = tokens();
      for (const calls of [["kms Encrypt", "lambda Invoke"], ["lambda Invoke"]]) {
        scene.clear();
        await scene.issue();
        expect(scene.calls()).toEqual(calls);
      }
      expect(proofs()).toEqual(["granted kmsauth", "granted kmsauth-bound", "granted kmsauth-bound"]);
      expect(tokens()).toHaveLength(1);
      expect(tokens()).not.toContain(unbound ?? "");
    });
  });

  test("that is bound is kept for its key, and another is made for another key", () => {
    const { scene, proofs } = openHeard({}, { ...KNOWN_DEVICE, kmsauthBinding: "on" });
    return inScene(scene, async () => {
      await scene.issue();
      scene.clear();
      await scene.issue();
      expect(scene.calls()).toEqual(["lambda Invoke"]);
      await scene.issue({ publicKey: newPublicKey() });
      expect(scene.calls()).toEqual(["lambda Invoke", "kms Encrypt", "lambda Invoke"]);
      expect(new Set(proofs())).toEqual(new Set(["granted kmsauth-bound"]));
    });
  });

  test("that a CA refuses for not being bound is made anew at once, without another question", () => {
    const { scene, proofs } = openHeard({}, KNOWN_DEVICE);
    return inScene(scene, async () => {
      deploy(scene, "bind_public_key = require");
      await scene.issue();
      expect(proofs()).toEqual(["refused none", "granted kmsauth-bound"]);
      expect(scene.questions).toHaveLength(1);
      expect(scene.calls().filter((call) => /Encrypt|Invoke/.test(call))).toEqual([
        "kms Encrypt",
        "lambda Invoke",
        "kms Encrypt",
        "lambda Invoke",
      ]);
      scene.clear();
      await scene.issue();
      expect(scene.calls()).toEqual(["lambda Invoke"]);
    });
  });

  test("kept from before is made anew when the CA begins to want bound ones", () => {
    const { scene, proofs } = openHeard({}, KNOWN_DEVICE);
    return inScene(scene, async () => {
      deploy(scene, "bind_public_key = off");
      await scene.issue();
      deploy(scene, "bind_public_key = require");
      await scene.issue();
      expect(proofs()).toEqual(["granted kmsauth", "refused none", "granted kmsauth-bound"]);
    });
  });

  test("that is bound gives way to another when the CA takes and offers none any more", () => {
    const { scene, proofs } = openHeard({}, SHORT);
    return inScene(scene, async () => {
      await scene.issue();
      await scene.issue();
      deploy(scene, "bind_public_key = off");
      await scene.issue();
      expect(proofs().slice(1)).toEqual(["granted kmsauth-bound", "refused none", "granted kmsauth"]);
      scene.clear();
      await scene.issue();
      expect(scene.calls()).toEqual(["kms Encrypt", "lambda Invoke"]);
    });
  });

  test("is not bound where the key's policy allows BLESS's encryption context only", () => {
    const { scene, proofs } = openHeard({}, SHORT);
    return inScene(scene, async () => {
      await scene.issue();
      const bound = ["kms:Encrypt"];
      const Condition = { StringLike: { "kms:EncryptionContext:public_key": "*" } };
      const denial = {
        Version: "2012-10-17",
        Statement: [{ Effect: "Deny", Action: bound, Resource: "*", Condition }],
      };
      (scene.world.user.policies as unknown[]).push(denial);
      await scene.issue();
      expect(proofs()).toEqual(["granted kmsauth", "granted kmsauth"]);
      const on = { settings: { ...scene.settings, kmsauthBinding: "on" as const } };
      expect((await scene.fail(on)).next).toContain("have the key's policy allow public_key");
    });
  });

  test("for a CA that offers nothing is never bound, and the request has BLESS's fields only", () => {
    const requests: string[][] = [];
    const listening: typeof plain = (bless) => (payload, context) => {
      requests.push(Object.keys(JSON.parse(new TextDecoder().decode(payload))).sort());
      return plain(bless)(payload, context);
    };
    const { scene, proofs } = openHeard({ caBehaviour: listening }, SHORT);
    return inScene(scene, async () => {
      for (let login = 0; login < 3; login++) await scene.issue();
      expect(proofs()).toEqual(["granted kmsauth", "granted kmsauth", "granted kmsauth"]);
      const fields = [
        "bastion_ips",
        "bastion_user",
        "bastion_user_ip",
        "command",
        "kmsauth_token",
        "public_key_to_sign",
        "remote_usernames",
      ];
      expect(requests).toEqual([fields, fields, fields]);
      expect(readdirSync(`${scene.state}/state/cache`).filter((name) => name.startsWith("binding"))).toEqual([]);
    });
  });

  test("is bound or not as the settings say, whatever the CA wants", () => {
    const { scene, proofs } = openHeard({}, { ...SHORT, kmsauthBinding: "on" });
    return inScene(scene, async () => {
      await scene.issue();
      expect(proofs()).toEqual(["granted kmsauth-bound"]);
      const off = { settings: { ...scene.settings, kmsauthBinding: "off" as const } };
      await scene.issue(off);
      expect(proofs()).toEqual(["granted kmsauth"]);
      deploy(scene, "bind_public_key = require");
      expect((await scene.fail(off)).sentence).toEndWith(
        'wants kmsauth tokens that are bound to your public key; set kmsauth_binding = "auto"',
      );
      deploy(scene, "bind_public_key = off");
      expect((await scene.fail()).message).toContain("couldn't verify who you are");
    });
  });
});

describe("a proof of identity", () => {
  const SSO = { identityProof: "auto" } as const;

  /** The environment of somebody who signed in through IAM Identity Center. */
  function signedIn({ world, environment }: Scene): Record<string, string | undefined> {
    const { identityCenter: session } = world;
    if (session === null) throw new Error("no Identity Center in this world");
    const { accessKeyId, secretAccessKey, sessionToken } = session;
    return {
      ...environment,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    };
  }

  test("gets a certificate for the session's name without a question, and is made anew for each request", () => {
    const { scene, proofs, requests } = openHeard({ identityCenter: true }, SSO);
    return inScene(scene, async () => {
      const environment = signedIn(scene);
      const issued = await scene.issue({ environment });
      expect(parseCertificate(issued.certificate).principals).toEqual(["alice"]);
      expect(issued.userName).toBe("alice");
      expect(issued.requestId).toMatch(/^[\w-]+$/);
      expect(scene.questions).toEqual([]);
      expect(scene.calls().filter((call) => call.startsWith("kms") || call.includes("GetSessionToken"))).toEqual([]);
      await Bun.sleep(1100); // signatures have whole seconds
      await scene.issue({ environment });
      expect(proofs()).toEqual(["granted caller-identity", "granted caller-identity"]);
      const sent = requests.map(({ caller_identity: proof = "" }) => proof);
      expect(new Set(sent).size).toBe(2);
      expect(requests.every((request) => request["kmsauth_token"] === undefined)).toBe(true);
      const cache = `${scene.state}/state/cache`;
      const written = readdirSync(cache).map((name) => readFileSync(join(cache, name), "utf8"));
      const everything = JSON.stringify([scene.said, scene.traced, written]);
      for (const proof of sent) expect(everything).not.toContain(proof.slice(0, 60));
    });
  });

  test("is not what an IAM user sends with auto: that has a second factor to show", () => {
    const { scene, proofs } = openHeard({}, { ...KNOWN_DEVICE, ...SSO });
    return inScene(scene, async () => {
      await scene.issue();
      expect(proofs()).toEqual(["granted kmsauth"]);
      expect(scene.questions).toHaveLength(1);
    });
  });

  test("names who stands before the @, where CA and client are told so", () => {
    const domain = ["caller_identity_name = local-part", "caller_identity_domain = corp.example"];
    const { scene, decisions } = openHeard({ identityCenter: true, user: "alice@corp.example" }, SSO);
    return inScene(scene, async () => {
      deploy(scene, ...domain);
      const environment = signedIn(scene);
      const settings = { ...scene.settings, identityName: "local-part" as const };
      const issued = await scene.issue({ environment, settings });
      expect(parseCertificate(issued.certificate).principals).toEqual(["alice"]);
      expect(decisions.at(-1)).toMatchObject({ decision: "granted", user: "alice" });
      expect((await scene.fail({ environment })).message).toContain("doesn't accept the proof of your identity");
    });
  });

  test("for another CA, or by a clock that is wrong, is refused in words, which quote nothing of it", () => {
    const { scene, requests } = openHeard({ identityCenter: true }, SSO);
    return inScene(scene, async () => {
      const environment = signedIn(scene);
      const settings = { ...scene.settings, kmsauthService: "another" };
      const { sentence } = await scene.fail({ environment, settings });
      expect(sentence).toContain("doesn't accept the proof of your identity (");
      expect(sentence).toContain("check kmsauth_service and identity_name");
      expect(sentence).not.toContain((requests[0]?.["caller_identity"] ?? "none").slice(0, 40));
    });
  });

  test("is hinted at when KMS gives a role's session no token, and when the CA takes none", () => {
    const { scene } = openHeard({ identityCenter: true });
    return inScene(scene, async () => {
      const environment = signedIn(scene);
      const { sentence } = await scene.fail({ environment });
      expect(sentence).toContain("which is the session of a role");
      expect(sentence).toContain('set identity_proof = "auto"');
      const settings = { ...scene.settings, identityProof: "auto" as const };
      scene.world.functions.set(scene.world.functionName, async () => ({
        payload: new TextEncoder().encode(
          '{"errorType":"InputValidationError","errorMessage":"{\'caller_identity\': [\'Unknown field.\']}"}',
        ),
      }));
      expect((await scene.fail({ environment, settings })).message).toContain("the CA takes no proof of identity");
      const nameless = { ...settings, kmsauthService: null };
      expect((await scene.fail({ environment, settings: nameless })).sentence).toContain("set kmsauth_service");
    });
  });

  test("is of whoever is signed in now, also when somebody else was behind the same profile before", () => {
    const { scene, proofs } = openHeard({ identityCenter: true }, { ...SSO, awsProfile: "work" });
    return inScene(scene, async () => {
      const { world, state } = scene;
      const session = world.identityCenter;
      if (session === null) throw new Error("no Identity Center in this world");
      const { role } = session.caller;
      if (role === null) throw new Error("no role");
      const others = openSession(world, roleCaller(role, "bob", null), 3600);
      const give = ({ accessKeyId, secretAccessKey, sessionToken }: typeof session) =>
        writeFileSync(
          `${state}/keys`,
          JSON.stringify({
            Version: 1,
            AccessKeyId: accessKeyId,
            SecretAccessKey: secretAccessKey,
            SessionToken: sessionToken,
          }),
        );
      writeFileSync(
        `${state}/aws-config`,
        `[profile work]\ncredential_process = cat ${state}/keys\nregion = us-east-1\n`,
      );
      chmodSync(`${state}/aws-config`, 0o600);
      const environment = { ...scene.environment, AWS_CONFIG_FILE: `${state}/aws-config`, PATH: process.env["PATH"] };
      give(session);
      expect((await scene.issue({ environment })).userName).toBe("alice");
      give(others);
      expect((await scene.issue({ environment })).userName).toBe("bob");
      expect(proofs()).toEqual(["granted caller-identity", "refused none", "granted caller-identity"]);
    });
  });
});
