import { expect, test } from "@jest/globals";
import { mappingUuid, objectKey } from "./s3.ts";

test("an object's key has the mapping, the day and the second in UTC, and a UUID", () => {
  const timestampMs = Date.parse("2026-03-09T23:59:58.999Z");

  expect(objectKey("e-s-m", timestampMs, "r-n-d")).toBe("aws/lambda/e-s-m/2026/03/09/2026-03-09T23.59.58-r-n-d");
});

test("a mapping's UUID is stable, its own, and a UUID", () => {
  const uuid = mappingUuid("AgentEventSourceMappingKafkaOrders");

  expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(mappingUuid("AgentEventSourceMappingKafkaOrders")).toBe(uuid);
  expect(mappingUuid("OtherEventSourceMappingKafkaOrders")).not.toBe(uuid);
});
