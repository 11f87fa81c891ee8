import { COPIES } from "./copies.ts";
import { HOPS } from "./hops.ts";
import { LOGINS } from "./logins.ts";
import type { Road } from "./road.ts";
import { SHARED } from "./shared.ts";

/** Every road, in the order of the table. */
export const ROADS: readonly Road[] = [...LOGINS, ...COPIES, ...HOPS, ...SHARED];
