/**
 * The glob(7) pattern that a word of an Include line stands for: from the home, absolute, or below `folder`, which is ~/.ssh
 * or /etc/ssh (ssh_config(5), Include). Tokens, variables and other people's homes are ssh's to know: the caller leaves them out.
 */
export function includePattern(word: string, home: string, folder: string): string {
  if (word.startsWith("~/")) return home + word.slice(1);
  return word.startsWith("/") ? word : `${folder}/${word}`;
}
