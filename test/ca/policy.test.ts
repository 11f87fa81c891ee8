import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { type NameRule, nameFault } from "../../src/ca/names.ts";
import { pythonDict } from "../../src/ca/python.ts";
import type { GivenSettings } from "../../src/ca/settings.ts";
import { concat, mpint, string, text } from "../../src/wire/bytes.ts";
import { publicBlob } from "../../src/wire/signature.ts";
import { vector } from "../wire/support.ts";
import { makeWorld, request } from "./world.ts";

function refused(errorMessage: string): { errorType: string; errorMessage: string } {
  return { errorType: "InputValidationError", errorMessage };
}
function ask(fields: Record<string, unknown>, settings: Partial<GivenSettings> = {}): Promise<unknown> {
  return makeWorld({ kmsauth: null, ...settings }).ask({ ...request, ...fields });
}

describe("a request", () => {
  test("has to be an object", async () => {
    for (const event of [null, "text", 5, [], [request], undefined]) {
      expect(await makeWorld().ask(event)).toEqual(refused("{'_schema': ['Invalid input type.']}"));
    }
  });

  test("has to have every field but the token, as text", async () => {
    for (const field of Object.keys(request)) {
      const { [field]: _, ...rest } = request as Record<string, unknown>;
      const answer = await makeWorld({ kmsauth: null }).ask(rest);
      if (field === "kmsauth_token") expect(answer).toHaveProperty("certificate");
      else expect(answer).toEqual(refused(`{'${field}': ['Missing data for required field.']}`));
      expect(await ask({ [field]: 5 })).toEqual(refused(`{'${field}': ['Not a valid string.']}`));
      expect(await ask({ [field]: null })).toEqual(refused(`{'${field}': ['Field may not be null.']}`));
    }
  });

  test("has no other fields", async () => {
    expect(await ask({ remote_username: "root" })).toEqual(refused("{'remote_username': ['Unknown field']}"));
    expect(await ask({ "it's": 1 })).toEqual(refused(`{"it's": ['Unknown field']}`));
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`${index}${"x".repeat(500)}`, 1]));
    expect(JSON.stringify(await ask(many)).length).toBeLessThan(1000);
  });

  test("has fields of bounded length", async () => {
    for (const [field, limit] of [
      ["remote_usernames", 2048],
      ["bastion_ips", 2048],
      ["kmsauth_token", 8192],
    ] as const) {
      const answer = await ask({ [field]: "1".repeat(limit + 1) });
      expect(answer).toEqual(refused(`{'${field}': ['Longer than maximum length ${limit}.']}`));
    }
  });

  test("is told everything that is wrong with it at once", async () => {
    const { command: _, ...rest } = request;
    const answer = await makeWorld().ask({ ...rest, bastion_user: "Alice", bastion_ips: "x" });
    expect(answer).toEqual(
      refused(
        "{'command': ['Missing data for required field.'], 'bastion_ips': ['Invalid IP address.'], " +
          "'bastion_user': ['Username contains invalid characters.']}",
      ),
    );
  });

  test("quotes nothing of its values in the answer", async () => {
    expect(JSON.stringify(await ask({ bastion_user: "CANARY", bastion_ips: "CANARY" }))).not.toContain("CANARY");
  });
});

describe("an address", () => {
  const good = [
    "192.0.2.1",
    "10.0.0.0/8,192.0.2.128/25,2001:db8::/32",
    "::",
    "::1",
    "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7::",
    "FE80::1/128",
    "::ffff:192.0.2.1",
  ];
  const bad = [
    "",
    ",",
    "192.0.2.1,",
    "192.0.2.1, 192.0.2.2",
    " 192.0.2.1",
    "256.0.2.1",
    "192.0.2",
    "192.0.2.01",
    "192.0.2.1/24",
    "192.0.2.0/33",
    "192.0.2.0/",
    "192.0.2.0/-1",
    "192.0.2.1/255.255.255.255",
    "192.0.2.0/24/24",
    "١٩٢.0.2.1",
    "2001:db8::1/64",
    "::/129",
    "::1::",
    ":::",
    ":",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8",
    "12345::",
    "fe80::1%eth0",
    "1.2.3.4::",
    "::1.2.3",
    "web1",
    "!192.0.2.1",
    "*",
  ];

  test("is an address or a network without host bits, in both fields", async () => {
    for (const field of ["bastion_ips", "bastion_user_ip"]) {
      for (const value of good) expect(await ask({ [field]: value }), value).toHaveProperty("certificate");
      for (const value of bad) {
        expect(await ask({ [field]: value }), value).toEqual(refused(`{'${field}': ['Invalid IP address.']}`));
      }
    }
  });

  test("is not half of the internet, unless the CA is set so", async () => {
    for (const value of ["0.0.0.0/0", "::/0", "0.0.0.0/1,128.0.0.0/1", "192.0.2.1,128.0.0.0/2", "2000::/3"]) {
      expect(await ask({ bastion_ips: value }), value).toEqual(refused("{'bastion_ips': ['Invalid IP address.']}"));
      expect(await ask({ bastion_ips: value }, { shortestPrefix: { ipv4: 0, ipv6: 0 } })).toHaveProperty("certificate");
    }
  });

  test("is not nearly the whole internet in small pieces", async () => {
    const pieces = Array.from({ length: 150 }, (_, index) => `${index + 1}.0.0.0/8`).join();
    const v6 = Array.from({ length: 60 }, (_, index) => `2${index + 100}::/16`).join();
    for (const bastion_ips of [pieces, v6, "10.0.0.0/8,11.0.0.0/8,12.0.0.0/32"]) {
      expect(await ask({ bastion_ips })).toEqual(refused("{'bastion_ips': ['The networks together are too large.']}"));
      expect(await ask({ bastion_ips }, { shortestPrefix: { ipv4: 0, ipv6: 0 } })).toHaveProperty("certificate");
    }
    expect(await ask({ bastion_ips: "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,2001:db8::/32" })).toHaveProperty(
      "certificate",
    );
  });

  test("may be asked to be narrow", async () => {
    const settings = { shortestPrefix: { ipv4: 24, ipv6: 48 } };
    for (const value of ["192.0.2.0/24", "2001:db8::/48", "192.0.2.1,2001:db8::1"]) {
      expect(await ask({ bastion_ips: value }, settings)).toHaveProperty("certificate");
    }
    for (const value of ["0.0.0.0/0", "192.0.2.0/23", "192.0.2.1,2001:db8::/47"]) {
      expect(await ask({ bastion_ips: value }, settings)).toHaveProperty("errorType", "InputValidationError");
    }
  });
});

describe("a name", () => {
  const invalid = "Username contains invalid characters.";
  const cases: [NameRule, string[], string[], string][] = [
    [
      "useradd",
      ["alice", "_a$", "abc123_-x"],
      ["Alice", "1a", "a.b", "a@b", "a$b", " a", "a\n", "été", "a,b"],
      invalid,
    ],
    ["debian", ["user~x", "A.b@c", "été"], ["-a", "+a", "~a", "a:b", "a b", "a\tb", " a", ":a", "a\u00a0b"], invalid],
    [
      "principal",
      ["root", "-x", "été", "!\"$%&'()*+-./09:;<=>?@AZ[\\]^_`az{|}~", "x".repeat(200)],
      ["a b", "a#b", "a\nb", "a\u2028b", "a\u202eb", "\u{1f512}"],
      "Principal contains invalid characters.",
    ],
    [
      "email",
      ["a@example.com", "a+b@mail.example.com", "a@localhost"],
      ["a", "a@example", "a@b@", "@example.com", "a b@example.com", "a@-x.com", `${"a".repeat(250)}@example.com`],
      "Invalid email address.",
    ],
    ["disabled", ["~:, \u{1f512}@", "#"], ["a\nb", "a\0", "\ud800", "a\u0085"], invalid],
  ];

  test("follows the rule that is set, in BLESS's words", () => {
    for (const [rule, good, bad, message] of cases) {
      for (const name of good) expect(nameFault(name, rule), `${rule} ${name}`).toBeNull();
      for (const name of bad) {
        const control = /\p{Cc}/u.test(name) && rule === "email" ? invalid : message;
        expect(nameFault(name, rule), `${rule} ${JSON.stringify(name)}`).toBe(control);
      }
      expect(nameFault("", rule)).not.toBeNull();
    }
  });

  test("is too long above 32 characters where systems have that limit", () => {
    for (const rule of ["useradd", "debian"] as const) {
      expect(nameFault("a".repeat(32), rule)).toBeNull();
      expect(nameFault("a".repeat(33), rule)).toBe("Username is too long.");
    }
  });

  test("of the user has one rule and of the principals another", async () => {
    const dotted = { bastion_user: "a.b", remote_usernames: "A.B" };
    expect(await ask(dotted)).toEqual(refused(`{'bastion_user': ['${invalid}']}`));
    expect(await ask(dotted, { usernameValidation: "debian" })).toHaveProperty("certificate");
    expect(await ask(dotted, { usernameValidation: "debian", remoteUsernamesValidation: "useradd" })).toEqual(
      refused(`{'remote_usernames': ['${invalid}']}`),
    );
  });

  test("may be forbidden by a pattern that matches at its start", async () => {
    const settings = { remoteUsernamesBlacklist: /root|admin.*/ };
    for (const name of ["root", "rooted", "administrator", "alice,root"]) {
      expect(await ask({ remote_usernames: name }, settings)).toEqual(refused(`{'remote_usernames': ['${invalid}']}`));
    }
    expect(await ask({ remote_usernames: "notroot" }, settings)).toHaveProperty("certificate");
    // Who proves nothing gets no pattern to work.
    const slow = { remoteUsernamesBlacklist: /(a+)+$/ };
    const event = { remote_usernames: `${"a".repeat(40)}!`, kmsauth_token: "AAAA" };
    const world = makeWorld({ ...slow, remoteUsernamesAllowed: ["*"], remoteUsernamesValidation: "disabled" });
    expect(await world.ask({ ...request, ...event })).toHaveProperty("errorType", "KMSAuthValidationError");
  });

  test("that looks like an option is no principal", async () => {
    const settings = { usernameValidation: "disabled", remoteUsernamesValidation: "disabled" } as const;
    expect(await ask({ remote_usernames: "-oProxyCommand=x" }, settings)).toEqual(
      refused("{'remote_usernames': ['Principal contains invalid characters.']}"),
    );
  });

  test("stands only once, and not without end", async () => {
    expect(await ask({ remote_usernames: "a,b,a" })).toEqual(refused("{'remote_usernames': ['Duplicate principal.']}"));
    expect(await ask({ remote_usernames: "a,,b" })).toHaveProperty("errorType", "InputValidationError");
    const many = Array.from({ length: 257 }, (_, index) => `u${index}`).join(",");
    expect(await ask({ remote_usernames: many })).toEqual(
      refused("{'remote_usernames': ['More than 256 principals.']}"),
    );
  });
});

describe("a public key", () => {
  const line = (type: string, blob: Uint8Array): string => `${type} ${blob.toBase64()}`;

  test("has to be one", async () => {
    const [type, base64] = request.public_key_to_sign.split(" ");
    for (const wrong of [
      "",
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
      `${type} ${base64}x`,
      `ssh-rsa ${base64}`,
      `${request.public_key_to_sign}\n${request.public_key_to_sign}`,
      vector("ed25519-by-ed25519"),
      "-----BEGIN OPENSSH PRIVATE KEY-----",
      line("ssh-ed25519", concat(text("ssh-ed25519"), string(new Uint8Array(32)), text("more"))),
    ]) {
      expect(await ask({ public_key_to_sign: wrong })).toEqual(
        refused("{'public_key_to_sign': ['Invalid SSH Public Key.']}"),
      );
    }
    expect(await ask({ public_key_to_sign: `${request.public_key_to_sign}\n` })).toHaveProperty("certificate");
  });

  test("of ecdsa is a point on its curve", async () => {
    const blob = publicBlob(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey);
    expect(await ask({ public_key_to_sign: line("ecdsa-sha2-nistp256", blob) })).toHaveProperty("certificate");
    blob[blob.length - 1] = (blob.at(-1) ?? 0) ^ 1;
    expect(await ask({ public_key_to_sign: line("ecdsa-sha2-nistp256", blob) })).toEqual(
      refused("{'public_key_to_sign': ['Invalid SSH Public Key.']}"),
    );
  });

  test("of rsa is not weak", async () => {
    const good = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });
    const n = Uint8Array.fromBase64(good.n ?? "", { alphabet: "base64url" });
    const rsa = (exponent: Uint8Array, modulus: Uint8Array): string =>
      line("ssh-rsa", concat(text("ssh-rsa"), mpint(exponent), mpint(modulus)));
    const usual = Uint8Array.of(1, 0, 1);
    expect(await ask({ public_key_to_sign: rsa(usual, n) })).toHaveProperty("certificate");

    const even = n.slice();
    even[255] = (even[255] ?? 0) & 0xfe;
    const short = publicBlob(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey);
    // 2^2040 times 751: a factor that is the largest of the small primes
    const factor = concat(Uint8Array.of(2, 0xef), new Uint8Array(255));
    for (const weak of [
      line("ssh-rsa", short),
      rsa(Uint8Array.of(3), n),
      rsa(Uint8Array.of(1, 0, 0), n),
      rsa(Uint8Array.of(1, 0, 2), n),
      rsa(usual, even),
      rsa(usual, factor),
    ]) {
      expect(await ask({ public_key_to_sign: weak })).toEqual(
        refused("{'public_key_to_sign': ['Unsafe RSA public key']}"),
      );
    }
  });
});

test("messages look as Python prints them", () => {
  const messages = new Map([
    ["plain", 'It\'s "so" \\ \n\u0007\u2028\u{e0001}é'],
    ["both", "It's"],
  ]);
  expect(pythonDict(messages)).toBe(`{'plain': ['It\\'s "so" \\\\ \\n\\x07\\u2028\\U000e0001é'], 'both': ["It's"]}`);
  expect(pythonDict(new Map())).toBe("{}");
});
