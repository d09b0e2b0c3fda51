import * as v from 'valibot';
import { maybe } from './fields.ts';

/** A domain as `allowed_domains` and `blocked_domains` have it: a host name, without scheme, path or port. */
const Domain = v.pipe(
  v.string(),
  v.maxLength(253),
  v.regex(
    /^(?!-)[\p{L}\p{N}-]+(\.[\p{L}\p{N}-]+)+$/u,
    'must be a domain such as example.com, without https:// and path',
  ),
  v.transform((domain) => domain.toLowerCase()),
);

const place = maybe(v.pipe(v.string(), v.maxLength(256)));

/** Where the user is, about. */
export const UserLocation = v.strictObject({
  type: v.optional(v.literal('approximate'), 'approximate'),
  city: place,
  country: maybe(v.pipe(v.string(), v.regex(/^[A-Za-z]{2}$/, 'must be a country code of two letters, such as US'))),
  region: place,
  timezone: place,
});
export type UserLocation = v.InferOutput<typeof UserLocation>;

/** The entry of `tools` by which a request lets its model search the web, with the members of all its versions. */
export const WebSearchTool = v.strictObject({
  type: v.string(),
  filters: maybe(
    v.strictObject({
      allowed_domains: maybe(v.pipe(v.array(Domain), v.nonEmpty(), v.maxLength(100))),
      blocked_domains: maybe(v.pipe(v.array(Domain), v.maxLength(100))),
    }),
  ),
  user_location: maybe(UserLocation),
  search_context_size: maybe(v.picklist(['low', 'medium', 'high'])),
  external_web_access: maybe(v.boolean()),
  /** The most searches of one turn: Anthropic's, whose Messages API has this tool as well. */
  max_uses: maybe(v.pipe(v.number(), v.integer(), v.minValue(1))),
  /** What may be found. Only text is. */
  search_content_types: maybe(
    v.pipe(
      v.array(v.picklist(['text', 'image'])),
      v.includes('text', 'must include "text": this server finds no images'),
    ),
  ),
});
export type WebSearchTool = v.InferOutput<typeof WebSearchTool>;
