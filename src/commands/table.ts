// Every command, the one source of the help: what it does in a line, and the door to it.
import type { Command } from "./call.ts";

export type Entry = {
  /** Words behind the command, as the usage line shows them. */
  readonly usage: string;
  /** What it does, in one line. */
  readonly summary: string;
  /** True for what ssh itself runs: its words are data, whatever they look like, and it prints no answer. */
  readonly isForSsh?: true;
  /** True for a command whose words have a help of their own, behind them. */
  readonly hasWords?: true;
  /** Opens the command: its function and the whole of its help. */
  readonly open: () => Promise<{ readonly run: Command; readonly help: string }>;
};

export const COMMANDS: Readonly<Record<string, Entry>> = {
  login: {
    usage: "[--force] [--region ALIAS]",
    summary: "gets the certificate now, without connecting",
    open: async () => {
      const door = await import("./login.ts");
      return { run: door.login, help: door.help };
    },
  },
  mfa: {
    usage: "[CODE]",
    summary: "answers the question for an MFA code that an ssh without a terminal waits for",
    open: async () => {
      const door = await import("./mfa.ts");
      return { run: door.mfa, help: door.help };
    },
  },
  status: {
    usage: "[--json]",
    summary: "shows certificate, sessions and their ends, and the config in force",
    open: async () => {
      const door = await import("./status.ts");
      return { run: door.status, help: door.help };
    },
  },
  doctor: {
    usage: "--ca [--json] [--region ALIAS]",
    summary: "goes the whole way to the CA in every region, and says what is missing",
    open: async () => {
      const door = await import("./doctor.ts");
      return { run: door.doctor, help: door.help };
    },
  },
  which: {
    usage: "[--json] SSH WORDS…",
    summary: "says what bssh makes of these words, without connecting",
    open: async () => {
      const door = await import("./which.ts");
      return { run: door.which, help: door.help };
    },
  },
  config: {
    usage: "check | path | show | import FILE|URL",
    summary: "checks, shows and imports the config",
    open: async () => {
      const door = await import("./config.ts");
      return { run: door.config, help: door.help };
    },
  },
  proxy: {
    usage: "HOST PORT",
    isForSsh: true,
    summary: "for ssh's ProxyCommand: sees to the certificate, then carries the bytes or hands over the connection",
    open: async () => {
      const door = await import("./proxy.ts");
      return { run: door.proxy, help: door.help };
    },
  },
  match: {
    usage: "HOST",
    isForSsh: true,
    summary: "for ssh's Match exec: is the host ours, and is a certificate there? Fetches one if need be",
    open: async () => {
      const door = await import("./match.ts");
      return { run: door.match, help: door.help };
    },
  },
  setup: {
    usage: "[--undo]",
    summary: "has ssh itself see to the certificate, by its ssh_config",
    open: async () => {
      const door = await import("./setup.ts");
      return { run: door.setup, help: door.help };
    },
  },
  import: {
    usage: "[--identity FILE] CERTIFICATE",
    summary: "takes a certificate that was signed by hand (break glass) into use",
    open: async () => {
      const door = await import("./import.ts");
      return { run: door.importCertificate, help: door.help };
    },
  },
  request: {
    usage: "OPTIONS…",
    summary: "sends one BLESS request with every field given by hand",
    open: async () => {
      const door = await import("./request.ts");
      return { run: door.request, help: door.help };
    },
  },
  ca: {
    usage: "WORD …",
    hasWords: true,
    summary: "the certificate authority's side: its keys, revocation, signing by hand, tracing",
    open: async () => {
      const door = await import("./ca.ts");
      return { run: door.ca, help: door.help };
    },
  },
  host: {
    usage: "WORD …",
    hasWords: true,
    summary: "certificates for a server's own keys: enroll, renew, status",
    open: async () => {
      const door = await import("./host.ts");
      return { run: door.host, help: door.help };
    },
  },
  sandbox: {
    usage: "[OPTIONS] [-- COMMAND…]",
    summary: "runs the whole world on this machine, offline",
    open: async () => {
      const door = await import("./sandbox.ts");
      return { run: door.sandbox, help: door.help };
    },
  },
};

/** Words that will be commands: they are not taken for host names now, so that no script changes its meaning later. */
export const RESERVED: readonly string[] = ["explain", "update", "completion"];
