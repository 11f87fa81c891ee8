// Our own dialer (`bssh proxy` with ProxyUseFdpass): it connects, turns Nagle's delay off, which ssh leaves on until the session
// starts, and hands the socket to ssh. That takes a delayed acknowledgement (40 ms) out of a login. Only where ssh would
// connect in the plainest way: what the dialer can't do just as ssh does is a reason to stay out.
import type { Call } from "../argv/call.ts";
import { objection, type Rules } from "./objection.ts";

const NAMES = "ssh makes names canonical in another way, or not at all, behind a ProxyCommand";
const ATTEMPTS = "the dialer knows no time-outs and attempts of ssh's";
const MASTER = "a live control master needs no dialer, and ControlPersist silences it";
const WORDS = "what the dialer has to say would not keep to it";
const SOURCE = "the dialer leaves the choice of its own address to the system";
const FAMILY = "the dialer takes addresses of every family";
const ROUTE = "the way to the host is chosen already";

/** ssh_config(5) of 9.2 to 10.5, with what it no longer names but still reads. */
export const DIALER_RULES: Rules = {
  against: {
    addressfamily: FAMILY,
    bindaddress: SOURCE,
    bindinterface: SOURCE,
    canonicaldomains: NAMES,
    canonicalizefallbacklocal: NAMES,
    canonicalizehostname: NAMES,
    canonicalizemaxdots: NAMES,
    canonicalizepermittedcnames: NAMES,
    checkhostip: "ssh does not check the address behind a ProxyCommand",
    connectionattempts: ATTEMPTS,
    connecttimeout: ATTEMPTS,
    controlmaster: MASTER,
    controlpath: MASTER,
    controlpersist: MASTER,
    enablesshkeysign: "ssh-keysign looks at the connection itself",
    gssapitrustdns: "the peer's name is looked up by the address of the connection",
    hostbasedauthentication: "ssh-keysign looks at the connection itself",
    ipqos: "the dialer's own packets would not be marked",
    loglevel: WORDS,
    logverbose: WORDS,
    nohostauthenticationforlocalhost: "ssh does not know that the host is this machine behind a ProxyCommand",
    proxycommand: ROUTE,
    proxyjump: ROUTE,
    proxyusefdpass: ROUTE,
    refuseconnection: "no connection is wanted",
    setuptimeout: ATTEMPTS,
    tcpkeepalive: "the dialer always switches it on",
    useprivilegedport: SOURCE,
    verifyhostkeydns: "how ssh verifies the key behind a ProxyCommand has not been tried",
  },
  againstTyped: {
    hostname: "it has characters that no host name has",
  },
  harmlessValues: {
    // A quote would reach the shell that ssh runs the dialer with.
    hostname: /^[\w.:%-]+$/,
  },
  harmless: new Set(
    [
      "addkeystoagent batchmode casignaturealgorithms certificatefile challengeresponseauthentication channeltimeout ciphers",
      "clearallforwardings compression compressionlevel dynamicforward enableescapecommandline escapechar",
      "exitonforwardfailure fingerprinthash forkafterauthentication forwardagent forwardx11 forwardx11timeout",
      "forwardx11trusted gatewayports globalknownhostsfile globalknownhostsfile2 gssapiauthentication gssapiclientidentity",
      "gssapidelegatecredentials gssapikexalgorithms gssapikeyexchange gssapirenewalforcesrekey gssapiserveridentity",
      "hashknownhosts host hostbasedacceptedalgorithms hostbasedkeytypes hostkeyalgorithms hostkeyalias identitiesonly",
      "identityagent identityfile identityfile2 ignoreunknown include kbdinteractiveauthentication kbdinteractivedevices",
      "kexalgorithms knownhostscommand localcommand localforward macs match numberofpasswordprompts",
      "obscurekeystroketiming passwordauthentication permitlocalcommand permitremoteopen pkcs11provider port",
      "preferredauthentications protocol pubkeyacceptedalgorithms pubkeyacceptedkeytypes pubkeyauthentication rekeylimit",
      "remotecommand remoteforward requesttty requiredrsasize revokedhostkeys securitykeyprovider sendenv",
      "serveralivecountmax serveraliveinterval sessiontype setenv stdinnull streamlocalbindmask streamlocalbindunlink",
      "stricthostkeychecking syslogfacility tag tunnel tunneldevice updatehostkeys usekeychain user userknownhostsfile",
      "userknownhostsfile2 versionaddendum visualhostkey warnweakcrypto xauthlocation",
    ].flatMap((line) => line.split(" ")),
  ),
  harmlessLetters: "2ACDFIKLNRTXYacefgiklmnopstwx",
  againstLetters: {
    4: FAMILY,
    6: FAMILY,
    B: SOURCE,
    E: WORDS,
    J: ROUTE,
    M: MASTER,
    P: "it means different things to different versions of ssh",
    S: MASTER,
    W: "it is itself a part of somebody's way to a host",
    Z: "it means different things to different versions of ssh",
    b: SOURCE,
    q: WORDS,
    v: "who looks for a fault wants to see ssh's own connecting",
    y: WORDS,
  },
};

/**
 * The words that make ssh connect through `bssh proxy`; none when something typed or configured speaks against it.
 * `program` is the path of bssh; `mentioned` what `mentionedKeywords` says. ssh must run it with `BLESS_COMPLETE` set, so that
 * it sees to no certificate.
 */
export function dialerWords(parts: {
  readonly call: Call;
  readonly mentioned: ReadonlySet<string> | null;
  readonly program: string;
}): string[] {
  const program = commandWord(parts.program);
  if (program === null || objection(DIALER_RULES, parts.call, parts.mentioned) !== null) return [];
  return ["-o", "ProxyUseFdpass=yes", "-o", `ProxyCommand=${program} proxy -- '%h' %p`];
}

/**
 * A path as a word of ProxyCommand: ssh's config parser wants quotes balanced, `%` starts a token, and the shell of `$SHELL`
 * runs it. A backslash before each special character is the one notation that sh, zsh, fish and tcsh read alike. Null for
 * characters that can't be written so.
 */
function commandWord(path: string): string | null {
  if (!path.startsWith("/") || /\p{Cc}|\uFFFD/u.test(path)) return null;
  return path.replaceAll("%", "%%").replace(/[^\w./:@%+,\u0080-\u{10FFFF}-]/gu, "\\$&");
}
