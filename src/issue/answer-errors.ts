// What the CA's own errors mean: BLESS's, ours, and Lambda's when the function breaks.
import { type About, ADMINISTRATOR, type CallFailure, type Row, speak } from "./errors.ts";

type Answer = { readonly type?: RegExp; readonly message?: RegExp } & Pick<
  Row,
  "trouble" | "elsewhere" | "fact" | "next"
>;

// biome-ignore format: a table reads best with two lines a row
const ANSWERS: readonly Answer[] = [
  // kmsauth/__init__.py of python-kmsauth says why a token is no good.
  { type: /^KMSAuthValidationError$/, message: /lifetime exceeded/i, trouble: "kmsauth",
    fact: "the CA finds that kmsauth tokens live too long", next: "set kmsauth_seconds to 3600 or less" },
  { type: /^KMSAuthValidationError$/, message: /time validity/i, trouble: "kmsauth",
    fact: "the CA finds the kmsauth token not valid at this time", next: "check this machine's clock" },
  { type: /^KMSAuthValidationError$/, message: /wrong KMS key/i, trouble: "kmsauth", elsewhere: true,
    fact: "the CA in {region} doesn't accept tokens of the key {key}", next: "correct kmsauth_key of that region" },
  { type: /^KMSAuthValidationError$/, message: /remote_usernames/i, trouble: "refused",
    fact: "the CA gives this user no certificate for the principals asked for", next: `correct remote_user, else ${ADMINISTRATOR}` },
  { type: /^KMSAuthValidationError$/, message: /bound to the public key/i, trouble: "kmsauth",
    fact: "the CA in {region} wants kmsauth tokens that are bound to your public key", next: 'set kmsauth_binding = "auto"' },
  { type: /^KMSAuthValidationError$/, message: /caller identity|people count here|nobody.s name here|session.s name/i, trouble: "kmsauth",
    fact: "the CA in {region} doesn't accept the proof of your identity ({message})",
    next: `check kmsauth_service and identity_name, else ${ADMINISTRATOR}` },
  { type: /^KMSAuthValidationError$/, message: /is revoked\.$/, trouble: "refused",
    fact: "the CA certifies nothing for this name any more ({message})", next: ADMINISTRATOR },
  { type: /^KMSAuthValidationError$/, message: /iam group$/, trouble: "refused",
    fact: "the CA wants you in a group of IAM ({message})", next: `correct remote_user, else ${ADMINISTRATOR}` },
  { type: /^KMSAuthValidationError$/, trouble: "kmsauth", elsewhere: true,
    fact: "the CA in {region} couldn't verify who you are (kmsauth: {message})",
    next: "check kmsauth_service and kmsauth_key, else ask the CA's administrators" },

  { type: /^InputValidationError$/, message: /missing kmsauth/i, trouble: "refused",
    fact: "the CA wants a kmsauth token", next: 'set kmsauth_service, and identity_proof = "auto" or "kmsauth"' },
  { type: /^InputValidationError$/, message: /missing caller identity/i, trouble: "refused",
    fact: "the CA wants a proof of identity", next: 'set identity_proof = "auto"' },
  { type: /^InputValidationError$/, message: /caller_identity/, trouble: "refused",
    fact: "the CA takes no proof of identity ({message})",
    next: 'set identity_proof = "kmsauth" and use the credentials of an IAM user, or deploy the CA that comes with bssh' },
  { type: /^InputValidationError$/, message: /hostnames/, trouble: "refused",
    fact: "the CA refused the host's names ({message})", next: "correct them, and name the function for hosts" },
  { type: /^InputValidationError$/, message: /bastion_user'|bastion_user"/, trouble: "refused",
    fact: "the CA doesn't accept the user name {user}", next: `${ADMINISTRATOR} about username_validation` },
  { type: /^InputValidationError$/, message: /remote_usernames/, trouble: "refused",
    fact: "the CA doesn't accept the principals asked for ({message})", next: "correct remote_user" },
  { type: /^InputValidationError$/, message: /bastion_ips|bastion_user_ip/, trouble: "refused",
    fact: "the CA doesn't accept the addresses ({message})", next: "correct bastion_ips and fixed_ip: no spaces, no bits behind the prefix" },
  { type: /^InputValidationError$/, message: /public key is revoked/i, trouble: "refused",
    fact: "the CA has revoked your key", next: `move the key away: bssh then makes a new one; else ${ADMINISTRATOR}` },
  { type: /^InputValidationError$/, message: /public_key_to_sign|Invalid SSH Public Key/, trouble: "refused",
    fact: "the CA doesn't take this kind of key ({message})", next: 'set key_type = "rsa" and a new identity_file' },
  { type: /^InputValidationError$/, trouble: "refused",
    fact: "the CA refused the request: {message}", next: ADMINISTRATOR },

  { type: /^ClientError$/, message: /^The CA's |^The keys of kmsauth /, trouble: "broken", elsewhere: true,
    fact: "the CA in {region} is not set up rightly: {message}", next: `${ADMINISTRATOR} (bssh doctor --ca says more)` },
  { type: /^ClientError$/, message: /did not say|cannot answer/, trouble: "broken", elsewhere: true,
    fact: "the CA in {region} got no answer of its own: {message}", next: `try again, else ${ADMINISTRATOR}` },
  { type: /^ClientError$/, trouble: "broken", elsewhere: true,
    fact: "AWS refused the CA in {region} something: {message}", next: ADMINISTRATOR },
  { message: /Task timed out/i, trouble: "broken", elsewhere: true,
    fact: "the CA in {region} ran out of time", next: "try again" },
  { message: /Unsafe RSA public key/i, trouble: "refused",
    fact: "the CA finds your key unsafe", next: "move the key away: bssh then makes a new one" },
  { type: /^Runtime\.|ImportModuleError|HandlerNotFound/, trouble: "broken", elsewhere: true,
    fact: "the CA's function in {region} doesn't start ({type})", next: ADMINISTRATOR },
  { trouble: "broken", elsewhere: true,
    fact: "the CA in {region} failed: {type}: {message}", next: ADMINISTRATOR },
];

/** The failure that stands for an error that the CA answered with. `message` must hold no secret. */
export function answerRefusal(answer: { errorType: string; errorMessage: string }, about: About): CallFailure {
  const { errorType: type, errorMessage } = answer;
  // A sentence of our CA's becomes part of another.
  const message = type === "ClientError" ? errorMessage.replace(/\.$/, "") : errorMessage;
  const row = ANSWERS.find((each) => (each.type?.test(type) ?? true) && (each.message?.test(message) ?? true));
  return speak(row ?? ANSWERS.at(-1), { ...about, type, message }, about.action);
}
