import { describe, expect, test } from "bun:test";
import { base32, freshCode, makeDevice, spendCode, totpCode, totpStep } from "../../../src/sandbox/aws/totp.ts";

const base = Date.UTC(2026, 10, 22, 1, 0, 0);

function codeAt(device: ReturnType<typeof makeDevice>, step: number): string {
  if (device.secret === null) throw new Error("a device without a secret");
  return totpCode(device.secret, step);
}

test("codes are those of RFC 6238, appendix B", () => {
  const secret = Buffer.from("12345678901234567890");
  const vectors: [number, string][] = [
    [59, "94287082"],
    [1111111109, "07081804"],
    [1111111111, "14050471"],
    [1234567890, "89005924"],
    [2000000000, "69279037"],
    [20000000000, "65353130"],
  ];
  for (const [seconds, code] of vectors) {
    expect(totpCode(secret, Math.floor(seconds / 30), 8)).toBe(code);
    expect(totpCode(secret, Math.floor(seconds / 30))).toBe(code.slice(2));
  }
});

test("secrets are shown in the base 32 of RFC 4648", () => {
  const shown = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map((text) => base32(Buffer.from(text)));
  expect(shown).toEqual(["", "MY", "MZXQ", "MZXW6", "MZXW6YQ", "MZXW6YTB", "MZXW6YTBOI"]);
});

describe("a device", () => {
  test("accepts the codes of this step and of one on each side, and no other", () => {
    for (const [distance, good] of [
      [-2, false],
      [-1, true],
      [0, true],
      [1, true],
      [2, false],
    ] as const) {
      const device = makeDevice("d", 30, 1, base);
      expect(spendCode(device, codeAt(device, totpStep(device, base) + distance), base)).toBe(good);
    }
  });

  test("accepts each code once", () => {
    const device = makeDevice("d", 30, 1, base);
    const code = codeAt(device, totpStep(device, base));
    expect([
      spendCode(device, code, base),
      spendCode(device, code, base),
      spendCode(device, code, base + 30_000),
    ]).toEqual([true, false, false]);
  });

  test("remembers no more used codes than could come again", () => {
    const device = makeDevice("d", 1, 1, base);
    for (let now = base; now < base + 100_000; now += 1000)
      spendCode(device, codeAt(device, totpStep(device, now)), now);
    expect(device.usedSteps.size).toBeLessThan(4);
  });

  test("gives no code twice: it waits for the next when one is used up", async () => {
    const device = makeDevice("d", 1, 1, base);
    const first = await freshCode(device, Date.now);
    expect(spendCode(device, first, Date.now())).toBe(true);
    const second = await freshCode(device, Date.now);
    expect(spendCode(device, second, Date.now())).toBe(true);
  });

  test("that is a security key gives no codes and accepts none", async () => {
    const device = { ...makeDevice("d", 30, 1, base), secret: null };
    expect(spendCode(device, "000000", base)).toBe(false);
    await expect(freshCode(device, Date.now)).rejects.toThrow("shows no codes");
  });
});
