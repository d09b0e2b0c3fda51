import * as v from 'valibot';
import { didYouMean } from '../nearest.ts';
import { isObject } from '../protocol/json.ts';
import { httpUrl } from './http-url.ts';
import type { ConfigProblem } from './problems.ts';
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

/** The tool of an MCP server of the configuration that does the work of a hosted one. */
const byMcp = v.strictObject({
  mcp: v.string('must be a label in `mcp`'),
  tool: v.pipe(v.string('must be the name of a tool of that server'), v.nonEmpty('must not be empty')),
});
/** Which tool of which MCP server does the work of a hosted tool. */
export type HostedByMcp = v.InferOutput<typeof byMcp>;

const searchOrMcp = v.lazy<v.GenericSchema<unknown, SearchConfig | HostedByMcp>>((value) => {
  if (!isObject(value)) return search;
  if ('mcp' in value) return 'provider' in value ? both : byMcp;
  return 'provider' in value ? search : neither;
});
const both = v.custom<HostedByMcp>(() => false, 'must have provider, or mcp and tool, and not both');
const neither = v.custom<HostedByMcp>(() => false, 'must have provider, or mcp and tool');

/** The schema of `hosted`: what runs the tools that OpenAI hosts, here. */
export const hosted = v.optional(
  v.strictObject({
    web_search: v.optional(searchOrMcp),
    file_search: v.optional(byMcp),
    code_interpreter: v.optional(byMcp),
    image_generation: v.optional(byMcp),
  }),
  {},
);
/** Who runs the tools that OpenAI hosts, by their names. */
export type HostedConfig = v.InferOutput<typeof hosted>;

/** The search provider of a configuration that has one. */
export function searchIn({ web_search }: HostedConfig): SearchConfig | undefined {
  return web_search && 'provider' in web_search ? web_search : undefined;
}

/** The mistakes of hosted tools whose MCP server is not there. */
export function hostedProblems(hosted: HostedConfig, labels: readonly string[]): ConfigProblem[] {
  return Object.entries(hosted).flatMap(([name, entry]) => {
    if (!entry || !('mcp' in entry) || labels.includes(entry.mcp)) return [];
    return [{ path: ['hosted', name, 'mcp'], says: `is no label in \`mcp\`${didYouMean(entry.mcp, labels)}` }];
  });
}
