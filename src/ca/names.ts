/** Names of people and of principals: the validations of BLESS (`bless/request/bless_request_user.py`). */

/** `useradd` and `debian` are what those systems take, `principal` what sshd_config(5) takes, `disabled` nearly anything. */
export type NameRule = "useradd" | "debian" | "email" | "principal" | "disabled";

const USERADD = /^[a-z_][a-z0-9_-]*[$]?$/;
const DEBIAN = /^[^-+~:,\s][^:,\s]*$/;
/** Printable ASCII and the letters and digits of any script, without space, `#` and `,`. */
const PRINCIPAL = /^[\p{L}\p{N}_!"$%&'()*+\-./:;<=>?@[\\\]^`{|}~]+$/u;
const EMAIL_LOCAL = /^[-!#$%&'*+/=?^_`{}|~0-9a-z]+(\.[-!#$%&'*+/=?^_`{}|~0-9a-z]+)*$/i;
const EMAIL_DOMAIN = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/i;

/** What is wrong with a name, in BLESS's words; null when nothing is. */
export function nameFault(name: string, rule: NameRule): string | null {
  // No rule lets through what no certificate can hold, or what would break a line in a log.
  if (name === "" || /\p{Cc}/u.test(name) || !name.isWellFormed()) {
    return rule === "principal" ? "Principal contains invalid characters." : "Username contains invalid characters.";
  }
  switch (rule) {
    case "disabled":
      return null;
    case "email":
      return isEmail(name) ? null : "Invalid email address.";
    case "principal":
      return PRINCIPAL.test(name) ? null : "Principal contains invalid characters.";
    case "useradd":
    case "debian": {
      if ([...name].length > 32) return "Username is too long.";
      const pattern = rule === "useradd" ? USERADD : DEBIAN;
      return pattern.test(name) ? null : "Username contains invalid characters.";
    }
  }
}

function isEmail(name: string): boolean {
  const at = name.lastIndexOf("@");
  if (at < 1 || name.length > 254) return false;
  const domain = name.slice(at + 1);
  return EMAIL_LOCAL.test(name.slice(0, at)) && (domain === "localhost" || EMAIL_DOMAIN.test(domain));
}
