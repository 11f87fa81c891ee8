import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { Failure } from "../../src/failure.ts";
import { inScene, openScene } from "./support.ts";

const ALICE = "arn:aws:iam::123456789012:mfa/alice";

describe("the second factor", () => {
  test("a wrong code is asked again on the terminal, three times in all, and each is sent once", () =>
    inScene(openScene({}, { mfaSerial: ALICE }), async (scene) => {
      const codes = ["000000", "000001", "000002"];
      const questions: string[] = [];
      const failure = await scene.fail({
        ask: async ({ text }) => {
          questions.push(text);
          return codes[questions.length - 1] ?? null;
        },
      });
      expect(failure.sentence).toBe(
        "AWS refused the MFA code: it is wrong, or was used before; wait for the next code and try again, and if that fails too check the clock of the device that shows it",
      );
      expect(questions).toEqual([
        "MFA code (alice)",
        "AWS refused the MFA code: it is wrong, or was used before; next MFA code (alice)",
        "AWS refused the MFA code: it is wrong, or was used before; next MFA code (alice)",
      ]);
      expect(scene.calls()).toEqual(["sts GetCallerIdentity", ...codes.map(() => "sts GetSessionToken")]);
    }));

  test("the right code after a wrong one does", () =>
    inScene(openScene({}, { mfaSerial: ALICE }), async (scene) => {
      let asked = 0;
      await scene.issue({ ask: async () => (++asked === 1 ? "000000" : scene.world.currentCode()) });
      expect(asked).toBe(2);
    }));

  test("whoever asked hears that a code was accepted, and not that one was refused", () =>
    inScene(openScene({}, { mfaSerial: ALICE }), async (scene) => {
      const heard: string[] = [];
      const answers = ["000000", null];
      const accepted = () => heard.push("accepted");
      await scene.fail({ accepted, ask: async () => answers.shift() ?? null });
      expect(heard).toEqual([]);
      const ask = async () => {
        heard.push("asked");
        return scene.world.currentCode();
      };
      scene.world.functions.clear();
      await scene.fail({ accepted, ask });
      expect(heard).toEqual(["asked", "accepted"]);
    }));

  test("whoever asked hears that the code for a profile's role was accepted", async () => {
    const ends = new Date(Date.now() + 3_600_000).toISOString();
    const keys = `<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>x</SecretAccessKey><SessionToken>y</SessionToken>`;
    const credentials = `<Credentials>${keys}<Expiration>${ends}</Expiration></Credentials>`;
    const body = `<AssumeRoleResponse><AssumeRoleResult>${credentials}</AssumeRoleResult></AssumeRoleResponse>`;
    const intercept = ({ action }: { action: string }) =>
      action === "AssumeRole" ? new Response(body, { headers: { "content-type": "text/xml" } }) : null;
    await inScene(openScene({}, {}, { intercept }), async (scene) => {
      const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...environment } = scene.environment;
      mkdirSync(`${scene.state}/.aws`);
      const role = `role_arn = arn:aws:iam::123456789012:role/admin\nsource_profile = own\nmfa_serial = ${ALICE}`;
      const own = `aws_access_key_id = ${AWS_ACCESS_KEY_ID}\naws_secret_access_key = ${AWS_SECRET_ACCESS_KEY}`;
      writeFileSync(`${scene.state}/.aws/config`, `[profile work]\n${role}\n[profile own]\n${own}\n`);
      const heard: string[] = [];
      // The SDK's providers look there.
      const added = { AWS_CONFIG_FILE: `${scene.state}/.aws/config`, AWS_ENDPOINT_URL: scene.url };
      const before = { ...process.env };
      Object.assign(process.env, added);
      try {
        await scene.fail({
          environment: { ...environment, ...added, AWS_PROFILE: "work" },
          accepted: () => heard.push("accepted"),
          ask: async () => {
            heard.push("asked");
            return scene.world.currentCode();
          },
        });
      } finally {
        for (const name of Object.keys(added)) delete process.env[name];
        Object.assign(process.env, before);
      }
      expect(heard).toEqual(["asked", "accepted"]);
    });
  });

  test("a question that was declined ends the errand with the words of whoever asked", () =>
    inScene(openScene({}, { mfaSerial: ALICE }), async (scene) => {
      let asked = 0;
      const failure = await scene.fail({
        ask: async () => {
          asked += 1;
          throw new Failure("the question was declined", "ask again");
        },
      });
      expect([failure.sentence, asked]).toEqual(["the question was declined; ask again", 1]);
      expect(scene.calls()).toEqual(["sts GetCallerIdentity"]);
    }));

  test("a code that was just refused is not sent again", () =>
    inScene(openScene({}, { mfaSerial: ALICE }), async (scene) => {
      const failure = await scene.fail({ ask: async () => "000000" });
      expect(failure.message).toBe("that MFA code was used already");
      expect(scene.calls().filter((call) => call === "sts GetSessionToken")).toHaveLength(1);
    }));

  test("what is no code is not sent", () =>
    inScene(openScene({}, { mfaSerial: ALICE }), async (scene) => {
      const failure = await scene.fail({ ask: async () => "12345" });
      expect(failure.sentence).toBe("that is no MFA code; give the six digits that the device shows");
      expect(scene.calls()).toEqual(["sts GetCallerIdentity"]);
    }));

  test("a code with a space in it is taken", () =>
    inScene(openScene({}, { mfaSerial: ALICE }), async (scene) => {
      await scene.issue({
        ask: async () => {
          const code = await scene.world.currentCode();
          return ` ${code.slice(0, 3)} ${code.slice(3)}\n`;
        },
      });
    }));

  test("a program is asked once", () =>
    inScene(openScene({}, { mfaSerial: ALICE, mfaCommand: "whatever" }), async (scene) => {
      let asked = 0;
      const failure = await scene.fail({
        ask: async () => {
          asked += 1;
          return "000000";
        },
      });
      expect(asked).toBe(1);
      expect(failure.message).toStartWith("AWS refused the MFA code");
    }));

  test("when nobody can be asked, that is said", () =>
    inScene(openScene({}, { mfaSerial: ALICE }), async (scene) => {
      const failure = await scene.fail({ ask: async () => null });
      expect(failure.sentence).toBe(
        "a second factor is needed, and no MFA code was given; run bssh login in a terminal, or set mfa_command",
      );
    }));

  test("a code that was used before is refused by AWS, and said so", () =>
    inScene(openScene({}, { mfaSerial: ALICE, mfaCommand: "x" }), async (scene) => {
      const code = await scene.world.currentCode();
      await scene.issue({ ask: async () => code });
      const failure = await scene.fail({ useCaches: false, ask: async () => code });
      expect(failure.message).toBe("AWS refused the MFA code: it is wrong, or was used before");
    }));

  test("a connection that breaks does not send the code again", async () => {
    let sent = 0;
    const scene = openScene(
      {},
      { mfaSerial: ALICE, readSeconds: 1 },
      {
        intercept: async ({ action }) => {
          if (action !== "GetSessionToken") return null;
          sent += 1;
          await Bun.sleep(5000);
          return null;
        },
      },
    );
    await inScene(scene, async () => {
      const failure = await scene.fail();
      expect(failure.sentence).toBe(
        "STS in us-east-1 doesn't answer in time, and the MFA code is used up; wait for the next code and try again, if need be with AWS_REGION set to another region",
      );
      expect(sent).toBe(1);
    });
  });

  test("an answer of trouble does not send the code again", async () => {
    let sent = 0;
    const scene = openScene(
      {},
      { mfaSerial: ALICE },
      {
        intercept: ({ action }) => {
          if (action !== "GetSessionToken") return null;
          sent += 1;
          return new Response("<html>", { status: 503 });
        },
      },
    );
    await inScene(scene, async () => {
      const failure = await scene.fail();
      expect(failure.message).toContain("has trouble (HTTP 503)");
      expect(failure.next).toBe(
        "wait for the next code and try again, if need be with AWS_REGION set to another region",
      );
      expect(sent).toBe(1);
    });
  });

  test("with credentials that are no good the open question is given up", () =>
    inScene(openScene({}, { mfaSerial: ALICE }), async (scene) => {
      let given = "";
      const failure = await scene.fail({
        environment: { ...scene.environment, AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE" },
        ask: ({ signal }) =>
          new Promise((resolve) => {
            signal.addEventListener("abort", () => {
              given = "up";
              resolve(null);
            });
          }),
      });
      expect(given).toBe("up");
      expect(failure.message).toBe("AWS doesn't know the access key of the environment");
    }));
});

describe("the device", () => {
  test("is found when there is one, and remembered", () =>
    inScene(openScene({ fastClock: true }), async (scene) => {
      await scene.issue();
      expect(scene.calls()).toContain("iam ListMFADevices");
      scene.clear();
      for (let at = 0; at < 2; at++) await scene.issue({ now: () => Date.now() + 65_000_000 }).catch(() => {});
      expect(scene.questions.length).toBeGreaterThan(0);
      expect(scene.calls()).not.toContain("iam ListMFADevices");
    }));

  test("is chosen once when there are two", () =>
    inScene(openScene({ devices: 2, fastClock: true }), async (scene) => {
      const asked: string[] = [];
      const ask = async ({ text, kind }: { text: string; kind: string }) => {
        asked.push(text);
        return kind === "choice" ? "1" : scene.world.currentCode();
      };
      await scene.issue({ ask });
      expect(asked).toEqual(["which MFA device: 1 alice, 2 alice-2", "MFA code (alice)"]);
      asked.length = 0;
      await scene.issue({ ask, now: () => Date.now() + 65_000_000 }).catch(() => {});
      expect(asked[0]).toBe("MFA code (alice)");
    }));

  test("is not chosen by a program", () =>
    inScene(openScene({ devices: 2 }, { mfaCommand: "x" }), async (scene) => {
      const failure = await scene.fail();
      expect(failure.sentence).toBe(
        "you have several MFA devices (alice, alice-2); set mfa_serial to the ARN of the one to use",
      );
      expect(scene.questions).toEqual([]);
    }));

  test("is missing: how to add one is said", () =>
    inScene(openScene({ devices: 0 }), async (scene) => {
      const failure = await scene.fail();
      expect(failure.sentence).toBe(
        "you have no MFA device; add an authenticator app in the AWS console under Security credentials, or use IAM Identity Center",
      );
      expect(scene.questions).toEqual([]);
    }));

  test("is a security key only: that STS takes none is said", () =>
    inScene(openScene({ devices: 0, securityKeys: 1 }), async (scene) => {
      const failure = await scene.fail();
      expect(failure.message).toBe("AWS takes security keys (FIDO) only in the console, not for programs");
    }));

  test("a security key beside an app is passed over", () =>
    inScene(openScene({ devices: 1, securityKeys: 1 }), async (scene) => {
      await scene.issue();
      expect(scene.questions).toHaveLength(1);
    }));

  test("of somebody else is refused with the cause", () =>
    inScene(openScene({}, { mfaSerial: "arn:aws:iam::123456789012:mfa/bob" }), async (scene) => {
      const failure = await scene.fail();
      expect(failure.message).toStartWith("the MFA device arn:aws:iam::123456789012:mfa/bob isn't one of this user's");
    }));

  test("may not be listed: the setting is named", () =>
    inScene(openScene({ deny: ["iam:ListMFADevices"] }), async (scene) => {
      const failure = await scene.fail();
      expect(failure.message).toBe("you may not list your MFA devices");
      expect(failure.next).toStartWith("set mfa_serial");
    }));
});
