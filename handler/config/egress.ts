import * as v from 'valibot';
import { parseAllowed } from '../egress/target.ts';

/** Private targets that URLs of requests, tools and pages may lead to. */
export const egress = v.strictObject({
  allow: v.optional(
    v.array(
      v.pipe(
        v.string('must be a text'),
        v.check(
          (text) => parseAllowed(text) !== undefined,
          'must be a host, with or without a port, such as mcp.internal:443, or a range of addresses such as 10.0.0.0/8',
        ),
      ),
      'must be a list',
    ),
    [],
  ),
});
