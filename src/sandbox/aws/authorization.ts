import type { Caller } from "./credentials.ts";
import type { Context } from "./pattern.ts";
import { judge, type PolicyDocument, type PolicyKind } from "./policy.ts";
import { Refusal } from "./refusal.ts";

/** One thing a caller wants to do to a resource. */
export type Deed = {
  readonly action: string;
  /** ARN, or `*` where the action has no resource. */
  readonly resource: string;
  /** Account of the resource. */
  readonly account: string;
  readonly context: Context;
  /** Policy of the resource itself; null: it has none. */
  readonly resourcePolicy: PolicyDocument | null;
  /** Keys and roles cannot be used unless their own policy agrees, not even inside one account. */
  readonly resourceMustAgree: boolean;
  readonly kind: Exclude<PolicyKind, "identity">;
};

/**
 * Throws unless the policies allow the deed: no policy denies it, and inside an account one side allows it (the resource
 * by naming the caller, or the caller's own policies), between accounts both.
 * See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
 */
export function authorize(caller: Caller, deed: Deed): void {
  const { action, resource, context } = deed;
  const arns = caller.role === null ? [caller.arn] : [caller.arn, caller.role.arn];
  const question = { action, resource, context, account: caller.account, arns };
  const own = (caller.user ?? caller.role)?.policies.map((policy) => judge(policy, "identity", question)) ?? [];
  const other = deed.resourcePolicy === null ? "none" : judge(deed.resourcePolicy, deed.kind, question);

  if (own.includes("deny")) throw denied(caller, deed, " with an explicit deny in an identity-based policy");
  if (other === "deny") throw denied(caller, deed, " with an explicit deny in a resource-based policy");
  const ownAllows = own.includes("direct");
  const sameAccount = caller.account === deed.account;
  const identitySilent = ` because no identity-based policy allows the ${action} action`;
  if (sameAccount && other === "direct") return;
  if (other === "none" && (deed.resourceMustAgree || !sameAccount)) {
    throw denied(caller, deed, ` because no resource-based policy allows the ${action} action`);
  }
  if (!ownAllows) throw denied(caller, deed, identitySilent);
}

function denied(caller: Caller, { action, resource, kind }: Deed, because: string): Refusal {
  // STS gives no reason but an explicit deny, so that nobody learns whether a role exists.
  const reason = kind === "trust" && because.startsWith(" because") ? "" : because;
  return new Refusal(
    "denied",
    `User: ${caller.arn} is not authorized to perform: ${action} on resource: ${resource}${reason}`,
  );
}
