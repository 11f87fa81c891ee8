import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { inScene, openScene } from "./support.ts";

const KNOWN_DEVICE = { mfaSerial: "arn:aws:iam::123456789012:mfa/alice" };
const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

describe("what is refused", () => {
  test("KMS: no token", () =>
    inScene(openScene({ deny: ["kms:Encrypt"] }, KNOWN_DEVICE), async (scene) => {
      const failure = await scene.fail();
      expect(failure.message).toStartWith("you may not make a kmsauth token: alice was denied kms:Encrypt");
      expect(scene.calls()).not.toContain("lambda Invoke");
      // Nothing was lost: the session and the role are kept, and no question is asked next time.
      scene.clear();
      await scene.fail();
      expect(scene.questions).toEqual([]);
      expect(scene.calls()).toEqual(["kms Encrypt"]);
    }));

  test("STS: no role", () =>
    inScene(openScene({ deny: ["sts:AssumeRole"] }, KNOWN_DEVICE), async (scene) => {
      const failure = await scene.fail();
      expect(failure.message).toBe("you (alice) may not assume the role arn:aws:iam::210987654321:role/bless-user");
    }));

  test("Lambda: no function in any region, and each is named", () =>
    inScene(openScene({}, { ...KNOWN_DEVICE, function: "bles" }), async (scene) => {
      const failure = await scene.fail();
      expect(failure.sentence).toMatch(/function|invoked/);
      expect(scene.questions).toHaveLength(1);
    }));

  test("Lambda: the function is missing in one region; the next one signs", () =>
    inScene(
      openScene({}, KNOWN_DEVICE, {
        intercept: ({ service, region }) =>
          service === "lambda" && region === "us-east-1"
            ? Response.json(
                { Message: "Function not found" },
                { status: 404, headers: { "x-amzn-ErrorType": "ResourceNotFoundException" } },
              )
            : null,
      }),
      async (scene) => {
        const { region } = await scene.issue();
        expect(region.alias).toBe("pdx");
        expect(scene.said).toEqual(["there is no function bless in us-east-1; trying us-west-2"]);
        expect(scene.questions).toHaveLength(1);
      },
    ));

  test("Lambda: missing everywhere is one sentence", () =>
    inScene(
      openScene({}, KNOWN_DEVICE, {
        intercept: ({ service }) =>
          service === "lambda"
            ? Response.json(
                { Message: "Function not found" },
                { status: 404, headers: { "x-amzn-ErrorType": "ResourceNotFoundException" } },
              )
            : null,
      }),
      async (scene) => {
        const failure = await scene.fail();
        expect(failure.sentence).toBe(
          "no region gave a certificate: there is no function bless in us-west-2; correct function and version in [lambda], or the region",
        );
      },
    ));

  test("a qualifier that does not exist", () =>
    inScene(openScene({}, { ...KNOWN_DEVICE, functionVersion: "nope" }), async (scene) => {
      const failure = await scene.fail();
      expect(failure.message).toContain("bless:nope");
    }));

  test("a qualifier that exists serves", () =>
    inScene(openScene({}, { ...KNOWN_DEVICE, functionVersion: "PROD" }), async (scene) => {
      await scene.issue();
    }));
});

describe("what the CA answers", () => {
  const answering = (payload: Uint8Array, functionError?: "Unhandled") =>
    openScene(
      { caBehaviour: () => async () => (functionError === undefined ? { payload } : { payload, functionError }) },
      KNOWN_DEVICE,
    );

  test.each([
    [
      {
        errorType: "InputValidationError",
        errorMessage: "{'bastion_user': ['Username contains invalid characters.']}",
      },
      "the CA doesn't accept the user name alice; ask the CA's administrators about username_validation",
    ],
    [
      { errorType: "ClientError", errorMessage: "An error occurred (AccessDenied)" },
      "AWS refused the CA in us-west-2 something: An error occurred (AccessDenied)",
    ],
    [
      { errorType: "ValueError", errorMessage: "Unsafe RSA public key" },
      "the CA finds your key unsafe; move the key away: bssh then makes a new one",
    ],
    [
      { errorType: "KMSAuthValidationError", errorMessage: "Authentication error. General error." },
      "the CA in us-west-2 couldn't verify who you are (kmsauth: Authentication error. General error.)",
    ],
    [
      { errorType: "KMSAuthValidationError", errorMessage: "Token lifetime exceeded." },
      "the CA finds that kmsauth tokens live too long; set kmsauth_seconds to 3600 or less",
    ],
  ])("%j is told in plain words", (answer, sentence) =>
    inScene(answering(encode(answer)), async (scene) => {
      const failure = await scene.fail();
      expect(failure.sentence).toContain(sentence);
    }),
  );

  test.each([
    ["nothing", new Uint8Array(0)],
    ["no JSON", new TextEncoder().encode("<html>sign in</html>")],
    ["a number", encode(7)],
    ["an empty object", encode({})],
    ["an empty certificate", encode({ certificate: "" })],
    ["a certificate that is no text", encode({ certificate: 5 })],
  ])("%s is garbage, and not quoted", (_, payload) =>
    inScene(answering(payload), async (scene) => {
      const failure = await scene.fail();
      expect(failure.sentence).toContain("the CA in us-west-2 gives an answer that is none");
      expect(failure.sentence).not.toContain("html");
    }),
  );

  test("a certificate that is none", () =>
    inScene(answering(encode({ certificate: "ssh-ed25519-cert-v01@openssh.com AAAA" })), async (scene) => {
      expect((await scene.fail()).message).toBe("the CA's answer is no certificate");
    }));

  test("the bare string of the first BLESS is read", () =>
    inScene(
      openScene(
        {
          caBehaviour: (bless) => async (payload, context) => {
            const { payload: answer } = await bless(payload, context);
            const { certificate } = JSON.parse(new TextDecoder().decode(answer)) as { certificate: string };
            return { payload: encode(certificate) };
          },
        },
        KNOWN_DEVICE,
      ),
      (scene) => scene.issue(),
    ));

  test("a function that breaks is named with what it says, control characters taken out", () =>
    inScene(
      answering(encode({ errorType: "KeyError", errorMessage: "\u001b[31m'x'\nboom" }), "Unhandled"),
      async (scene) => {
        const failure = await scene.fail();
        expect(failure.message).toContain("KeyError: ?[31m'x'?boom");
      },
    ));

  test("the token is not repeated, whatever the CA says", () =>
    inScene(
      openScene(
        {
          caBehaviour: () => async (payload) => {
            const request = JSON.parse(new TextDecoder().decode(payload)) as { kmsauth_token: string };
            return { payload: encode({ errorType: "KeyError", errorMessage: `bad ${request.kmsauth_token}` }) };
          },
        },
        KNOWN_DEVICE,
      ),
      async (scene) => {
        expect((await scene.fail()).message).toContain("KeyError: bad …");
      },
    ));

  test("a kept token that is refused is made anew, once", async () => {
    let refusals = 0;
    let refuse = false;
    const scene = openScene(
      {
        caBehaviour: (bless) => async (payload, context) => {
          if (!refuse) return bless(payload, context);
          refuse = false;
          refusals += 1;
          return {
            payload: encode({
              errorType: "KMSAuthValidationError",
              errorMessage: "Authentication error. General error.",
            }),
          };
        },
      },
      KNOWN_DEVICE,
    );
    await inScene(scene, async () => {
      await scene.issue();
      await scene.issue();
      scene.clear();
      refuse = true;
      await scene.issue();
      expect(refusals).toBe(1);
      expect(scene.calls()).toEqual(["lambda Invoke", "kms Encrypt", "lambda Invoke"]);
      expect(scene.questions).toEqual([]);
    });
  });

  test("a fresh token that is refused is not tried again", () =>
    inScene(
      openScene(
        {
          caBehaviour: () => async () => ({
            payload: encode({ errorType: "KMSAuthValidationError", errorMessage: "Invalid time validity for token." }),
          }),
        },
        KNOWN_DEVICE,
      ),
      async (scene) => {
        const failure = await scene.fail();
        expect(failure.message).toBe("the CA finds the kmsauth token not valid at this time");
        expect(scene.calls().filter((call) => call === "lambda Invoke")).toHaveLength(1);
      },
    ));
});

describe("sessions", () => {
  test("a kept session that AWS ended is started anew with a new code", () =>
    inScene(openScene({ fastClock: true }, { ...KNOWN_DEVICE, roleSeconds: 900 }), async (scene) => {
      await scene.issue();
      scene.world.sessions.clear();
      scene.clear();
      await scene.issue();
      expect(scene.questions).toHaveLength(1);
      expect(scene.calls()).toContain("sts GetSessionToken");
    }));

  test("expired temporary credentials of the environment are named", async () => {
    await inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
      const environment = {
        ...scene.environment,
        AWS_SESSION_TOKEN: "no-such-token",
        AWS_ACCESS_KEY_ID: "ASIAIOSFODNN7EXAMPLE",
      };
      const failure = await scene.fail({ environment });
      expect(failure.message).toMatch(
        /credentials of the environment have expired|doesn't know the access key of the environment/,
      );
      expect(scene.questions).toEqual([]);
    });
  });

  test("temporary credentials are used as the session", () =>
    inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
      await scene.issue();
      const session = [...scene.world.sessions.values()].find(
        ({ caller }) => caller.kind === "user" || caller.user !== null,
      );
      if (session === undefined) throw new Error("no session");
      scene.clear();
      const environment = {
        ...scene.environment,
        AWS_ACCESS_KEY_ID: session.accessKeyId,
        AWS_SECRET_ACCESS_KEY: session.secretAccessKey,
        AWS_SECURITY_TOKEN: session.sessionToken,
      };
      await scene.issue({ environment });
      expect(scene.questions).toEqual([]);
      expect(scene.calls()).not.toContain("sts GetSessionToken");
      scene.clear();
      const file = `${scene.state}/token_cache.json`;
      const until = new Date(Date.now() + 3_600_000).toISOString().replace(/[-:]|\.\d+/g, "");
      const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken } = session;
      writeFileSync(file, JSON.stringify({ AccessKeyId, SecretAccessKey, SessionToken, Expiration: until }), {
        mode: 0o644,
      });
      const settings = { ...scene.settings, mfaCache: file };
      await scene.issue({ settings, state: `${scene.state}/other` });
      expect(scene.questions).toEqual([]);
      expect(scene.said).toEqual([`others can read the AWS session in ${file}; chmod 600 it`]);
      chmodSync(file, 0o666);
      scene.clear();
      await scene.fail({ settings, state: `${scene.state}/third`, ask: async () => null });
      expect(scene.said).toEqual([`${file} is not used: it can be written by others`]);
    }));
});

describe("the clock", () => {
  test.each([-300_000, 300_000])("%i ms off is allowed for, and told", (off) =>
    inScene(openScene({ now: () => Date.now() + off }, KNOWN_DEVICE), async (scene) => {
      const issued = await scene.issue();
      expect(Math.abs(issued.skewMs - off)).toBeLessThan(5000);
      expect(scene.said).toEqual([
        `this machine's clock is 5 minutes ${off > 0 ? "slow" : "fast"}; bssh allows for it, other programs may not`,
      ]);
      expect(scene.calls().filter((call) => call === "sts GetSessionToken")).toHaveLength(1);
      await scene.issue();
      scene.clear();
      await scene.issue();
      expect(scene.calls()).toEqual(["lambda Invoke"]);
    }),
  );

  test("a code is not sent twice when the clock was put wrong since the last login", () => {
    let off = 0;
    return inScene(openScene({ now: () => Date.now() + off, fastClock: true }, KNOWN_DEVICE), async (scene) => {
      await scene.issue();
      const folder = `${scene.state}/state/cache`;
      for (const name of readdirSync(folder)) {
        if (/^(session|role|kmsauth)-/.test(name)) rmSync(`${folder}/${name}`);
      }
      scene.clear();
      off = 1_200_000;
      const codes: string[] = [];
      await scene.issue({
        ask: async () => {
          const code = await scene.world.currentCode();
          codes.push(code);
          await Bun.sleep(1100);
          return code;
        },
      });
      expect(codes).toHaveLength(2);
      expect(new Set(codes).size).toBe(2);
      expect(scene.calls().filter((call) => call === "sts GetSessionToken").length).toBe(codes.length);
    });
  });
});

describe("the network", () => {
  test("AWS that can't be reached is named", () =>
    inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
      const environment = { ...scene.environment, AWS_ENDPOINT_URL: "http://127.0.0.1:1" };
      const failure = await scene.fail({ environment });
      expect(failure.message).toBe("no region gave a certificate: STS in us-west-2 refuses the connection");
    }));

  test("a captive portal that answers with a page is not AWS", async () => {
    const portal = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Response("<html>sign in", { headers: { "content-type": "text/html" } }),
    });
    try {
      await inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
        const environment = { ...scene.environment, AWS_ENDPOINT_URL: `http://127.0.0.1:${portal.port}` };
        const failure = await scene.fail({ environment, ask: async () => null });
        expect(failure.message).toContain("isn't AWS");
      });
    } finally {
      await portal.stop(true);
    }
  });

  test.each(["kms", "lambda"])("a page in place of %s is not AWS", (service) =>
    inScene(
      openScene({}, KNOWN_DEVICE, {
        intercept: (claim) => (claim.service === service ? new Response("<html>") : null),
      }),
      async (scene) => {
        expect((await scene.fail()).message).toContain("isn't AWS");
      },
    ),
  );

  test("an endpoint without https off loopback is refused before anything leaves", () =>
    inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
      const failure = await scene.fail({
        environment: { ...scene.environment, AWS_ENDPOINT_URL: "http://aws.example.com" },
      });
      expect(failure.message).toBe("the endpoint http://aws.example.com is not protected by https");
      expect(scene.log).toEqual([]);
    }));

  test("TLS that is switched off is refused", () =>
    inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
      const failure = await scene.fail({ environment: { ...scene.environment, NODE_TLS_REJECT_UNAUTHORIZED: "0" } });
      expect(failure.message).toStartWith("NODE_TLS_REJECT_UNAUTHORIZED=0");
    }));

  test("a KMS that is down in one region costs no second question", () =>
    inScene(
      openScene({}, KNOWN_DEVICE, {
        intercept: ({ service, region }) =>
          service === "kms" && region === "us-east-1" ? new Response("", { status: 503 }) : null,
      }),
      async (scene) => {
        const { region } = await scene.issue();
        expect(region.alias).toBe("pdx");
        expect(scene.questions).toHaveLength(1);
        expect(scene.calls().filter((call) => call === "sts AssumeRole")).toHaveLength(1);
      },
    ));
});

describe("the user's machine", () => {
  test("a state folder that can't be written is a note, and the login goes on", () =>
    inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
      writeFileSync(`${scene.state}/file`, "");
      await scene.issue({ state: `${scene.state}/file/state` });
      expect(scene.said).toHaveLength(1);
      expect(scene.said[0]).toStartWith("nothing is kept for the next login: ");
    }));

  test("damaged caches heal", () =>
    inScene(openScene({ fastClock: true }, KNOWN_DEVICE), async (scene) => {
      await scene.issue();
      const folder = `${scene.state}/state/cache`;
      for (const name of readdirSync(folder))
        writeFileSync(`${folder}/${name}`, '{"version":1,"ends":9e15,"value":{"arn":7}}');
      scene.clear();
      await scene.issue();
      await scene.issue();
      scene.clear();
      await scene.issue();
      expect(scene.calls()).toEqual(["lambda Invoke"]);
    }));

  test("no credentials at all are told apart from a missing profile", () =>
    inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
      const bare = { HOME: scene.state, AWS_ENDPOINT_URL: scene.url };
      expect((await scene.fail({ environment: bare })).message).toBe(
        "there are no AWS credentials, neither in the environment nor in ~/.aws",
      );
      expect((await scene.fail({ environment: { ...bare, AWS_PROFILE: "work" } })).message).toBe(
        "there is no AWS profile work",
      );
    }));

  test("credentials come from profiles and from credential_process, which may not take for ever", () =>
    inScene(openScene({}, KNOWN_DEVICE), async (scene) => {
      const { accessKeyId, secretAccessKey } = scene.world.user;
      mkdirSync(`${scene.state}/.aws`);
      const keys = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
      writeFileSync(`${scene.state}/.aws/credentials`, `[work]\n${keys}`);
      writeFileSync(
        `${scene.state}/.aws/config`,
        `[profile work]\nregion = us-west-2\n[profile run]\ncredential_process = cat ${scene.state}/out\n[profile bad]\ncredential_process = exit 3\n`,
      );
      const bare = { HOME: scene.state, AWS_ENDPOINT_URL: scene.url, PATH: process.env["PATH"] };
      await scene.issue({ environment: { ...bare, AWS_PROFILE: "work" } });
      expect(scene.log[0]?.region).toBe("us-west-2");
      scene.clear();
      const output = { Version: 1, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey };
      writeFileSync(`${scene.state}/out`, JSON.stringify(output));
      await scene.fail({ environment: { ...bare, AWS_PROFILE: "run" }, ask: async () => null });
      expect(scene.calls()).toEqual(["sts GetCallerIdentity"]);
      const failure = await scene.fail({ environment: bare, settings: { ...scene.settings, awsProfile: "bad" } });
      expect(failure.message).toBe("the credential_process of profile bad fails (exit 3)");
      writeFileSync(`${scene.state}/out`, `{"secret":"${secretAccessKey}"`);
      const garbled = await scene.fail({ environment: { ...bare, AWS_PROFILE: "run" }, state: `${scene.state}/two` });
      expect(garbled.message).toBe("the credential_process of profile run doesn't answer with credentials");
      expect(readFileSync(`${scene.state}/.aws/config`, "utf8")).toContain("credential_process");
    }));
});
