import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { postgresServer } from "../../shared/postgres/index.ts";
import { createHandler } from "./handler.ts";

export const handler = createHandler({
  server: postgresServer(),
  database: "mydb",
  secrets: new SecretsManagerClient(),
});
