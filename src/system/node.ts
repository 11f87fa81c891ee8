// System through node:fs and process.execve, where bun:ffi can't be had. Signals, limits and bytes that are not UTF-8 are
// then as the runtime leaves them.
import { accessSync, closeSync, constants, fstatSync, globSync, openSync, readFileSync, readSync } from "node:fs";
import { READ_LIMIT, type System, SystemError } from "./system.ts";

const codeOf = (error: unknown) => (error as { code?: string }).code ?? "EIO";

export function nodeSystem(): System {
  return {
    read(path) {
      try {
        const bytes = readFileSync(path);
        if (bytes.length > READ_LIMIT) throw new SystemError("EFBIG", path);
        return bytes;
      } catch (error) {
        const code = codeOf(error);
        if (code === "ENOENT" || code === "ENOTDIR") return null;
        throw new SystemError(code, path);
      }
    },
    may(path, mode) {
      try {
        accessSync(path, mode === "read" ? constants.R_OK : constants.X_OK);
        return true;
      } catch {
        return false;
      }
    },
    peek(path) {
      try {
        // A pipe of that name would otherwise be waited for.
        const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
        try {
          const two = new Uint8Array(2);
          const got = readSync(fd, two, 0, 2, 0);
          return { magic: String.fromCharCode(...two.subarray(0, got)), size: fstatSync(fd).size };
        } finally {
          closeSync(fd);
        }
      } catch {
        return null;
      }
    },
    claim(path) {
      try {
        closeSync(openSync(path, "wx", 0o600));
        return true;
      } catch {
        return false;
      }
    },
    glob: (pattern) => globSync(pattern).sort(),
    become(program, { name, inserted, skip, set }) {
      const words = process.argv.slice(2 + skip);
      try {
        process.execve?.(program, [name, ...inserted, ...words], { ...process.env, ...set } as Record<string, string>);
      } catch (error) {
        return (error as { errno?: number }).errno ?? 0;
      }
      return 0;
    },
  };
}
