import { printable } from "../failure.ts";
import type { System } from "../system/system.ts";

/**
 * What is wrong with `SHELL`, which ssh runs the commands of Match exec with; null when nothing is. Unset is /bin/sh; what is no
 * program ends every ssh that comes to such a line with 255 (execute_in_shell() in readconf.c).
 */
export function shellTrouble(system: Pick<System, "may">, shell: string | undefined): string | null {
  if (shell === undefined || (system.may(shell, "execute") && !system.may(`${shell}/.`, "execute"))) return null;
  const fact = shell === "" ? "SHELL is empty" : `SHELL names no program (${printable(shell, 80)})`;
  return `${fact}, and every ssh that asks bssh fails while it is so; set it to the path of your shell`;
}
