// One certificate in the logs of the client, the CA and sshd.
import { Failure } from "../../failure.ts";
import { type LogRecord, linesOf, recordIn, textField } from "./logs.ts";
import { readSshdLine } from "./sshd-log.ts";

export type Place = "client" | "ca" | "sshd";

/** One thing that a log says; `time` is milliseconds since the epoch, null when its line has none. */
export type Traced = { readonly place: Place; readonly time: number | null; readonly what: LogRecord | string };

export type Tracing = {
  /** In order of time; what has none stands last. */
  readonly events: readonly Traced[];
  readonly requestIds: readonly string[];
  /** Why a log could not be read. */
  readonly unread: ReadonlyMap<Place, Failure>;
};

/** What of each log is shown at most. */
const MOST_EVENTS = 1000;

/** Looks through the logs, twice: a request's id that one of them gives with the serial number may be all that another has. */
export function findEvents(
  wanted: { readonly serial: bigint | null; readonly requestId: string | null },
  logs: Readonly<Record<Place, string | null>>,
): Tracing {
  const serial = wanted.serial === null ? null : `${wanted.serial}`;
  const ids = new Set(wanted.requestId === null ? [] : [wanted.requestId]);
  const unread = new Map<Place, Failure>();
  const places = (["ca", "client", "sshd"] as const).filter((place) => logs[place] !== null);
  const each = (see: (place: Place, seen: Seen) => void) => {
    for (const place of places) {
      if (unread.has(place)) continue;
      try {
        for (const line of linesOf(logs[place] ?? "")) {
          const seen = place === "sshd" ? sshdLine(line) : recordLine(line);
          if (seen !== null) see(place, seen);
        }
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        unread.set(place, error);
      }
    }
  };

  each((_, seen) => {
    if (seen.serial !== null && seen.serial === serial && seen.requestId !== null) ids.add(seen.requestId);
  });
  const found: Traced[] = [];
  const count: Record<Place, number> = { client: 0, ca: 0, sshd: 0 };
  each((place, seen) => {
    const isIt =
      serial !== null && seen.serial !== null
        ? seen.serial === serial
        : seen.requestId !== null && ids.has(seen.requestId);
    if (!isIt) return;
    if (count[place]++ < MOST_EVENTS) found.push({ place, time: seen.time, what: seen.what });
  });
  return { events: inOrder(found), requestIds: [...ids], unread };
}

type Seen = {
  readonly serial: string | null;
  readonly requestId: string | null;
  readonly time: number | null;
  readonly what: LogRecord | string;
};

function recordLine(line: string): Seen | null {
  const record = recordIn(line);
  if (record === null) return null;
  const time = Date.parse(textField(record, "time") ?? "");
  return {
    serial: textField(record, "serial"),
    requestId: textField(record, "requestId"),
    time: Number.isNaN(time) ? null : time,
    what: record,
  };
}

function sshdLine(line: string): Seen | null {
  const seen = readSshdLine(line);
  return seen === null ? null : { ...seen, time: timeOf(line), what: line };
}

/** Of syslog's two forms: `2024-05-06T07:08:09.123+02:00 …` and `May  6 07:08:09 …`, which is local and has no year. */
function timeOf(line: string): number | null {
  const [iso] = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)/.exec(line) ?? [];
  if (iso !== undefined) return orNull(Date.parse(iso));
  const [, day, clock] = /^([A-Z][a-z]{2} {1,2}\d{1,2}) (\d\d:\d\d:\d\d) /.exec(line) ?? [];
  if (day === undefined) return null;
  const now = new Date();
  const time = Date.parse(`${day} ${now.getFullYear()} ${clock}`);
  // A log of December, read in January.
  const isAhead = time > now.getTime() + 86_400_000;
  return orNull(isAhead ? Date.parse(`${day} ${now.getFullYear() - 1} ${clock}`) : time);
}

function orNull(time: number): number | null {
  return Number.isNaN(time) ? null : time;
}

/**
 * By time; but a certificate is made, then comes, then is used, whatever the clocks of the three say. So stand what has the same
 * time, or none.
 */
function inOrder(events: readonly Traced[]): Traced[] {
  const rank: Record<Place, number> = { ca: 0, client: 1, sshd: 2 };
  const made = Math.min(...events.flatMap(({ place, time }) => (place === "ca" && time !== null ? [time] : [])));
  const earliest = Number.isFinite(made) ? made : 0;
  const key = ({ time }: Traced) => (time === null ? Number.POSITIVE_INFINITY : Math.max(time, earliest));
  return events
    .map((event, index) => ({ event, index }))
    .sort((left, right) => {
      const [from, to] = [key(left.event), key(right.event)];
      if (from !== to) return from < to ? -1 : 1;
      return rank[left.event.place] - rank[right.event.place] || left.index - right.index;
    })
    .map(({ event }) => event);
}
