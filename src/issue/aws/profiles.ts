export { loadSharedConfigFiles } from "@smithy/core/config";
