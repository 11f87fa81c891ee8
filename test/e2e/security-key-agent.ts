// An ssh-agent with one key that lives on a security key, played in software: it signs as PROTOCOL.u2f says. Called with the
// socket's path, and `ecdsa` for a key of that kind; prints the public key's line once it listens, and every request's number
// from then on.
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { concat, encodeBase64, makeReader, mpint, string, text, u32 } from "../../src/wire/bytes.ts";

const APPLICATION = "ssh:";
/** The user was there. */
const FLAGS = 1;
const FAILURE = Uint8Array.of(5);

const [path = "", kind = "ed25519"] = process.argv.slice(2);
const isEcdsa = kind === "ecdsa";
const TYPE = isEcdsa ? "sk-ecdsa-sha2-nistp256@openssh.com" : "sk-ssh-ed25519@openssh.com";
const { publicKey, privateKey } = isEcdsa
  ? generateKeyPairSync("ec", { namedCurve: "P-256" })
  : generateKeyPairSync("ed25519");
const point = publicKey.export({ format: "der", type: "spki" }).subarray(isEcdsa ? -65 : -32);
const fields = isEcdsa ? concat(text("nistp256"), string(point)) : string(point);
const blob = concat(text(TYPE), fields, text(APPLICATION));
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
let counter = 0;

/** An ecdsa signature as ssh has it: r and s. */
function pairOf(signed: Uint8Array): Uint8Array {
  const pair = sign("sha256", signed, { key: privateKey, dsaEncoding: "ieee-p1363" });
  return concat(mpint(pair.subarray(0, 32)), mpint(pair.subarray(32)));
}

function answer(message: Uint8Array): Uint8Array {
  const reader = makeReader(message);
  const request = reader.u8();
  console.log(`request ${request}`);
  if (request === 11) return concat(Uint8Array.of(12), u32(1), string(blob), text("token"));
  if (request !== 13) return FAILURE;
  // ssh names the key, or the certificate for it.
  const named = reader.string();
  if (Buffer.from(named).indexOf(point) < 0) return FAILURE;
  counter += 1;
  const signed = concat(sha256(Buffer.from(APPLICATION)), Uint8Array.of(FLAGS), u32(counter), sha256(reader.string()));
  const signature = isEcdsa ? pairOf(signed) : sign(null, signed, privateKey);
  return concat(Uint8Array.of(14), string(concat(text(TYPE), string(signature), Uint8Array.of(FLAGS), u32(counter))));
}

Bun.listen<{ bytes: Uint8Array }>({
  unix: path,
  socket: {
    open(socket) {
      socket.data = { bytes: new Uint8Array() };
    },
    data(socket, more) {
      let bytes = concat(socket.data.bytes, more);
      while (bytes.length >= 4) {
        const length = Buffer.from(bytes).readUInt32BE(0);
        if (bytes.length < 4 + length) break;
        const said = answer(bytes.subarray(4, 4 + length));
        socket.write(concat(u32(said.length), said));
        bytes = bytes.slice(4 + length);
      }
      socket.data.bytes = bytes;
    },
  },
});
console.log(`${TYPE} ${encodeBase64(blob)} token`);
