import type { Call, Jump } from "./call.ts";
import { readConfigLine } from "./config-line.ts";
import { isHost, isPort, isUser, parseDestination, parseJumps } from "./destination.ts";
import { endedByDashes, type Grammar, readOptions } from "./ssh-options.ts";

/** What has been understood so far; the fields are those of `Call`. */
type Draft = {
  through: Call["through"];
  destination: string | null;
  host: string | null;
  user: string | null;
  port: string | null;
  jumps: readonly Jump[] | null;
  readonly identityFiles: string[];
  configFile: string | null;
  readonly options: { key: string; value: string }[];
  proxyCommand: boolean;
  printConfig: boolean;
  control: boolean;
  /** What ssh would start there: `-N`, `-W` and `-s` exclude each other (session_type in ssh.c, 8.7 and later). */
  session: "default" | "none" | "subsystem" | null;
};

/**
 * Reads ssh's command line (without the program's name) as main() in ssh.c does. It never fails: words that ssh would
 * refuse give a call with `through: "usage"`, and what was understood up to there.
 */
export function parseCall(words: readonly string[], grammar: Grammar): Call {
  const draft: Draft = {
    through: null,
    destination: null,
    host: null,
    user: null,
    port: null,
    jumps: null,
    identityFiles: [],
    configFile: null,
    options: [],
    proxyCommand: false,
    printConfig: false,
    control: false,
    session: null,
  };
  const commandAt = read(draft, words, grammar) ?? words.length;
  const { through, destination, host, user, port, jumps, identityFiles, configFile, options } = draft;
  return { words, through, destination, host, user, port, jumps, identityFiles, configFile, options, commandAt };
}

/** Fills the draft; the index of the command, or null when ssh does not get that far. */
function read(draft: Draft, words: readonly string[], grammar: Grammar): number | null {
  const take = (letter: string, value: string): boolean => takeOption(draft, letter, value);
  let stop = readOptions(words, 0, grammar, take);
  const word = words[stop.next];
  if (stop.why === "operands" && word !== undefined) {
    const destination = parseDestination(word);
    if (destination === null) return refuse(draft);
    draft.destination = word;
    draft.host = destination.host;
    draft.user ??= destination.user;
    draft.port ??= destination.port;
    stop = endedByDashes(words, stop.next)
      ? { why: "operands", next: stop.next + 1 }
      : readOptions(words, stop.next + 1, grammar, take);
  }
  if (stop.why === "taken") return null;
  if (stop.why === "wrong" || draft.host === null || !isHost(draft.host)) return refuse(draft);
  if (draft.user !== null && !isUser(draft.user)) return refuse(draft);
  if (draft.session === "subsystem" && stop.next >= words.length) return refuse(draft);
  draft.through = draft.printConfig ? "print-config" : draft.control ? "control" : null;
  return stop.next;
}

function refuse(draft: Draft): null {
  draft.through = "usage";
  return null;
}

/** One option; true when ssh would end there. First values win, as in ssh, but for `-F`. */
function takeOption(draft: Draft, letter: string, value: string): boolean {
  switch (letter) {
    case "V":
      draft.through = "version";
      break;
    case "Q":
      draft.through = "query";
      break;
    case "1":
      refuse(draft);
      break;
    case "G":
      draft.printConfig = true;
      break;
    case "O":
      draft.control = true;
      break;
    case "N":
      if (draft.session !== null && draft.session !== "none") refuse(draft);
      draft.session = "none";
      break;
    case "W":
      draft.session = "none";
      break;
    case "s":
      if (draft.session !== null && draft.session !== "subsystem") refuse(draft);
      draft.session = "subsystem";
      break;
    case "F":
      draft.configFile = value;
      break;
    case "i":
      draft.identityFiles.push(value);
      break;
    case "l":
      draft.user ??= value;
      break;
    case "p":
      if (draft.port === null && !isPort(value)) refuse(draft);
      else draft.port ??= value;
      break;
    case "J":
      if (draft.jumps !== null || draft.proxyCommand) refuse(draft);
      else takeJumps(draft, value);
      break;
    case "o":
      takeSetting(draft, value);
      break;
  }
  return draft.through !== null;
}

/** Checked even when it does not count. */
function takeJumps(draft: Draft, value: string): void {
  const jumps = parseJumps(value);
  if (jumps === null) refuse(draft);
  else if (!draft.proxyCommand) draft.jumps ??= jumps;
}

/** Keywords whose value is the rest of the line, quotes and all. */
const RAW = ["proxyjump", "proxycommand", "localcommand", "remotecommand", "knownhostscommand"];

/** Keywords that take exactly one value. */
const SINGLE = ["user", "port", "hostname", "identityfile", "sessiontype"];

/** Keywords that ssh has no use for on the command line. */
const FILE_ONLY = ["host", "match", "include"];

function takeSetting(draft: Draft, text: string): void {
  const line = readConfigLine(text);
  if (line.kind === "nothing") return;
  if (line.kind === "refused" || FILE_ONLY.includes(line.key)) {
    refuse(draft);
    return;
  }
  const key = line.key === "identityfile2" ? "identityfile" : line.key;
  const value = RAW.includes(key) ? rawValue(line.rest) : line.values.join(" ");
  draft.options.push({ key, value });
  if (SINGLE.includes(key) && (line.values.length !== 1 || value === "")) refuse(draft);
  else if (key === "user") draft.user ??= value;
  else if (key === "port" && !isPort(value)) refuse(draft);
  else if (key === "port") draft.port ??= value;
  else if (key === "proxyjump") takeJumps(draft, value);
  else if (key === "sessiontype") takeSessionType(draft, value.toLowerCase());
  else if (key === "proxycommand" && draft.jumps === null) draft.proxyCommand = true;
}

function rawValue(rest: string): string {
  return rest.replace(/^[ \t\r\n=]+/, "");
}

function takeSessionType(draft: Draft, name: string): void {
  if (name === "default" || name === "none" || name === "subsystem") draft.session ??= name;
  else refuse(draft);
}
