export { EncryptCommand, KMSClient } from "@aws-sdk/client-kms";
