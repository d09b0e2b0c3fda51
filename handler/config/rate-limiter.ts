import * as v from 'valibot';
import { limiterValues } from '../rate-limiter.ts';

const text = v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty'));

/** The schema of `rateLimiter`: Envoy's rate limit service, and how it counts turns that Envoy does not see. */
export const rateLimiter = v.optional(
  v.strictObject({
    address: v.pipe(
      v.string('must be a text'),
      v.regex(/^(\[[\da-fA-F:.]+\]|[\w.-]+):\d{1,5}$/, 'must be HOST:PORT of its gRPC, such as ratelimit:8081'),
    ),
    domain: text,
    descriptor: v.pipe(
      v.record(
        text,
        v.picklist(limiterValues, `must be one of ${limiterValues.join(', ')}`),
        'must be a mapping such as { api_key: user }',
      ),
      v.check((entries) => Object.keys(entries).length > 0, 'must have an entry, such as { api_key: user }'),
    ),
    hits: v.optional(text, 'total_tokens'),
  }),
);
