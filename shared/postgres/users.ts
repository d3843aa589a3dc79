/** Who signs in on AWS: each function as a user with the rights it needs. On a laptop everybody is `postgres`. */
export const users = {
  /** profileAgent and velocityAgent. */
  agents: "tripline_agents",
  forwarder: "tripline_forwarder",
  temperature: "tripline_temperature",
  console: "tripline_console",
  /** Debezium; the only one with a password, for it cannot sign in by IAM. */
  capture: "tripline_capture",
} as const;

/** Who owns the databases on AWS. The same name is in resources/database.yml. */
export const administrator = "tripline_administrator";
