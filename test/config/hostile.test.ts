import { describe, expect, test } from "bun:test";
import { load, refusal, USER } from "./support.ts";

describe("an unknown key", () => {
  test.each([
    ["domain_regexp = 'a'", "unknown key domain_regexp; did you mean domain_regex?"],
    ["idenity_file = '/k'", "unknown key idenity_file; did you mean identity_file?"],
    ["bastoin_ips = []", "unknown key bastoin_ips; did you mean bastion_ips?"],
    ["kms_service_name = 'b'", "unknown key kms_service_name; did you mean kmsauth_service?"],
    ["function = 'b'", "unknown key function; put function under [lambda]"],
    ["[lamda]\nfunction = 'b'", "unknown key lamda; did you mean lambda?"],
    ["[lambda]\nfuncton = 'b'", "unknown key lambda.functon; did you mean lambda.function?"],
    ["[lambda]\nbastion_ips = []", "unknown key lambda.bastion_ips; move bastion_ips above the first [table]"],
    ["lambda = 1", "lambda is no table; write its settings under a line [lambda]"],
    [
      "[[region]]\nalias='A'\naws_region='eu-west-1'\nkmsauth_key='k'\nregion='x'",
      "unknown key region[0].region; did you mean aws_region?",
    ],
    [
      "[[region]]\nalias='A'\naws_region='eu-west-1'\nkmsauth_key='k'\nkms_auth_key='x'",
      "unknown key region[0].kms_auth_key; did you mean kmsauth_key?",
    ],
    [
      "[[region]]\nalias='A'\naws_region='eu-west-1'\nkmsauth_key='k'\nrequired=true",
      "unknown key region[0].required; move required above the first [table]",
    ],
    ["quite_something_else = 1", "unknown key quite_something_else; take it out (config.example.toml has every key)"],
    ["__proto__ = 1", "unknown key __proto__; take it out (config.example.toml has every key)"],
    ["[__proto__]\nrequired = true", "unknown key __proto__; take it out (config.example.toml has every key)"],
    ["constructor = 1", "unknown key constructor; take it out (config.example.toml has every key)"],
    ["[lambda.__proto__]\nrole = 'a'", "unknown key lambda.__proto__; take it out (config.example.toml has every key)"],
    ['"\\u001b[31mred" = 1', "unknown key ?[31mred; take it out (config.example.toml has every key)"],
  ])("is named with its line: %s", (text, sentence) => {
    const lines = text.split("\n");
    const line =
      sentence.includes(" lamda;") || text.startsWith("[__proto__]") || text.startsWith("[lambda.__proto__]")
        ? 3
        : lines.length + 2;
    expect(refusal(`\n\n${text}\n`)).toBe(`${USER}:${line}: ${sentence}`);
  });
});

describe("a file that is no TOML", () => {
  test.each([
    ["required = true\nrequired = true", "2:1", "a key or table that is there already"],
    ["[lambda]\n[lambda]", "2:2", "a key or table that is there already"],
    ["required = true # \u0001", "1:19", "a control character"],
    ["aws_profile = 'a' b", "1:19", "something behind the value"],
    ["aws_profile = 'a", "1:15", "a text whose closing quote is missing"],
    ["bastion_ips = ['a'\n", "2:1", "a comma or the closing bracket is missing"],
    ["session_seconds = 03600", "1:19", "a number with a zero in front"],
    ["session_seconds = 99999999999999999999", "1:19", "a number that is too large"],
    ["domain_regex = '(\n)'", "1:18", "a text whose closing quote is missing"],
    ['domain_regex = "\\d"', "1:18", "a backslash that TOML does not know (in single quotes it stands for itself)"],
    ["hello", "1:", ""],
    ["aws_profile = corp", "1:", "a value that is neither text in quotes nor number, true, false or array"],
    ["\u0000", "1:1", ""],
  ])("is refused with line and column, in our words: %j", (text, place, words) => {
    const sentence = refusal(text);
    expect(sentence).toStartWith(`${USER}:${place}`);
    expect(sentence).toContain(words);
    expect(sentence).toEndWith("; write KEY = VALUE on a line of its own, text in quotes");
    expect(sentence).not.toContain("\n");
  });

  test("but python-blessclient's own is recognised", () => {
    expect(refusal("[MAIN]\nregion_aliases: A\n")).toEndWith(
      "this is python-blessclient's form; turn it into ours with bssh config import FILE",
    );
  });
});

describe("a hostile file", () => {
  test.each([
    ["huge", "#".repeat(256 * 1024 + 1)],
    ["nested deeply in brackets", `bastion_ips = ${"[".repeat(100_000)}`],
    ["nested deeply in braces", `lambda = ${"{a=".repeat(50_000)}`],
    ["nested deeply in keys", `${"a.".repeat(100_000)}a = 1`],
    ["full of tables", "[[region]]\n".repeat(20_000)],
    ["full of addresses", `bastion_ips = [${"'10.0.0.1',".repeat(15_000)}]`],
    ["full of unknown keys", Array.from({ length: 10_000 }, (_, index) => `key_number_${index} = 1\n`).join("")],
    ["one long key of dots", `"${"a.".repeat(100_000)}" = 1`],
    ["one long key of brackets", `"${"[".repeat(200_000)}" = 1`],
    [
      "full of keys of dots",
      Array.from({ length: 1000 }, (_, index) => `"${"a.".repeat(100)}${index}" = 1\n`).join(""),
    ],
    ["one long key", `${"k".repeat(200_000)} = 1`],
  ])("that is %s is refused quickly", (_name, text) => {
    const started = performance.now();
    const sentence = refusal(text);
    expect(sentence.length).toBeLessThan(400);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test("cannot change what objects are", () => {
    refusal("[__proto__]\npolluted = true\n");
    refusal("constructor.prototype.polluted = true\n");
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("may begin with a byte order mark and end its lines as Windows does", () => {
    expect(load("\ufeffrequired = true\r\n[lambda]\r\nrole = 'a'\r\n").settings.role).toBe("a");
  });
});
