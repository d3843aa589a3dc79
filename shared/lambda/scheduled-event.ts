import * as v from "valibot";

/**
 * What a schedule sends, as far as it is read here. `time` is the moment the schedule meant, cut to the second.
 * Someone who invokes the function by hand sends nothing ('' from `sls invoke local`, or {}), so there is none then.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
 */
export const ScheduledEvent = v.pipe(
  v.union([
    v.pipe(
      v.literal(""),
      v.transform(() => ({})),
    ),
    v.nullish(v.looseObject({}), {}),
  ]),
  v.object({
    time: v.optional(
      v.pipe(
        v.string(),
        v.isoTimestamp(),
        v.transform((time) => new Date(time)),
      ),
    ),
  }),
);

export type ScheduledEvent = v.InferOutput<typeof ScheduledEvent>;
