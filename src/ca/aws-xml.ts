/** XML as AWS's Query protocol answers with it: elements and text. Whatever else XML may hold is refused. */

export type XmlElement = {
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** What stands between its tags, when there are no elements in it. */
  readonly text: string;
};

const MAX_DEPTH = 16;
const ENTITIES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
};

/** Reads a document; throws an Error for anything that is not a tree of elements with text at its leaves. */
export function parseXml(document: string): XmlElement {
  const pattern = /<(\/?)([A-Za-z][A-Za-z0-9]*)(?: xmlns="[^"<&]*")?\s*(\/?)>|([^<>]+)/y;
  const stack: { name: string; children: XmlElement[]; text: string }[] = [{ name: "", children: [], text: "" }];
  pattern.lastIndex = /^\s*(<\?xml [^<>]*\?>)?/.exec(document)?.[0].length ?? 0;
  while (pattern.lastIndex < document.length) {
    const found = pattern.exec(document);
    const top = stack.at(-1);
    if (found === null || top === undefined) throw broken();
    const [, closing, name, empty, text] = found;
    if (name === undefined) top.text += unescaped(text ?? "");
    else if (closing === "") {
      stack.push({ name, children: [], text: "" });
      if (stack.length > MAX_DEPTH) throw broken();
      if (empty === "/") close(name);
    } else close(name);
  }
  const [root] = stack;
  const [only, ...others] = root?.children ?? [];
  if (stack.length !== 1 || only === undefined || others.length > 0 || root?.text.trim() !== "") throw broken();
  return only;

  function close(name: string): void {
    const element = stack.pop();
    const parent = stack.at(-1);
    if (element?.name !== name || parent === undefined) throw broken();
    if (element.children.length > 0 && element.text.trim() !== "") throw broken();
    parent.children.push(element);
  }
}

/** The one child of that name; throws an Error when there is none, or more than one. */
export function childOf({ children }: XmlElement, name: string): XmlElement {
  const [only, ...others] = children.filter((child) => child.name === name);
  if (only === undefined || others.length > 0) throw broken();
  return only;
}

function unescaped(text: string): string {
  return text.replace(/&[^;]*;?/g, (entity) => {
    const character = ENTITIES[entity];
    if (character === undefined) throw broken();
    return character;
  });
}

function broken(): Error {
  return Object.assign(new Error("an answer that is not the XML it should be"), { name: "InvalidAnswer" });
}
