import * as v from 'valibot';
import { httpUrl } from './http-url.ts';
import { secretText } from './secrets.ts';

/** The search providers that there are. */
export const searchProviders = ['searxng', 'brave', 'tavily', 'exa'] as const;

const SEARXNG = 'searxng';

/** Who searches the web for `web_search`. */
const search = v.pipe(
  v.strictObject({
    provider: v.picklist(searchProviders, `must be one of ${searchProviders.join(', ')}`),
    url: v.optional(httpUrl),
    key: v.optional(v.pipe(secretText, v.nonEmpty('must not be empty'))),
  }),
  v.forward(
    v.partialCheck(
      [['provider'], ['url']],
      ({ provider, url }) => provider !== SEARXNG || url !== undefined,
      'must be the address of your SearXNG, such as http://127.0.0.1:8888',
    ),
    ['url'],
  ),
  v.forward(
    v.partialCheck(
      [['provider'], ['key']],
      ({ provider, key }) => (provider === SEARXNG) === (key === undefined),
      'must be the key of a provider that has keys: brave, tavily and exa need one, and searxng has none',
    ),
    ['key'],
  ),
);
/** The provider of a configuration that searches the web. */
export type SearchConfig = v.InferOutput<typeof search>;

/** The schema of `hosted`: what runs the tools that OpenAI hosts, here. */
export const hosted = v.optional(v.strictObject({ web_search: v.optional(search) }), {});
/** Who runs the tools that OpenAI hosts, by their names. */
export type HostedConfig = v.InferOutput<typeof hosted>;
