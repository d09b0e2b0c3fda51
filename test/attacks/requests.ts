import { type Attack, alike } from './attack.ts';
import { ask, type Target } from './target.ts';

const BOTH = ['http', 'envoy'] as const;

const PATHS = [
  '/v1/x/../conversations',
  '/v1/%63onversations',
  '/v1/./conversations',
  '/v1/x/%2e%2e/conversations',
  '/v1\\conversations',
  '//host/v1/conversations',
  '/v1/a%2Fb',
];

const many = <T>(count: number, entry: (n: number) => T) => Array.from({ length: count }, (_, n) => entry(n));
const create = (request: object) => ({ body: JSON.stringify({ model: 'm', input: 'Hi', ...request }) });

/** A turn of a model that writes so many characters, which is then kept; gives its id. */
async function storedResponse(target: Target, characters: number): Promise<string> {
  const model = target.model.script(async (turn) => {
    for (let left = characters; left > 0; left -= 65_536) await turn.text('x'.repeat(Math.min(left, 65_536)));
    await turn.finish();
  });
  const { status, text } = await ask(target, { body: JSON.stringify({ model, input: 'Hi' }) });
  const id = /"id":"(resp_\w+)"/.exec(text)?.[1];
  if (!id) throw new Error(`no response: ${status} ${text.slice(0, 200)}`);
  return id;
}

/** A model that answers with so many calls. */
function calling(count: number): Attack['send'] {
  return async (target) => {
    const model = target.model.script(async (turn) => {
      for (let n = 0; n < count; n += 100) {
        const tool_calls = many(100, (k) => ({
          index: n + k,
          id: `call_${n + k}`,
          type: 'function',
          function: { name: 'f', arguments: '{}' },
        }));
        await turn.delta({ tool_calls });
      }
      await turn.finish('tool_calls');
    });
    const tools = [{ type: 'function', name: 'f', parameters: { type: 'object' } }];
    return (await ask(target, create({ model, tools }))).status;
  };
}

/** Small requests for large replies or much work. */
export const requests: Attack[] = [
  {
    name: '180 requests that name one response of 10 MiB',
    doors: BOTH,
    times: 180,
    atOnce: 180,
    prepare: (target) => storedResponse(target, 10 * 1024 * 1024),
    send: async (target, _, previous_response_id) => {
      const model = target.model.script((turn) => turn.finish());
      return (await ask(target, create({ model, previous_response_id }))).status;
    },
    answers: [200, 503],
    grows: 900,
  },
  {
    name: '60 clients that read one response of 10 MiB',
    doors: BOTH,
    times: 120,
    atOnce: 60,
    prepare: (target) => storedResponse(target, 10 * 1024 * 1024),
    send: (target, n, id) => alike({ method: 'GET', path: `/v1/responses/${id}` })(target, n, id),
    answers: [200, 503],
    // Four times the budget: through gRPC a reply is copied some eight times, and the collector comes later to a machine with nothing else to do.
    grows: 1_280,
  },
  {
    name: '200,000 empty items',
    doors: BOTH,
    times: 8,
    atOnce: 4,
    send: alike(create({ input: many(200_000, () => ({})) })),
    answers: [400, 422],
    grows: 500,
  },
  {
    name: '100,000 messages',
    doors: BOTH,
    times: 8,
    atOnce: 4,
    send: alike(create({ input: many(100_000, () => ({ role: 'user', content: '' })) })),
    answers: [400, 422],
    grows: 500,
  },
  {
    name: '200,000 tools',
    doors: BOTH,
    times: 8,
    atOnce: 4,
    send: alike(create({ tools: many(200_000, () => ({})) })),
    answers: [400, 422],
    grows: 500,
  },
  {
    name: 'a model with 20,000 calls',
    doors: BOTH,
    times: 4,
    atOnce: 2,
    send: calling(20_000),
    answers: [500],
    grows: 500,
  },
  {
    name: 'an error of the model whose type has 12 MB',
    doors: BOTH,
    times: 4,
    atOnce: 2,
    send: async (target) => {
      const error = { message: 'no', type: 'x '.repeat(6_000_000), code: 'y' };
      const model = target.model.script((turn) => turn.reply(500, { error }));
      return (await ask(target, create({ model }))).status;
    },
    answers: [500],
    grows: 500,
  },
  {
    name: 'a name that is not this machine’s own',
    doors: BOTH,
    times: 4,
    atOnce: 4,
    send: alike({ ...create({}), headers: { host: 'evil.example' } }),
    answers: [403],
    grows: 100,
  },
  {
    name: 'a page of another origin',
    doors: BOTH,
    times: 4,
    atOnce: 4,
    send: alike({ ...create({}), headers: { origin: 'https://evil.example' } }),
    answers: [403],
    grows: 100,
  },
  {
    name: 'a page without an origin',
    doors: BOTH,
    times: 4,
    atOnce: 4,
    send: alike({ ...create({}), headers: { origin: 'null' } }),
    answers: [403],
    grows: 100,
  },
  {
    name: 'a body that any page may send',
    doors: BOTH,
    times: 4,
    atOnce: 4,
    send: alike({ ...create({}), headers: { 'content-type': 'text/plain' } }),
    answers: [415],
    grows: 100,
  },
  {
    // Envoy's own rules see the path as it means it, and so do we then.
    name: 'a path that walks around the rules of a proxy',
    doors: ['http'],
    times: PATHS.length,
    atOnce: 1,
    send: (target, n) => alike({ ...create({}), path: PATHS[n] ?? '' })(target, n, ''),
    answers: [400, 404],
    grows: 100,
  },
];
