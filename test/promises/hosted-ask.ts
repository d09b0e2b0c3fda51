import type { Door } from '../support/doors/door.ts';
import { gives, type McpToolScript } from '../support/mcp-server.ts';

/** What is drawn. */
export const PNG = 'iVBORw0KGgo=';
const image = { type: 'image', data: PNG, mimeType: 'image/png' };
const schema = (...names: string[]) => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
});

/** What runs code: 1 + 1 is known, and a picture is drawn with it. */
const run: McpToolScript = {
  name: 'run',
  description: 'Runs Python.',
  inputSchema: schema('code'),
  run: ({ code }) =>
    code === '1+1' ? { content: [...(gives('2').content ?? []), image] } : { ...gives('no such name'), isError: true },
};

/** What is found of rain. */
export const found = {
  file_id: 'file_1',
  filename: 'rain.txt',
  score: 0.5,
  text: 'It is wet.',
  attributes: { year: 2031 },
};

/** What finds rain in the files of a store, as JSON that has what OpenAI's results have, and more. */
const lookUp: McpToolScript = {
  name: 'look_up',
  inputSchema: schema('query', 'vector_store_ids'),
  run: ({ query, vector_store_ids: [store] }) =>
    query === 'rain' && store === 'vs_1'
      ? gives(JSON.stringify({ results: [{ ...found, more: 1 }] }))
      : { ...gives('no such file'), isError: true },
};

/** What draws all but nothing, in one size. */
const draw: McpToolScript = {
  name: 'draw',
  inputSchema: schema('prompt', 'size'),
  run: ({ prompt, size }) => (prompt === 'nothing' || size !== '1024x1024' ? gives('Of what?') : { content: [image] }),
};

/** Has the server of the tools there, which others that run at the same time have as well: it has no sessions that one of them could end. */
export function serveHosted({ model }: Door): void {
  model.mcp.serve([run, lookUp, draw], { era: '2026' }, 'sandbox');
}
