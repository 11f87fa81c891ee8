/** What the ssh under test is known to check; lines that need more are not made. */
export type Ability = {
  /** Refuses shell characters in hosts and users (9.6, and older ones of distributions). */
  readonly checksNames: boolean;
  /** Refuses them in jump hosts too. */
  readonly checksJumps: boolean;
  /** Knows `ssh` and `http` as ports: there is an /etc/services. */
  readonly knowsServices: boolean;
};

export type Line = {
  readonly words: readonly string[];
  /** The line sends ssh's messages elsewhere (`-E`, `-y`, `-q`), so that a refusal gives no reason. */
  readonly mute: boolean;
};

/** Files that lines name; `-i` counts for ssh only when the file exists. */
export type Files = { readonly configs: readonly string[]; readonly keys: readonly string[] };

export type Random = {
  /** An integer from 0 to `below` - 1. */
  readonly number: (below: number) => number;
  readonly pick: <T>(choices: readonly T[]) => T;
  /** True once in `times`. */
  readonly once: (times: number) => boolean;
};

/** A small generator of random numbers (mulberry32); one seed gives one sequence. */
export function makeRandom(seed: number): Random {
  let state = seed >>> 0;
  const number = (below: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
  const pick = <T>(choices: readonly T[]): T => {
    const choice = choices[number(choices.length)];
    if (choice === undefined) throw new RangeError("nothing to choose from");
    return choice;
  };
  return { number, pick, once: (times) => number(times) === 0 };
}

const HOSTS = [
  ...[
    "web1",
    "db.example.org",
    "Web1.Example.ORG",
    "a-b_c",
    "10.1.2.3",
    "x",
    "localhost",
    "web1",
    "status",
    "ssh",
    "scp",
  ],
  ...[
    "h:22",
    "[::1]",
    "h/x",
    "h%x",
    "h*?",
    "h[~!#=]",
    "SSH://h",
    "ssh:/h",
    "ssh:h",
    "häst",
    "h.",
    "",
    "h=p",
    "h#c",
    "h..x",
  ],
];
const WRONG_HOSTS = [
  "-h",
  "a;b",
  "a b",
  "a$b",
  "a'b",
  'a"b',
  "a`b",
  "a|b",
  "a&b",
  "a\\b",
  "a,b",
  "a(b",
  "a{b",
  "a<b",
  "a\nb",
  "a\tb",
];
const USERS = [
  "alice",
  "Bob",
  "a.b-c",
  "a@b",
  "a b",
  "ü",
  "a\\b",
  "a$b",
  "a=b",
  "a#b",
  "a%b",
  "a:b",
  "a/b",
  "a,b",
  "a~",
  "+x",
  "a+b",
  "@",
];
const WRONG_USERS = ["-x", "a;b", "a 'b", 'a"b', "a -b", "a\\", "a`b", "(a", "a|b", "a\nb", "a\u007f"];
const PORTS = ["22", "2200", "1", "65535", "022", "+22", " 22", "00443", "2222", "3"];
const WRONG_PORTS = ["0", "70000", "22x", "", "-22", "22 ", "0x16", "+", "1e3", "99999999999999999999", "2 2"];
const COMMANDS = [
  "uptime",
  "ls",
  "-l",
  "-p",
  "2200",
  "-V",
  "--",
  "",
  "a 'b'",
  "a\nb",
  "-oUser=no",
  "$x",
  "\u00fc",
  "-",
  "echo hi  there",
];

/** One command line, with a mistake in about one of eight. */
export function makeLine(random: Random, ability: Ability, files: Files): Line {
  const make = { random, ability, files };
  const words: string[] = [];
  let mute = false;
  const options = (most: number): void => {
    for (let left = random.number(most + 1); left > 0; left--) {
      const made = makeOption(make);
      words.push(...made.words);
      mute ||= made.mute;
    }
  };
  options(4);
  if (random.once(8)) words.push("--");
  if (!random.once(60)) {
    words.push(makeDestination(make));
    if (random.once(3)) options(3);
    if (random.once(8)) words.push("--");
    if (random.once(3)) for (let left = random.number(4); left > 0; left--) words.push(random.pick(COMMANDS));
    if (random.once(6)) options(2);
  }
  if (random.once(80)) words.push(random.pick(["-p", "-o", "-l", "-i", "-J", "-vp", "-F", "-Q"]));
  if (random.once(80))
    words.splice(random.number(words.length + 1), 0, random.pick(["", "-", "--", "-v-", "---", "-4-6"]));
  return { words, mute };
}

type Make = { readonly random: Random; readonly ability: Ability; readonly files: Files };

function makeOption(make: Make): Line {
  const { random } = make;
  let bundle = "";
  let mute = false;
  for (let left = random.once(2) ? 0 : random.number(4); left > 0; left--)
    bundle += random.pick([..."246ACKMTXYagknqtvvxvxtT"]);
  if (random.once(25)) bundle += random.pick([..."fssNNNGGGy"]);
  if (random.once(120)) bundle += random.pick([..."VV1zhH:0?=ü~"]);
  if (/[yq]/.test(bundle)) mute = true;
  if (bundle !== "" && random.once(2)) return { words: [`-${bundle}`], mute };
  const [letter, value] = makeValued(make);
  if (letter === "E") mute = true;
  const head = `-${bundle}${letter}`;
  return { words: value === "" || random.once(2) ? [head, value] : [head + value], mute };
}

function makeValued(make: Make): readonly [string, string] {
  const { random, files } = make;
  switch (random.number(14)) {
    case 0:
    case 1:
      return ["p", makePort(make)];
    case 2:
    case 3:
      return ["l", makeUser(make)];
    case 4:
      return ["i", random.pick(files.keys)];
    case 5:
      return ["J", makeJumps(make)];
    case 6:
      return ["F", random.pick([...files.configs, "none", "NONE"])];
    case 7:
      return random.pick([
        ["L", "8080:localhost:80"],
        ["R", "9090:localhost:90"],
        ["D", "1080"],
        ["w", "any"],
        ["w", "0:1"],
        ["c", "aes128-ctr"],
        ["m", "hmac-sha2-256"],
        ["e", "none"],
        ["e", "~"],
        ["e", "^a"],
        ["E", "/dev/null"],
        ["I", "/nonexistent.so"],
      ]);
    case 8:
      return random.once(4)
        ? random.pick([
            ["W", "inner:22"],
            ["O", "check"],
            ["O", "exit"],
            ["O", "stop"],
            ["Q", "cipher"],
            ["Q", "key"],
          ])
        : ["B", random.pick(["lo", "-p", "--", "x y"])];
    case 9:
      return [random.pick(["b", "S"]), random.pick(["127.0.0.1", "--", "-p", "-p22", "", "host", "none", "a b"])];
    default:
      return ["o", makeSetting(make)];
  }
}

function makePort({ random, ability }: Make): string {
  if (random.once(40)) return random.pick(WRONG_PORTS);
  return ability.knowsServices && random.once(8) ? random.pick(["ssh", "http"]) : random.pick(PORTS);
}

function makeUser({ random, ability }: Make): string {
  if (ability.checksNames && random.once(40)) return random.pick(WRONG_USERS);
  return random.once(30) ? "" : random.pick(USERS);
}

function makeHost({ random, ability }: Make): string {
  return ability.checksNames && random.once(40) ? random.pick(WRONG_HOSTS) : random.pick(HOSTS);
}

function makeDestination(make: Make): string {
  const { random } = make;
  if (random.once(5)) return makeUri(make);
  return random.once(2) ? makeHost(make) : `${makeUser(make)}@${makeHost(make)}`;
}

function makeUri(make: Make): string {
  const { random } = make;
  const user = random.pick(["", "", "alice@", "u%40x@", "a+b@", "a;fp=1@", "%C3%BC@", "a%20b@", "A@"]);
  const host = random.pick(["web1", "Web1.example.ORG", "a_b", "10.1.2.3", "h.", "h-", "[web1]", "9h"]);
  const port = random.once(2) ? `:${makePort(make)}` : "";
  const uri = `ssh://${user}${host}${port}${random.once(4) ? "/" : ""}`;
  if (!random.once(10)) return uri;
  const wrong = [
    "ssh://",
    "ssh:///",
    "ssh://@h",
    "ssh://h/x",
    "ssh://h//",
    "ssh://[::1]",
    "ssh://u%2@h",
    "ssh://u@v@h",
    "ssh://;x@h",
  ];
  return random.pick([
    ...wrong,
    "ssh://h..x",
    "ssh://-h",
    "ssh://.h",
    "ssh://h%41",
    "ssh://[h",
    "ssh://[h]x",
    "ssh://h:1:2",
    "ssh://h,x",
  ]);
}

/** Hops but the last are made in the form in which `ssh -G` repeats them. */
function makeJumps(make: Make): string {
  const { random, ability } = make;
  if (random.once(8)) return random.pick(["none", "NONE", "None"]);
  if (random.once(12)) {
    const wrong = [
      "",
      "a,",
      ",a",
      "a,,b",
      "@a",
      "u@",
      "a:0",
      "a:22:33",
      "[a",
      "[a]b",
      "a/22",
      "a/",
      "::1",
      "ssh://a/x",
      "ssh://-a",
    ];
    const shell = [";", "a;b", "-a", " a", "u;v@a", "a,b$c", "-a,b", '"a"', "ssh://a%3bb@c"];
    return random.pick(ability.checksJumps && random.once(2) ? shell : wrong);
  }
  const hops: string[] = [];
  for (let left = random.number(3); left > 0; left--) {
    hops.push(
      random.pick(["", "u@", "a@b@"]) +
        random.pick(["jump1", "J.example.org", "[::1]", "10.0.0.1"]) +
        random.pick(["", ":22", ":2200"]),
    );
  }
  const last = random.pick(["jump9", "J.Example.Org", "[fe80::1%eth0]", "none", "[h]", "h*", "häst"]);
  hops.push(
    random.once(5)
      ? makeUri(make).replace(/[ ,#]/g, "")
      : random.pick(["", "u@", "a@b@", "ü@"]) + last + random.pick(["", ":", ":22", ":022", ":+7"]),
  );
  return hops.join(",") + (random.once(12) ? random.pick(["#c", " x", " ", "\t#", " #,"]) : "");
}

function makeSetting(make: Make): string {
  const { random } = make;
  if (random.once(60)) return random.pick(ODD_SETTINGS);
  const judged = !random.once(4);
  const [key, value] = judged ? makeJudgedPair(make) : makeOtherPair(make);
  const cased = random.pick([key, key, key.toLowerCase(), key.toUpperCase()]);
  const lead = random.once(12) ? random.pick([" ", "\t", "=", " = ", "  "]) : "";
  const named = random.once(20) ? `"${cased}"` : cased;
  const between = named === cased ? random.pick([...BETWEEN, judged ? "==" : "="]) : " ";
  const trail = random.once(10)
    ? random.pick([" ", "\t", " # x", "\n", "\f", " #", ...(judged ? [' ""', " x"] : [])])
    : "";
  return lead + named + between + value + trail;
}

const BETWEEN = ["=", "=", "=", " ", "\t", " = ", "= ", " =", "  ", "\t=\t", "\n"];
const ODD_SETTINGS = [
  "",
  " ",
  "#",
  "# User=x",
  '"',
  '"User x',
  "=",
  "Host x",
  "Match all",
  "Include x",
  'User "a',
  "SendEnv 'x",
];

/** Settings whose value the parser judges. */
function makeJudgedPair(make: Make): readonly [string, string] {
  const { random } = make;
  switch (random.number(8)) {
    case 0:
    case 1:
      return ["User", quoted(make, makeUser(make))];
    case 2:
      return ["Port", quoted(make, makePort(make))];
    case 3:
      return [
        "HostName",
        quoted(make, random.pick(["real.example.org", "Real", "%h.inner", "10.9.8.7", "a b", "a;b", "-x"])),
      ];
    case 4:
      return ["ProxyJump", makeJumps(make)];
    case 5:
      return ["SessionType", random.pick(["default", "none", "NONE", "subsystem"])];
    case 6:
      return ["ProxyCommand", random.pick(["none", "nc %h %p", '"nc" x', "#", "sh -c 'x y'"])];
    default:
      return [
        random.pick(["IdentityFile", "identityfile2"]),
        quoted(make, random.pick(["id-o1", "id-o2", "id o3", "none", "id#4"])),
      ];
  }
}

/** Settings that the parser only carries. */
function makeOtherPair(make: Make): readonly [string, string] {
  const { random } = make;
  return random.pick([
    ["SendEnv", "A B"],
    ["SendEnv", '"A B" C'],
    ["IdentitiesOnly", "yes"],
    ["ForwardX11", quoted(make, "no")],
    ["ServerAliveInterval", "30"],
    ["StrictHostKeyChecking", quoted(make, "no")],
    ["LocalCommand", "echo 'a b'"],
  ]);
}

/** The value in one of ssh's ways of quoting, sometimes as it is although it needs some. */
function quoted({ random }: Make, value: string): string {
  const escaped = value.replace(/["'\\]/g, "\\$&");
  switch (random.number(7)) {
    case 0:
      return `"${escaped}"`;
    case 1:
      return `'${escaped}'`;
    case 2:
      return `${escaped.slice(0, 1)}"${escaped.slice(1)}"`.replace(/^\\"/, '"\\');
    case 3:
      return escaped.replaceAll(" ", "\\ ");
    default:
      return /[ "'\\#]/.test(value) && !random.once(10) ? `"${escaped}"` : value;
  }
}
