export { EncryptCommand, GetPublicKeyCommand, KMSClient } from "@aws-sdk/client-kms";
