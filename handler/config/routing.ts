import * as v from 'valibot';
import { integer, time } from './quantity.ts';

const WHAT = 'must be connect, timeout, 5xx, or a status such as "429"';

/** What an entry of `models` says of how calls are spread over its servers, and of what happens to those that fail. */
export const routing = {
  /** The order in which servers that can be asked are: by chance, by what they are doing, or the same ones for the same session. */
  balance: v.optional(v.picklist(['weighted', 'leastLoaded', 'affinity'], 'must be weighted, leastLoaded or affinity')),
  retry: v.optional(
    v.strictObject({
      /** How often all servers are tried again. */
      attempts: v.optional(integer(0, 10)),
      on: v.optional(
        v.pipe(
          v.array(
            v.pipe(
              v.union([v.string(), v.pipe(v.number(), v.transform(String))], WHAT),
              v.regex(/^(connect|timeout|5xx|[45]\d\d)$/, WHAT),
            ),
            'must be a list, such as [connect, "5xx"]',
          ),
        ),
      ),
    }),
  ),
  fallback: v.optional(
    v.array(v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty')), 'must be a list of names of models'),
  ),
  timeouts: v.optional(
    v.strictObject({
      connect: time,
      firstToken: time,
      idle: time,
      hedge: v.optional(v.union([v.literal('off'), time], 'must be a time, or off')),
    }),
  ),
  breaker: v.optional(v.strictObject({ failures: v.optional(integer(1, 1_000)), open: time })),
  /** How often each server is asked for its models, to find out whether it is there. */
  probe: time,
  replyModel: v.optional(v.picklist(['asked', 'served'], 'must be asked or served')),
};
