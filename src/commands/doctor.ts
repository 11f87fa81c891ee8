import { loadConfig } from "../config/load.ts";
import { Failure, printable } from "../failure.ts";
import type { Errand } from "../issue/errand.ts";
import { openErrand } from "../issue/open.ts";
import type { Order } from "../issue/order.ts";
import { regionsInTurn } from "../issue/regions.ts";
import { whoAndSession } from "../issue/together.ts";
import { makePerson } from "../person.ts";
import { say, tracer } from "../terminal/say.ts";
import type { CommandCall } from "./call.ts";
import { checkRegion, type RegionReport, throwawayKey } from "./doctor-ca.ts";
import { type Finding, findingOf, good, unchecked, wrong } from "./doctor-finding.ts";
import { parseWords, usage } from "./words.ts";

export const help = `
With --ca, goes the whole way to the CA in every region, as whoever runs it: the second factor, the role, a kmsauth token (each got
anew, so that a code is asked for), the function and what it finds when it looks at itself, and a certificate, which is for a key that is thrown away, good from
192.0.2.1 alone, and kept nowhere. What is missing is named with the permission and the policy of docs/deploy/policies that grants it.

Options:
  --ca             checks the CA's side, which is what there is to check in this version
  --region ALIAS   that region alone
  --json           one object: ok, and checks with region, name, ok (null: not checked), fact, next, action, resource, policies

Status 0: all is well; 1: something is not.

Example:
  $ bssh doctor --ca
`;

export const OPTIONS = { ca: "flag", json: "flag", region: "value" } as const;

/** A certificate's times are compared with clocks; by so much they may differ. */
const MOST_SKEW_MS = 60_000;

/** AWS tells the time in whole seconds. */
const LEAST_SKEW_MS = 2000;

/** `bssh doctor --ca`: 0, or 1 when something is wrong. Throws Failure when there is nothing to check. */
export async function doctor(call: CommandCall): Promise<number> {
  const { flags, values, rest } = parseWords("doctor", call.words, OPTIONS);
  if (rest.length > 0) throw usage("doctor", "bssh doctor takes no words beside its options");
  if (!flags.has("ca"))
    throw new Failure("bssh doctor checks the CA's side alone in this version", "bssh doctor --ca", 64);
  const config = loadConfig(call.environment, call.readText);
  const { settings, paths } = config;
  const alias = values.get("region") ?? null;
  const ordered = regionsInTurn(settings.regions, alias);
  const regions = alias === null ? ordered : ordered.slice(0, 1);

  // AWS's own words for a refusal, which name action and resource, go to the trace.
  let words = "";
  const forget = () => {
    words = "";
  };
  const trace = tracer(call.environment);
  const person = makePerson({ environment: call.environment, config, mayAsk: true });
  const order: Order = {
    settings,
    state: paths.state,
    publicKey: throwawayKey(),
    environment: call.environment,
    ask: (question) => person.ask(question, () => {}),
    accepted: person.accepted,
    say,
    trace: (line) => {
      words = line;
      trace(line);
    },
    now: () => Date.now(),
    useCaches: false,
    region: alias,
  };
  const findings: Finding[] = [];
  let errand: Awaited<ReturnType<typeof openErrand>> | null = null;
  try {
    errand = await openErrand(order);
    const sts = errand.source.region ?? regions[0]?.awsRegion ?? "";
    const { caller, session } = await whoAndSession(errand, sts);
    const keys = await session();
    findings.push(good(null, "credentials", `${errand.source.name}: ${printable(caller.arn, 200)}`));
    const reports: RegionReport[] = [];
    for (const region of regions) {
      const visit = { errand, region, caller, session: async () => keys, words: () => words, forget };
      const report = await checkRegion(visit);
      reports.push(report);
      findings.push(...report.findings);
    }
    if (reports.length > 1) findings.push(agreement(reports));
  } catch (error) {
    // A config that is wrong is the same for every word.
    if (!(error instanceof Failure) || error.status === 78) throw error;
    findings.push(findingOf(null, "credentials", error, words));
  } finally {
    errand?.close();
    person.finish(null);
  }
  findings.push(clockFinding(errand));
  const ok = findings.every((finding) => finding.ok !== false);
  const lines = flags.has("json") ? [JSON.stringify({ ok, checks: findings })] : findings.map(lineOf);
  // Who reads the status alone must not take what was told to nobody for well.
  if (!lines.every((line) => call.out(line) !== false))
    throw new Failure("the answer can't be written", "see to its place");
  return ok ? 0 : 1;
}

function clockFinding(errand: Errand | null): Finding {
  const hasAnswered = errand?.steps.some(({ cached }) => !cached) === true;
  if (errand === null || !hasAnswered) return unchecked(null, "clock", "AWS, whose clock counts, has not answered");
  const { skewMs } = errand.clock;
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  if (Math.abs(skewMs) >= MOST_SKEW_MS) {
    return wrong(null, "clock", `this machine's clock is ${seconds} s ${skewMs > 0 ? "slow" : "fast"}`, "set it");
  }
  const isSame = Math.abs(skewMs) < LEAST_SKEW_MS;
  return good(null, "clock", isSame ? "agrees with AWS's" : `differs from AWS's by ${seconds} s`);
}

/** Whether people meet the same CA in every region. */
function agreement(reports: readonly RegionReport[]): Finding {
  const answered = reports.filter(({ kind }) => kind !== null);
  const shown = (report: RegionReport) => `${report.kind}${report.offers.map((offer) => `, ${offer}`).join("")}`;
  const different = answered.find((report) => shown(report) !== shown(answered[0] ?? report));
  if (answered.length < reports.length) return unchecked(null, "regions", "not every region's function has answered");
  if (!reports.every(({ isWell }) => isWell)) return unchecked(null, "regions", "a function has to be mended first");
  if (different === undefined) return good(null, "regions", `${reports.length} regions agree`);
  const said = answered.map((report) => `${report.region}: ${shown(report)}`).join("; ");
  return wrong(null, "regions", `the regions' functions are not the same (${said})`, "deploy the same zip in each");
}

function lineOf({ ok, region, name, fact, next, policies }: Finding): string {
  const where = region === null ? name : `${region} ${name}`;
  if (ok === null) return `-      ${where.padEnd(26)} ${fact}`;
  if (ok) return `good   ${where.padEnd(26)} ${fact}`;
  const files = policies.length === 0 ? "" : ` (docs/deploy/policies: ${policies.join(", ")})`;
  return `wrong  ${where.padEnd(26)} ${fact}${next === "" ? "" : `; ${next}`}${files}`;
}
