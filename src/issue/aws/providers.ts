export { fromContainerMetadata, fromHttp, fromIni, fromTokenFile } from "@aws-sdk/credential-providers";
