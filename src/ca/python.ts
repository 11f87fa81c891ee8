/** BLESS answers with `str()` of a Python dict; its clients show or compare that text. */

/** `{'field': ['Message.'], …}` as Python 3 prints it. */
export function pythonDict(messages: ReadonlyMap<string, string>): string {
  const entries = [...messages].map(([name, message]) => `${pythonString(name)}: [${pythonString(message)}]`);
  return `{${entries.join(", ")}}`;
}

/** `repr()` of a str: characters that cannot be printed are escaped. */
function pythonString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inside = Array.from(text, (character) => {
    if (character === "\\" || character === quote) return `\\${character}`;
    if (character === "\n") return "\\n";
    if (character === "\r") return "\\r";
    if (character === "\t") return "\\t";
    return character !== " " && /^[\p{C}\p{Z}]$/u.test(character) ? escaped(character) : character;
  });
  return `${quote}${inside.join("")}${quote}`;
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16);
  if (code < 0x100) return `\\x${digits.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${digits.padStart(4, "0")}` : `\\U${digits.padStart(8, "0")}`;
}
