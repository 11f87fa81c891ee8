// Shared connections: ssh's own ControlMaster in a private folder. A login over a live one takes a sixth of the time of the first.
// Only where a login over somebody else's connection is the same login.
import type { Call } from "../argv/call.ts";
import type { System } from "../system/system.ts";
import { objection, type Rules } from "./objection.ts";

const OWN = "there is a control master already, or none is wanted";
const ROUTE = "%C does not tell ways to a host apart before 9.5";
const SOURCE = "a shared connection has an address of its own";
const FORWARDS = "forwarded ports would stay open as long as the shared connection";
const DISPLAY = "a shared connection has the display of the login that made it";
const AGENT = "a shared connection has the agent of the login that made it";
const BACKGROUND = "a login that goes to the background decides by itself when it ends";
const LOCAL = "ssh runs no LocalCommand over a shared connection";
const TIME_OUT = "nothing bounds the wait for a shared connection that has gone mute";
const PARTICULAR = "a shared connection was made without it";
const FAULTS = "who looks for a fault wants a connection of their own";

/** Keywords that are settled when a connection is made. In a file they are the same for whoever makes it. */
const CONNECTION = [
  "casignaturealgorithms channeltimeout checkhostip ciphers compression compressionlevel connectionattempts fingerprinthash",
  "globalknownhostsfile globalknownhostsfile2 gssapiauthentication gssapiclientidentity gssapidelegatecredentials",
  "gssapikexalgorithms gssapikeyexchange gssapirenewalforcesrekey gssapiserveridentity gssapitrustdns hashknownhosts",
  "hostbasedacceptedalgorithms hostbasedauthentication hostbasedkeytypes hostkeyalgorithms hostkeyalias identitiesonly",
  "ipqos kbdinteractiveauthentication kbdinteractivedevices kexalgorithms knownhostscommand macs",
  "nohostauthenticationforlocalhost passwordauthentication pkcs11provider preferredauthentications protocol",
  "pubkeyacceptedalgorithms pubkeyacceptedkeytypes pubkeyauthentication rekeylimit requiredrsasize revokedhostkeys",
  "serveralivecountmax serveraliveinterval stricthostkeychecking tag tcpkeepalive userknownhostsfile userknownhostsfile2",
  "verifyhostkeydns",
];

/** ssh_config(5) of 9.2 to 10.5, with what it no longer names but still reads. */
export const SHARING_RULES: Rules = {
  against: {
    addressfamily: SOURCE,
    bindaddress: SOURCE,
    bindinterface: SOURCE,
    canonicaldomains: "the name that is connected to is not known before",
    canonicalizefallbacklocal: "the name that is connected to is not known before",
    canonicalizehostname: "the name that is connected to is not known before",
    canonicalizemaxdots: "the name that is connected to is not known before",
    canonicalizepermittedcnames: "the name that is connected to is not known before",
    connecttimeout: TIME_OUT,
    controlmaster: OWN,
    controlpath: OWN,
    controlpersist: OWN,
    dynamicforward: FORWARDS,
    enableescapecommandline: "~C is not to be had over a shared connection",
    forkafterauthentication: BACKGROUND,
    forwardagent: AGENT,
    forwardx11: DISPLAY,
    forwardx11trusted: DISPLAY,
    localcommand: LOCAL,
    localforward: FORWARDS,
    permitlocalcommand: LOCAL,
    proxycommand: ROUTE,
    proxyjump: ROUTE,
    proxyusefdpass: ROUTE,
    refuseconnection: "no connection is wanted",
    remoteforward: FORWARDS,
    sessiontype: "-N keeps a connection of its own",
    setuptimeout: TIME_OUT,
    tunnel: FORWARDS,
    tunneldevice: FORWARDS,
    useprivilegedport: SOURCE,
  },
  againstTyped: {
    ...Object.fromEntries(CONNECTION.flatMap((line) => line.split(" ")).map((keyword) => [keyword, PARTICULAR])),
    loglevel: FAULTS,
    logverbose: FAULTS,
  },
  harmlessValues: {
    forkafterauthentication: /^no$/i,
    forwardagent: /^no$/i,
    forwardx11: /^no$/i,
    forwardx11trusted: /^no$/i,
    loglevel: /^(quiet|fatal|error|info)$/i,
    permitlocalcommand: /^no$/i,
    sessiontype: /^(default|subsystem)$/i,
    tunnel: /^no$/i,
  },
  harmless: new Set(
    [
      "addkeystoagent batchmode certificatefile challengeresponseauthentication clearallforwardings enablesshkeysign",
      "escapechar exitonforwardfailure forwardx11timeout gatewayports host hostname identityagent identityfile identityfile2",
      "ignoreunknown include match numberofpasswordprompts obscurekeystroketiming permitremoteopen port remotecommand",
      "requesttty securitykeyprovider sendenv setenv stdinnull streamlocalbindmask streamlocalbindunlink syslogfacility",
      "updatehostkeys usekeychain user versionaddendum visualhostkey warnweakcrypto xauthlocation",
    ].flatMap((line) => line.split(" ")),
  ),
  harmlessLetters: "2FTaegiklnopqstx",
  againstLetters: {
    4: SOURCE,
    6: SOURCE,
    A: AGENT,
    B: SOURCE,
    C: PARTICULAR,
    D: FORWARDS,
    E: FAULTS,
    I: PARTICULAR,
    J: ROUTE,
    K: PARTICULAR,
    L: FORWARDS,
    M: OWN,
    N: "it keeps a connection of its own",
    P: "it means different things to different versions of ssh",
    R: FORWARDS,
    S: OWN,
    W: "it is itself a part of somebody's way to a host",
    X: DISPLAY,
    Y: DISPLAY,
    Z: "it means different things to different versions of ssh",
    b: SOURCE,
    c: PARTICULAR,
    f: BACKGROUND,
    m: PARTICULAR,
    v: FAULTS,
    w: FORWARDS,
    y: FAULTS,
  },
};

/** Longest idle time of a shared connection, seconds. */
const IDLE_SECONDS = 600;
/** Longest path of a socket that every system takes: macOS has 104 bytes with the NUL, Linux 108 (sun_path in unix(7)). */
const SOCKET_PATH = 103;
/** What ssh puts behind the path while it makes the socket: a dot and 16 letters (muxserver_listen() in mux.c). */
const TEMPORARY = 17;
/** Characters of `%C`: a SHA-1 of local name, host, port and user, in hexadecimal. */
const HASH = 40;

/** Where the sockets of shared connections are. */
export function sharingFolder(state: string): string {
  return `${state}/share`;
}

/**
 * The words that make ssh use a live shared connection, or leave one behind; none when something typed or configured speaks
 * against it, when the folder is not there (ssh would fail), or when its path is too long for a socket.
 *
 * The socket's name holds the certificate's serial, so that a renewed certificate makes a connection of its own, and the
 * host as typed, as two names for one address may have two host keys (HostKeyAlias).
 */
export function sharingWords(parts: {
  readonly system: Pick<System, "may">;
  readonly call: Call;
  readonly mentioned: ReadonlySet<string> | null;
  /** Folder of bssh's state. */
  readonly state: string;
  /** Serial of the certificate that the login is made with. */
  readonly serial: string;
  /** Seconds until the certificate ends. */
  readonly endsInSeconds: number;
}): string[] {
  const { system, call, state } = parts;
  const seconds = Math.min(Math.floor(parts.endsInSeconds), IDLE_SECONDS);
  if (!(seconds > 0) || call.host === null) return [];
  const folder = sharingFolder(state);
  const name = shortHash(`${parts.serial}\n${call.host}`);
  // The path is ssh's config parser's: these characters mean themselves there.
  if (!/^\/[\w./@+,-]*$/.test(folder)) return [];
  if (folder.length + 1 + name.length + HASH + TEMPORARY > SOCKET_PATH) return [];
  if (!system.may(folder, "execute") || objection(SHARING_RULES, call, parts.mentioned) !== null) return [];
  const settings = ["ControlMaster=auto", `ControlPath=${folder}/${name}%C`, `ControlPersist=${seconds}`];
  return settings.flatMap((setting) => ["-o", setting]);
}

/** Six characters, 31 bits: there are few shared connections at a time, and the path is short. */
function shortHash(text: string): string {
  const hexadecimal = new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 12);
  return Number.parseInt(hexadecimal, 16).toString(36).padStart(10, "0").slice(-6);
}
