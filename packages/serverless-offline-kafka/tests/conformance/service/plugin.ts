// The framework takes plugins from within a service's folder only.
export { default } from "../../../src/plugin.ts";
