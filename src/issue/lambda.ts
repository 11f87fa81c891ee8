// One call of a function of AWS Lambda (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html), whoever makes it.
import { call, type Errand } from "./errand.ts";
import type { About } from "./errors.ts";
import type { Keys } from "./keys.ts";

/** A function as it is invoked: a name, a partial ARN (`account:function:name`) or an ARN, and a version or alias of it. */
export type FunctionName = { readonly name: string; readonly version: string | null };

/** The two in one word, as people and AWS write them. */
export function functionWord({ name, version }: FunctionName): string {
  return version === null ? name : `${name}:${version}`;
}

/** Takes such a word apart; null when it is none. */
export function splitFunction(word: string): FunctionName | null {
  const parts = /^((?:arn:(?:[^:]*:){5}|\d{12}:function:)?[^:]+)(?::(.+))?$/.exec(word);
  return parts === null ? null : { name: parts[1] ?? word, version: parts[2] ?? null };
}

/** Invokes it in the region of `about` and gives AWS's answer, in which nothing is looked at. Throws Failure. */
export function invokeFunction(
  errand: Errand,
  about: About,
  keys: Keys,
  { name, version }: FunctionName,
  payload: Uint8Array,
) {
  return call(errand, about, (abortSignal) =>
    errand.clients.lambda(about.region, keys, (client, sdk) =>
      client.send(
        new sdk.InvokeCommand({
          FunctionName: name,
          InvocationType: "RequestResponse",
          LogType: "None", // the log's tail may hold the token
          Payload: payload,
          ...(version === null ? {} : { Qualifier: version }),
        }),
        { abortSignal },
      ),
    ),
  );
}

/** The text without the secrets that were sent, should it quote them. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.filter((secret) => secret !== "").reduce((left, secret) => left.replaceAll(secret, "…"), text);
}
