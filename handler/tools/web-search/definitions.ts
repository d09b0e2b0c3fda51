import type { FunctionTool } from '../../protocol/tools.ts';
import type { SearchSettings } from './settings.ts';

/** The functions that the model sees. */
export const FUNCTION_NAMES = ['web_search', 'open_page', 'find_in_page'] as const;

const page = { type: 'string', description: 'Number of a result or link, such as "2", or a URL.' };

/** Searches the web. */
const search: FunctionTool = {
  type: 'function',
  name: 'web_search',
  description:
    'Searches the web. Use it for news, facts that change, and whatever you are not sure of. In your answer put the number ' +
    'of the result behind each fact from it, in these brackets: 【1】. Never write sources in another way.',
  parameters: {
    type: 'object',
    properties: { query: { type: 'string', description: 'A few words to search for.' } },
    required: ['query'],
    additionalProperties: false,
  },
};

const open: FunctionTool = {
  type: 'function',
  name: 'open_page',
  description:
    'Reads a page that a search found, that an opened page links to, or that the user named. Cite it like a result.',
  parameters: {
    type: 'object',
    properties: {
      page,
      part: { type: 'integer', description: 'Which part of a long page; the first is 1.' },
    },
    required: ['page'],
    additionalProperties: false,
  },
};

const find: FunctionTool = {
  type: 'function',
  name: 'find_in_page',
  description: 'Finds a text in such a page, with the words around it.',
  parameters: {
    type: 'object',
    properties: { page, text: { type: 'string', description: 'Words to find, in upper or lower case.' } },
    required: ['page', 'text'],
    additionalProperties: false,
  },
};

/** The functions of one entry, by their names; without access to the web only what a provider knows can be searched. */
export function definitionsOf({
  opensPages,
  location,
}: Pick<SearchSettings, 'opensPages' | 'location'>): FunctionTool[] {
  const { city, region, country, timezone } = location ?? {};
  const place = [city, region, country, timezone].filter(Boolean).join(', ');
  const near = place === '' ? search : { ...search, description: `${search.description} The user is in ${place}.` };
  return opensPages ? [near, open, find] : [near];
}
