import type { Region, Settings } from "../config/settings.ts";

/** A question to the person. */
export type Question = {
  /** One line, complete in itself, without a colon or space at its end. */
  readonly text: string;
  /** `code`: an MFA code, not to be echoed. `choice`: a number from the list in the text. */
  readonly kind: "code" | "choice";
  /** From 1. */
  readonly attempt: number;
  /** Questions that may follow this one when its answer is refused. */
  readonly attemptsLeft: number;
  /** Aborted when the answer is of no use any more; whoever asks may then give up and answer null. */
  readonly signal: AbortSignal;
};

/**
 * Asks the person, or a program in their place; null when nobody can be asked. Throws Failure when the question was declined, or
 * nobody answered in time.
 */
export type Ask = (question: Question) => Promise<string | null>;

export type Order = {
  readonly settings: Settings;
  /** Private folder; made with mode 0700 when it is missing. Nothing is written outside it. */
  readonly state: string;
  /** Line of the public key to certify. */
  readonly publicKey: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly ask: Ask;
  /** Called when the code that was given last did what it was for. */
  readonly accepted?: () => void;
  /** Notes and progress for the person; no secrets. */
  readonly say: (line: string) => void;
  /** Lines for whoever debugs: names and ends, never values. */
  readonly trace: (line: string) => void;
  /** Milliseconds since the epoch, by this machine's clock. */
  readonly now: () => number;
  /** False: nothing that was kept is used (a code is asked for); what is got is kept all the same. */
  readonly useCaches: boolean;
  /** Alias of the region to begin with; null takes the first. */
  readonly region: string | null;
};

/** One step on the way to the certificate. */
export type Step = {
  /** What was asked: `GetSessionToken`, `Encrypt`, `public address`, … */
  readonly what: string;
  /** Of whom: `sts eu-west-1`, or the host of an address service. */
  readonly where: string;
  /** True when the answer was kept from an earlier time, so that nobody was asked. */
  readonly cached: boolean;
  /** How long it took, in milliseconds. */
  readonly ms: number;
};

export type Issued = {
  /** Line of the certificate, checked, without a newline. */
  readonly certificate: string;
  /** Milliseconds to add to this machine's clock to get AWS's; 0 when none was measured. */
  readonly skewMs: number;
  /** The region whose CA signed. */
  readonly region: Region;
  /** As the CA knows it. */
  readonly userName: string;
  /** Number of the Lambda invocation, as the CA's log has it; null when AWS gave none. */
  readonly requestId: string | null;
  /** In the order in which they ended. */
  readonly steps: readonly Step[];
};
