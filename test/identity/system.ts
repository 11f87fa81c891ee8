import { libcSystem } from "../../src/system/libc.ts";
import { nodeSystem } from "../../src/system/node.ts";
import type { System } from "../../src/system/system.ts";

/** The system as bssh has it on this platform. */
export const system: System = process.platform === "linux" ? libcSystem("libc.so.6") : nodeSystem();
