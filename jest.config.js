// Node runs the sources as they are; jest needs swc to take the types away. Both see ES modules.
const transform = {
  "^.+\\.ts$": ["@swc/jest", { jsc: { target: "es2024", parser: { syntax: "typescript" } }, module: { type: "es6" } }],
};

const common = {
  transform,
  extensionsToTreatAsEsm: [".ts"],
  testEnvironment: "node",
  modulePathIgnorePatterns: ["/\\.tripline/", "/\\.esbuild/", "/\\.serverless/"],
};

export default {
  projects: [
    {
      ...common,
      displayName: "unit",
      testMatch: [
        "<rootDir>/{functions,shared,localstack,bench,docs,resources}/**/*.test.ts",
        "<rootDir>/packages/*/src/**/*.test.ts",
        "<rootDir>/tests/{unit,property}/**/*.test.ts",
      ],
    },
    // Against a broker of their own. They end it themselves.
    { ...common, displayName: "plugin", testMatch: ["<rootDir>/packages/*/tests/**/*.test.ts"] },
    { ...common, displayName: "integration", testMatch: ["<rootDir>/tests/integration/**/*.test.ts"] },
    { ...common, displayName: "walkthrough", testMatch: ["<rootDir>/tests/walkthrough/**/*.test.ts"] },
    { ...common, displayName: "browser", testMatch: ["<rootDir>/tests/browser/**/*.test.ts"] },
    { ...common, displayName: "deployment", testMatch: ["<rootDir>/tests/deployment/**/*.test.ts"] },
    { ...common, displayName: "chaos", testMatch: ["<rootDir>/tests/chaos/**/*.test.ts"] },
  ],
};
