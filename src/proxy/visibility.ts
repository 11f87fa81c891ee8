// What a proxy makes while ssh waits may come too late for it. ssh up to 10.4 connects first and reads its identity and
// certificate files then (ssh.c, main); with plain pipes "connected" is as soon as the proxy was started, with
// ProxyUseFdpass it is once the descriptor has come. ssh 10.5 (commit 29f1b46e0) reads the files before it connects. The
// agent is asked for its list at authentication, after the connection, in every version.

/** How ssh gets the connection from its ProxyCommand: through two pipes, or as a descriptor (ProxyUseFdpass). */
export type Way = "pipes" | "descriptor";

/** What of a certificate made by the proxy this ssh still sees; the agent's only unless IdentitiesOnly is set. */
export type Visibility = { readonly files: boolean; readonly agent: boolean };

type Row = {
  /** First version, major and minor, that behaves so. */
  readonly from: readonly [number, number];
  readonly sees: Readonly<Record<Way, Visibility>>;
};

const FILES_AND_AGENT = { files: true, agent: true };
const AGENT_ONLY = { files: false, agent: true };

/** Newest first. */
const ROWS: readonly Row[] = [
  { from: [10, 5], sees: { pipes: AGENT_ONLY, descriptor: AGENT_ONLY } },
  { from: [0, 0], sees: { pipes: AGENT_ONLY, descriptor: FILES_AND_AGENT } },
];

/**
 * What an ssh sees, by the answer of its `ssh -V` (`OpenSSH_9.2p1 Debian-2, …`). Of one that doesn't tell its version the
 * least is expected.
 */
export function visibility(version: string | null, way: Way): Visibility {
  const found = /OpenSSH_(?:for_\w+_)?(\d{1,4})\.(\d{1,4})/.exec(version ?? "");
  if (found === null) return AGENT_ONLY;
  const [major, minor] = [Number(found[1]), Number(found[2])];
  const row = ROWS.find(({ from }) => major > from[0] || (major === from[0] && minor >= from[1]));
  return row === undefined ? AGENT_ONLY : row.sees[way];
}
