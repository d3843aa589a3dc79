import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { postgresServer } from "../../shared/postgres/index.ts";
import { createHandler } from "./handler.ts";

export const handler = createHandler({
  server: postgresServer(),
  secrets: new SecretsManagerClient(),
  // Packed beside the bundle; Lambda's working folder is where both are.
  migrations: "migrations",
});
