import { velocityConfig } from "../../shared/agents/config.ts";
import { agentHandler } from "../../shared/agents/handler.ts";
import { velocityAgent } from "../../shared/agents/velocity.ts";
import { connectPostgres } from "../../shared/postgres/index.ts";

export const handler = agentHandler(velocityAgent(velocityConfig()), { pool: connectPostgres() });
