/** What a handler refuses with: BLESS's type of error, the sentence for the asker, and what is behind it for the log. */
import { describe } from "./cause.ts";
import type { Refusal } from "./kmsauth.ts";
import type { ProofRefusal } from "./proof.ts";

export type Failed = Refusal & { readonly errorType: string };

/** A field is missing or wrong, or what it names is not to be had. */
export function invalid(errorMessage: string): Failed {
  return { errorType: "InputValidationError", errorMessage, cause: "" };
}

/** The asker has not proved what they would have to, or may not have it. */
export function forbidden(errorMessage: string, cause = ""): Failed {
  return { errorType: "KMSAuthValidationError", errorMessage, cause };
}

/** The CA's own trouble, or AWS's. */
export function troubled(errorMessage: string, error: unknown): Failed {
  return { errorType: "ClientError", errorMessage, cause: describe(error) };
}

/** A proof that counts for nothing; where AWS did not answer it may be good all the same. */
export function unproven({ refusal, isOutage }: ProofRefusal): Failed {
  return { errorType: isOutage === true ? "ClientError" : "KMSAuthValidationError", ...refusal };
}
