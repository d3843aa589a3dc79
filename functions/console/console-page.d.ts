/** What page/bundle.cjs makes of the files beside it. */
declare module "tripline:console-page" {
  const files: import("./page.ts").PageFiles;
  export default files;
}
