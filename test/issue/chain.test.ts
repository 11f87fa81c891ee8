import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { parseCertificate } from "../../src/wire/certificate.ts";
import { inScene, newPublicKey, openScene } from "./support.ts";

const KNOWN_DEVICE = { mfaSerial: "arn:aws:iam::123456789012:mfa/alice" };

describe("the way to a certificate", () => {
  test("takes five calls when nothing is known, and one question", () =>
    inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
      const issued = await scene.issue();
      const calls = scene.calls();
      expect(calls.slice(0, 2)).toEqual(["sts GetCallerIdentity", "sts GetSessionToken"]);
      expect(calls.slice(2, 4).sort()).toEqual(["kms Encrypt", "sts AssumeRole"]);
      expect(calls.slice(4)).toEqual(["lambda Invoke"]);
      expect(scene.questions.map(({ text }) => text)).toEqual(["MFA code (alice)"]);
      expect(issued.userName).toBe("alice");
      expect(issued.region.alias).toBe("iad");
      expect(issued.steps.map(({ what, cached }) => `${what} ${cached}`).sort()).toEqual([
        "AssumeRole false",
        "Encrypt false",
        "GetCallerIdentity false",
        "GetSessionToken false",
        "Invoke false",
      ]);
      expect(scene.said).toEqual([]);
      const certificate = parseCertificate(issued.certificate);
      expect(certificate.principals).toEqual(["alice"]);
      expect(certificate.criticalOptions.get("source-address")).toBe("127.0.0.1,192.0.2.1");
    }));

  test("makes the kmsauth token and assumes the role side by side", async () => {
    const under: string[] = [];
    let together = 0;
    const scene = openScene({}, KNOWN_DEVICE, {
      intercept: async ({ action }, answer) => {
        under.push(action);
        await Bun.sleep(60);
        if (under.includes("Encrypt") && under.includes("AssumeRole")) together += 1;
        const response = await answer();
        under.splice(under.indexOf(action), 1);
        return response;
      },
    });
    await inScene(scene, () => scene.issue());
    expect(together).toBeGreaterThanOrEqual(1);
  });

  test("asks the person while AWS is asked who they are", async () => {
    const order: string[] = [];
    const scene = openScene({}, KNOWN_DEVICE, {
      intercept: async ({ action }) => {
        if (action === "GetCallerIdentity") {
          await Bun.sleep(80);
          order.push("known");
        }
        if (action === "GetSessionToken") order.push("session");
        return null;
      },
    });
    await inScene(scene, () =>
      scene.issue({
        ask: async () => {
          order.push("asked");
          return scene.world.currentCode();
        },
      }),
    );
    expect(order).toEqual(["asked", "known", "session"]);
  });

  test("takes one call with a warm session, role and token that is bound, and no question", () =>
    inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
      await scene.issue();
      await scene.issue();
      scene.clear();
      const issued = await scene.issue();
      expect(scene.calls()).toEqual(["lambda Invoke"]);
      expect(scene.questions).toEqual([]);
      expect(issued.steps.map(({ what, cached }) => `${what} ${cached}`)).toEqual([
        "GetCallerIdentity true",
        "Encrypt true",
        "AssumeRole true",
        "Invoke false",
      ]);
    }));

  test("asks no code when token and role are good, though the session is over", () =>
    inScene(openScene({}, { ...KNOWN_DEVICE, sessionSeconds: 900 }), async (scene) => {
      await scene.issue();
      await scene.issue();
      scene.clear();
      await scene
        .issue({ now: () => Date.now() + 1_200_000, settings: { ...scene.settings, sessionSeconds: 900 } })
        .catch(() => {});
      expect(scene.questions).toEqual([]);
      expect(scene.calls()).toEqual(["lambda Invoke"]);
    }));

  test("asks no code when only the role is over: the session serves", () =>
    inScene(openScene({}, { ...KNOWN_DEVICE, roleSeconds: 900 }), async (scene) => {
      await scene.issue();
      await scene.issue();
      scene.clear();
      await scene.issue({ now: () => Date.now() + 850_000 }).catch(() => {});
      expect(scene.questions).toEqual([]);
      expect(scene.calls()).toEqual(["sts AssumeRole", "lambda Invoke"]);
    }));

  test("keeps nothing of an earlier login in force when told so, but keeps what it gets", () =>
    inScene(openScene({ fastClock: true }, KNOWN_DEVICE), async (scene) => {
      await scene.issue();
      scene.clear();
      await scene.issue({ useCaches: false });
      expect(scene.questions).toHaveLength(1);
      expect(scene.calls()).toHaveLength(5);
      await scene.issue();
      scene.clear();
      await scene.issue();
      expect(scene.calls()).toEqual(["lambda Invoke"]);
    }));

  test("writes only private files, and nothing outside its folder", () =>
    inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
      await scene.issue();
      expect(readdirSync(scene.state)).toEqual(["state"]);
      expect(statSync(`${scene.state}/state`).mode & 0o777).toBe(0o700);
      const folder = `${scene.state}/state/cache`;
      expect(statSync(folder).mode & 0o777).toBe(0o700);
      const names = readdirSync(folder);
      expect(names.length).toBeGreaterThanOrEqual(4);
      for (const name of names) expect(statSync(`${folder}/${name}`).mode & 0o777).toBe(0o600);
    }));

  test("asks for the principals that are configured", () =>
    inScene(
      openScene({ remoteUsernamesAllowed: ["*"] }, { ...KNOWN_DEVICE, principals: ["web", "db"] }),
      async (scene) => {
        const { certificate } = await scene.issue();
        expect(parseCertificate(certificate).principals).toEqual(["web", "db"]);
      },
    ));

  test("needs no kmsauth token for a CA that wants none, and says so when it wants one", () =>
    inScene(openScene({}, { ...KNOWN_DEVICE, kmsauthService: null }), async (scene) => {
      const failure = await scene.fail();
      expect(scene.calls()).not.toContain("kms Encrypt");
      expect(failure.sentence).toBe(
        'the CA wants a kmsauth token; set kmsauth_service, and identity_proof = "auto" or "kmsauth"',
      );
    }));

  test("certifies an rsa key too", () =>
    inScene(openScene({ caKeyType: "rsa" }, KNOWN_DEVICE), async (scene) => {
      const { generateKeyPairSync } = await import("node:crypto");
      const { publicBlob } = await import("../../src/wire/signature.ts");
      const { formatPublicKey } = await import("../../src/wire/public-key.ts");
      const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
      const line = formatPublicKey({ type: "ssh-rsa", blob: publicBlob(publicKey), comment: "" });
      const { certificate } = await scene.issue({ publicKey: line });
      expect(parseCertificate(certificate).signatureType).toBe("rsa-sha2-512");
    }));

  test("begins in the region that is asked for", () =>
    inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
      const { region } = await scene.issue({ region: "PDX" });
      expect(region.awsRegion).toBe("us-west-2");
      expect(scene.log.filter(({ service }) => service !== "sts").map(({ region }) => region)).toEqual([
        "us-west-2",
        "us-west-2",
      ]);
      const failure = await scene.fail({ region: "lhr" });
      expect(failure.sentence).toBe("there is no region lhr; take one of iad, pdx");
      expect(failure.status).toBe(64);
    }));

  test("never mixes users: another access key starts anew", () =>
    inScene(openScene({ otherUsers: ["bob"] }, {}), async (scene) => {
      await scene.issue();
      scene.clear();
      const bob = scene.world.users.get("bob");
      const environment = {
        ...scene.environment,
        AWS_ACCESS_KEY_ID: bob?.accessKeyId,
        AWS_SECRET_ACCESS_KEY: bob?.secretAccessKey,
      };
      const failure = await scene.fail({ environment });
      expect(failure.message).toBe("you have no MFA device");
      expect(scene.calls()).not.toContain("lambda Invoke");
    }));

  test("sends the public key without its newline", () =>
    inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
      const publicKey = newPublicKey();
      const { certificate } = await scene.issue({ publicKey: `${publicKey}\n` });
      expect(certificate.split("\n")).toHaveLength(1);
      const hash = createHash("sha256").update(parseCertificate(certificate).publicKey).digest("hex");
      expect(hash).toBe(
        createHash("sha256")
          .update(Buffer.from(publicKey.split(" ")[1] ?? "", "base64"))
          .digest("hex"),
      );
    }));
});
