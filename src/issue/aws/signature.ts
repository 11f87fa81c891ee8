export { Hash } from "@smithy/core/serde";
export { SignatureV4 } from "@smithy/signature-v4";
