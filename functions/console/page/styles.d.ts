/** esbuild makes a file of it; nothing is imported from it. */
declare module "*.css";
