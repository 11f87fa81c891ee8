declare module "*.yaml" {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: this is how Bun gives the text of a file
  export default text;
}
declare module "*.zip" {
  const path: string;
  // biome-ignore lint/style/noDefaultExport: this is how Bun gives the path of a file that it has taken in
  export default path;
}
