/** Files of the private state folder, as this room needs them: nobody but the user reads them, and they appear whole. */
export type PrivateState = {
  /** Makes the folder, mode 0700; gives the reason not to use it, or null. */
  prepareFolder(path: string, share: "private"): string | null;
  /** Text of a file that only the user can read or write; null when there is none to be believed. */
  readPrivate(path: string): { readonly text: string | null };
  /** Writes beside and renames, mode 0600. Throws what the system throws. */
  writePrivate(folder: string, name: string, text: string): void;
  removePrivate(path: string): void;
  /** An error of the system in plain words. */
  describeErrno(error: unknown): string;
};
