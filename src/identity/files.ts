/** The files of one identity, named as OpenSSH names them. */
export type IdentityFiles = {
  readonly key: string;
  readonly publicKey: string;
  readonly certificate: string;
  /** Symbolic link to the certificate that some ssh clients look for. */
  readonly link: string;
};

/** The files that belong to a private key's path. A trailing `.pub` is dropped: people name the public half by mistake. */
export function identityFiles(path: string): IdentityFiles {
  const key = path.endsWith("-cert.pub") ? path.slice(0, -9) : path.endsWith(".pub") ? path.slice(0, -4) : path;
  return { key, publicKey: `${key}.pub`, certificate: `${key}-cert.pub`, link: `${key}-cert` };
}
