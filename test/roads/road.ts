// A road into ssh, and what is expected of it in each column of the table in docs/roads.md.
import type { World } from "./world.ts";

export const COLUMNS = ["warm", "cold with agent", "cold without agent", "no terminal"] as const;
export type Column = (typeof COLUMNS)[number];

/** Which ssh_config is in force. */
export type Ways = {
  /** True: `bssh setup` has been run. */
  readonly setUp?: boolean;
  /** Lines above all others; SANDBOX is the sandbox's folder. */
  readonly config?: readonly string[];
};

export type Outcome = {
  readonly status: number;
  readonly out: string;
  /** Lines of stderr. */
  readonly err: readonly (string | RegExp)[];
  /** Actions asked of AWS, sorted. */
  readonly asked: readonly string[];
  /** Questions put to the person or to `mfa_command`. */
  readonly questions: number;
};

export type Instead = Outcome & { readonly why: string };

export type Road = Ways & {
  /** As the table's first column has it. */
  readonly name: string;
  /** Shell script; its folder is its own, it has no terminal, and nothing on stdin. */
  readonly script: string;
  /** Everything on stdout when all went well; `in` and a line break when not given. */
  readonly out?: string;
  /** Done while the script runs. */
  readonly meanwhile?: (parts: Meanwhile) => Promise<void>;
  /** Further variables of the script. */
  readonly variables?: (world: World, column: Column) => Promise<Record<string, string>>;
  /** Lines of stderr that may come as well, as of those who wait for another's question. */
  readonly mayTell?: RegExp;
  /** Columns in which the road can't work: what happens instead, and why. */
  readonly instead?: Partial<Record<Column, Instead>>;
  /** The same for ssh from 10.5 on, which reads its certificate files earlier; the table is about those before. */
  readonly insteadFrom105?: Partial<Record<Column, Instead>>;
};

export type Meanwhile = {
  readonly folder: string;
  readonly variables: Readonly<Record<string, string>>;
};

/** What is asked of AWS for a certificate, sorted. */
export const CHAIN = ["AssumeRole", "Encrypt", "GetCallerIdentity", "GetSessionToken", "Invoke"];

/** What a person hears where a question can be shown nowhere. */
const PENDING = "bssh: an MFA code is needed (alice); answer it in any terminal with bssh mfa";

export function expected(road: Road, column: Column, readsEarly: boolean): Outcome {
  const err = column === "no terminal" ? [PENDING] : [];
  const [asked, questions] = column === "warm" ? [[], 0] : [CHAIN, 1];
  const early = readsEarly ? road.insteadFrom105?.[column] : undefined;
  return early ?? road.instead?.[column] ?? { status: 0, out: road.out ?? "in\n", err, asked, questions };
}

/** The name of a cell's test. */
export const cellName = (road: Pick<Road, "name">, column: Column) => `${road.name}: ${column}`;
