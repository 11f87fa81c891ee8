import { afterAll, describe, expect, test } from "bun:test";
import { openAgent } from "../../src/agent/client.ts";
import {
  encodeAddCertificate,
  encodeAddKey,
  encodeListRequest,
  encodeRemove,
  readList,
  readOutcome,
} from "../../src/wire/agent.ts";
import { concat, decodeBase64, encodeBase64, string, text, u32, WireError } from "../../src/wire/bytes.ts";
import { type PrivatePart, readPrivatePart } from "../../src/wire/private-part.ts";
import { bare, openWorkbench } from "../agent/support.ts";
import { makeRandom } from "./support.ts";

const bench = openWorkbench();
afterAll(() => bench.close());

const hour = { lifetime: 3600, confirm: false };
const blobOf = (line: string) => decodeBase64(line.split(" ")[1] ?? "");

async function ask(socket: string, message: Uint8Array): Promise<Uint8Array> {
  const agent = await openAgent(socket, 10_000);
  if (typeof agent === "string") throw new Error(agent);
  const answer = await agent.ask(message);
  agent.close();
  if (typeof answer === "string") throw new Error(answer);
  return answer;
}

describe("the messages to an agent", () => {
  test("are understood by ssh-agent: list, add, add with a certificate, remove", async () => {
    const agent = await bench.startAgent();
    const key = bench.makeKey("plain");
    const line = bench.certify(bench.makeKey("ca"), key);
    const part = readPrivatePart(key.key) as PrivatePart;
    const certificate = { type: line.split(" ")[0] ?? "", blob: blobOf(line) };

    expect(readList(await ask(agent.socket, encodeListRequest()))).toEqual([]);
    expect(readOutcome(await ask(agent.socket, encodeAddCertificate(part, certificate, "with é", hour)))).toBe(true);
    expect(readOutcome(await ask(agent.socket, encodeAddKey(part, "alone", hour)))).toBe(true);
    expect(agent.lines()).toEqual([bare(line), bare(key.publicLine)]);
    const list = readList(await ask(agent.socket, encodeListRequest()));
    expect(list?.map(({ blob, comment }) => [encodeBase64(blob), comment])).toEqual([
      [line.split(" ")[1], "with é"],
      [key.publicLine.split(" ")[1], "alone"],
    ] as string[][]);

    expect(readOutcome(await ask(agent.socket, encodeRemove(part.publicKey)))).toBe(true);
    expect(readOutcome(await ask(agent.socket, encodeRemove(part.publicKey)))).toBe(false);
    expect(agent.lines()).toEqual([bare(line)]);
  });

  test("have no lifetime that agents would take for none, or for one that has ended", () => {
    const part = readPrivatePart(bench.makeKey("lifetimes").key) as PrivatePart;
    for (const lifetime of [0, -1, 2 ** 31, Number.NaN, 1.5]) {
      expect(() => encodeAddKey(part, "", { lifetime, confirm: false })).toThrow(WireError);
    }
  });

  test("end with the constraints, as the draft writes them", () => {
    const part = readPrivatePart(bench.makeKey("constraints").key) as PrivatePart;
    const tail = (confirm: boolean) => encodeAddKey(part, "c", { lifetime: 258, confirm }).slice(-11).toHex();
    expect(tail(false)).toEndWith("000000016301" + "00000102");
    expect(tail(true)).toEndWith("0000000163" + "0100000102" + "02");
  });
});

describe("the answers of an agent", () => {
  test("are success, or a refusal in any of three ways, or nothing that can be read", () => {
    expect([6, 5, 30, 102].map((type) => readOutcome(Uint8Array.of(type)))).toEqual([true, false, false, false]);
    for (const wrong of [[], [12], [0], [255]]) expect(() => readOutcome(Uint8Array.from(wrong))).toThrow(WireError);
  });

  test("are a list with whatever the entries hold, or a refusal to list", () => {
    const entries = [string(Uint8Array.of(0, 255)), string(Uint8Array.of(0xff, 0x41)), text("x"), text("")];
    const list = readList(concat(Uint8Array.of(12), u32(2), ...entries));
    expect(list).toEqual([
      { blob: Uint8Array.of(0, 255), comment: "\ufffdA" },
      { blob: Uint8Array.of(0x78), comment: "" },
    ]);
    expect(readList(Uint8Array.of(5))).toBeNull();
  });

  test("are refused when the list is cut off, of another type, or longer than OpenSSH reads", () => {
    const entry = concat(text("blob"), text("comment"));
    const full = (count: number, said = count) =>
      concat(Uint8Array.of(12), u32(said), ...Array.from({ length: count }, () => entry));
    expect(readList(full(2048))).toHaveLength(2048);
    for (const wrong of [full(2049), full(1, 2), full(1, 0xffff_ffff), full(3).slice(0, -1), Uint8Array.of(6)]) {
      expect(() => readList(wrong)).toThrow(WireError);
    }
  });

  test("give WireError or a value, whatever their bytes", () => {
    const random = makeRandom("damaged lists");
    const good = concat(Uint8Array.of(12), u32(3), ...["a", "b", "c", "d", "e", "f"].map(text));
    for (let round = 0; round < 1000; round++) {
      const damaged =
        random.below(4) === 0 ? random.bytes(random.below(80)) : good.slice(0, 1 + random.below(good.length));
      damaged[random.below(damaged.length || 1)] = random.below(256);
      for (const read of [readList, readOutcome]) {
        try {
          read(damaged);
        } catch (error) {
          if (!(error instanceof WireError)) throw error;
        }
      }
    }
  });
});
