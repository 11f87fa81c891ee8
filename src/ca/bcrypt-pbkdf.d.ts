declare module "bcrypt-pbkdf" {
  /** Fills `key`; gives something other than 0 when it can't. */
  export function pbkdf(
    passphrase: Uint8Array,
    passphraseLength: number,
    salt: Uint8Array,
    saltLength: number,
    key: Uint8Array,
    keyLength: number,
    rounds: number,
  ): number | undefined;
}
