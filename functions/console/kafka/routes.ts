import * as v from "valibot";
import type { Pool } from "../../../shared/postgres/index.ts";
import type { GroupList, TopicList } from "../api.ts";
import { NoBody, parse, parseQuery, type Route, wholeNumber } from "../http/router.ts";
import type { Mappings } from "../mappings/mappings.ts";
import { decodeCursor } from "./cursor.ts";
import { judgement, listFailed, redrive } from "./failed-records.ts";
import { listGroups } from "./groups.ts";
import type { ConsoleKafka } from "./kafka.ts";
import { findMessages, MessageQuery } from "./messages.ts";
import { OffsetReset, resetOffsets } from "./offsets.ts";
import { findTopicView, listTopics } from "./topics.ts";

export interface KafkaRouteOptions {
  readonly kafka: ConsoleKafka;
  readonly mappings: Mappings;
  readonly pool: Pool;
}

const FailedQuery = v.object({ before: v.optional(v.pipe(v.string(), v.transform(decodeCursor))) });

const FailedPlace = v.object({ partition: wholeNumber(0, 2 ** 31 - 1), offset: wholeNumber() });

type Path = Readonly<Record<string, string>>;

/** @throws {ConfigError} when an agent's settings are wrong: failed records are looked at as the agents do */
export function kafkaRoutes({ kafka, mappings, pool }: KafkaRouteOptions): Route[] {
  const failed = { kafka, pool, judge: judgement() };
  const topicOf = (path: Path) => path["topic"] as string;
  const groupOf = (path: Path) => path["group"] as string;
  return [
    {
      method: "GET",
      path: "/api/topics",
      view: async (): Promise<TopicList> => ({ topics: await listTopics(kafka) }),
    },
    { method: "GET", path: "/api/topics/:topic", view: ({ path }) => findTopicView(kafka, topicOf(path)) },
    {
      method: "GET",
      path: "/api/topics/:topic/messages",
      view: async ({ path, query }) => findMessages(kafka, topicOf(path), parseQuery(MessageQuery, query)),
    },
    {
      method: "GET",
      path: "/api/groups",
      view: async (): Promise<GroupList> => ({ groups: await listGroups(kafka, mappings) }),
    },
    {
      method: "POST",
      path: "/api/groups/:group/offsets",
      action: ({ body, path }) => (isPreview(body) ? null : { name: "group.offsets", target: groupOf(path) }),
      act: async ({ body, path }) => resetOffsets({ kafka, mappings }, groupOf(path), parse(OffsetReset, body)),
    },
    {
      method: "GET",
      path: "/api/failed-records",
      view: async ({ query }) => listFailed(failed, parseQuery(FailedQuery, query).before),
    },
    {
      method: "POST",
      path: "/api/failed-records/:partition/:offset/redrive",
      action: ({ path }) => ({ name: "failed-record.redrive", target: `${path["partition"]}/${path["offset"]}` }),
      act: async ({ actor, body, path }) => {
        parse(NoBody, body);
        return redrive({ ...failed, mappings }, parse(FailedPlace, path), actor);
      },
    },
  ];
}

function isPreview(body: unknown): boolean {
  return typeof body === "object" && body !== null && "preview" in body && body.preview === true;
}
