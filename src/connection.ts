// Faster logins, for those who ask for them: connections that bssh makes, and connections that logins share.
import type { IdentityFiles } from "./identity/files.ts";
import { storedCertificate } from "./identity/fresh.ts";
import { ownLink } from "./ssh/become.ts";
import { dialerWords } from "./ssh/dialer.ts";
import { sharingFolder, sharingWords } from "./ssh/sharing.ts";
import type { Scene } from "./story.ts";
import { wantedOf } from "./wanted.ts";

/** Words for the connection itself, where the settings ask for them and nothing typed or configured speaks against it. */
export async function connectionWords(
  { system, call, config, mentioned }: Scene,
  files: IdentityFiles,
): Promise<string[]> {
  const { dialer, shareConnections } = config.settings;
  const certificate = shareConnections ? storedCertificate(system, files) : null;
  if (certificate !== null) {
    const { state } = config.paths;
    // BLESS gives all its certificates the serial 0.
    const serial = `${certificate.serial}-${certificate.validBefore}`;
    const endsInSeconds = Number(certificate.validBefore) - wantedOf(system, config).now / 1000;
    if (!system.may(sharingFolder(state), "execute")) await makeFolder(state);
    const words = sharingWords({ system, call, mentioned: mentioned(), state, serial, endsInSeconds });
    // With ControlPersist ssh hides what a dialer says of a connection that fails.
    if (words.length > 0) return words;
  }
  if (!dialer) return [];
  const link = ownLink(config.paths.state);
  return dialerWords({ call, mentioned: mentioned(), program: system.may(link, "execute") ? link : process.execPath });
}

/** Without the folder, or where it can't be made, nothing is shared. */
async function makeFolder(state: string): Promise<void> {
  const { openSharingFolder } = await import("./ssh/sharing-folder.ts");
  await openSharingFolder(state).catch(() => {});
}
