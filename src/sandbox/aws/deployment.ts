import { readdirSync, readFileSync, statSync } from "node:fs";

/** What a function is deployed with: the files beside its code. */
export type Deployment = {
  /** A file by its name; null when there is none. */
  readonly read: (name: string) => Uint8Array | null;
  /** Another text whenever a file has changed: containers that began before have ended then. */
  readonly version: () => string;
};

/** Files that never change, as text by their names. */
export function keptDeployment(files: ReadonlyMap<string, string>): Deployment {
  return {
    read: (name) => {
      const text = files.get(name);
      return text === undefined ? null : Buffer.from(text);
    },
    version: () => "1",
  };
}

/** The files in a folder, as they are at the moment: to change one there is to deploy it. */
export function folderDeployment(folder: string): Deployment {
  return {
    read: (name) => {
      if (!/^[\w-][\w.-]*$/.test(name)) return null;
      try {
        return new Uint8Array(readFileSync(`${folder}/${name}`));
      } catch {
        return null;
      }
    },
    version: () => {
      try {
        return readdirSync(folder)
          .sort()
          .map((name) => stamp(name, `${folder}/${name}`))
          .join("\n");
      } catch {
        return "";
      }
    },
  };
}

function stamp(name: string, path: string): string {
  const status = statSync(path, { throwIfNoEntry: false });
  return status === undefined ? name : `${name} ${status.ino} ${status.size} ${status.mtimeMs}`;
}
