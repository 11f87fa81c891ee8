/** How a service writes its answers: AWS Query (STS, IAM), JSON 1.1 (KMS) or REST JSON (Lambda). */
export type Protocol = "query" | "json" | "rest";

/** Refusals that every service has, each under the name its protocol gives it. */
export type Ground = "missing" | "incomplete" | "unknown" | "mismatch" | "expired" | "denied" | "internal";

const codes: Readonly<Record<Ground, readonly [string, string]>> = {
  missing: ["MissingAuthenticationToken", "MissingAuthenticationTokenException"],
  incomplete: ["IncompleteSignature", "IncompleteSignatureException"],
  unknown: ["InvalidClientTokenId", "UnrecognizedClientException"],
  mismatch: ["SignatureDoesNotMatch", "InvalidSignatureException"],
  expired: ["ExpiredToken", "ExpiredTokenException"],
  denied: ["AccessDenied", "AccessDeniedException"],
  internal: ["InternalFailure", "InternalFailureException"],
};

/** A request that gets an error for an answer. The message is what AWS says, so it may quote what the caller sent. */
export class Refusal extends Error {
  readonly reason: Ground | { readonly code: string; readonly status: number };

  constructor(reason: Ground | { readonly code: string; readonly status: number }, message: string) {
    super(message);
    this.name = "Refusal";
    this.reason = reason;
  }
}

/** A refusal that only one service knows; `status` is the HTTP status. */
export function refuse(code: string, status: number, message: string): Refusal {
  return new Refusal({ code, status }, message);
}

/** The error code and the HTTP status of a refusal in one protocol. */
export function refusalCode(refusal: Refusal, protocol: Protocol): { code: string; status: number } {
  const { reason } = refusal;
  if (typeof reason !== "string") return reason;
  const code = codes[reason][protocol === "query" ? 0 : 1];
  if (reason === "internal") return { code, status: 500 };
  if (protocol === "json" || (protocol === "query" && reason === "incomplete")) return { code, status: 400 };
  return { code, status: 403 };
}

/** The error as the protocol writes it; `namespace` is the XML namespace of a Query service. */
export function refusalAnswer(refusal: Refusal, protocol: Protocol, namespace: string, requestId: string): Response {
  const { code, status } = refusalCode(refusal, protocol);
  if (protocol === "query") {
    const error =
      element("Type", status >= 500 ? "Receiver" : "Sender") +
      element("Code", code) +
      element("Message", refusal.message);
    const body = `<ErrorResponse xmlns="${namespace}"><Error>${error}</Error>${element("RequestId", requestId)}</ErrorResponse>`;
    return new Response(body, { status, headers: { "content-type": "text/xml" } });
  }
  if (protocol === "json") {
    const body = refusal.message === "" ? { __type: code } : { __type: code, Message: refusal.message };
    return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/x-amz-json-1.1" } });
  }
  const body = { Type: status >= 500 ? "Service" : "User", Message: refusal.message };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", "x-amzn-errortype": code },
  });
}

/** One XML element around text, which is escaped. */
export function element(name: string, text: string): string {
  const escaped = text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
  return `<${name}>${escaped}</${name}>`;
}

/** The answer of a Query service: `result` is the XML inside `<ActionResult>`. */
export function queryAnswer(action: string, result: string, namespace: string, requestId: string): Response {
  const metadata = `<ResponseMetadata>${element("RequestId", requestId)}</ResponseMetadata>`;
  const body = `<${action}Response xmlns="${namespace}"><${action}Result>${result}</${action}Result>${metadata}</${action}Response>`;
  return new Response(body, { headers: { "content-type": "text/xml" } });
}
