import { profileConfig } from "../../shared/agents/config.ts";
import { agentHandler } from "../../shared/agents/handler.ts";
import { profileAgent } from "../../shared/agents/profile.ts";
import { connectPostgres } from "../../shared/postgres/index.ts";

export const handler = agentHandler(profileAgent(profileConfig()), { pool: connectPostgres() });
