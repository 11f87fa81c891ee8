import { Failure, printable } from "../failure.ts";
import type { Destination } from "./destination.ts";

/** ssh's own words, so that whoever knows them knows these. */
export function unknownHost(host: string, why: string): Failure {
  return new Failure(`could not resolve hostname ${printable(host, 80)}: ${printable(why)}`, "", 255);
}

export function unreachable({ host, port }: Destination, why: string): Failure {
  return new Failure(`connect to host ${printable(host, 80)} port ${port}: ${printable(why)}`, "", 255);
}
