import * as v from 'valibot';
import { time } from './quantity.ts';

/** The schema of `telemetry`: where it goes, the variables `OTEL_*` say. */
export const telemetry = v.pipe(
  v.strictObject({
    content: v.optional(v.boolean('must be true or false'), false),
    slowBatch: time,
  }),
  v.transform(({ content, slowBatch = 50 }) => ({ content, slowBatch })),
);
