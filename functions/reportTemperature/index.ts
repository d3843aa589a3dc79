import { connectPostgres } from "../../shared/postgres/index.ts";
import { createHandler } from "./handler.ts";

export const handler = createHandler({ pool: connectPostgres(), clock: () => new Date() });
