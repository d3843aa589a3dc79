// The parts of the template that are made from what the rest of the project declares. Variables can be read from CommonJS only.
module.exports = async ({ resolveConfigurationProperty, resolveVariable }) => {
  const { generate } = require("./generate.ts");
  const { deployedConnectors } = require("./deployed-connectors.ts");
  const name = await resolveVariable("self:custom.name");
  const deployment = {
    name,
    connectors: deployedConnectors(name, {
      generations: String(await resolveVariable("param:connectorGenerations")),
      leftOut: String(await resolveVariable("param:connectorsLeftOut")),
    }),
    stage: await resolveVariable("sls:stage"),
    consoleReadOnly: String(await resolveVariable("param:CONSOLE_READ_ONLY, 'false'")) === "true",
    databaseResourceId: await resolveVariable("param:databaseResourceId"),
    databaseSecretArn: await resolveVariable("param:databaseSecretArn"),
  };
  const service = {
    functions: await resolveConfigurationProperty(["functions"]),
    extensions: await resolveConfigurationProperty(["custom", "extensions"]),
  };
  const sizes = {};
  for (const name of ["databaseSlotLogMB", "databaseStorageGiB"]) sizes[name] = await resolveVariable(`param:${name}`);
  return generate(deployment, service, sizes);
};
