import assert from 'node:assert/strict';
import { surfaceRows } from '../coverage/surface.ts';
import { post, testConfig } from '../support/doors/door.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { failsMidway, replies } from '../support/model/scripted.ts';
import { eventsOf, message, sendsEvents } from '../support/model/scripted-responses.ts';
import { refuses, stream } from './ask.ts';
import { promise, type Skips } from './promise.ts';
import { fits, showsRows } from './surface-ask.ts';
import { requestsFor } from './surface-refused.ts';

/** Codes whose failures are not the client's. */
const others = ['server_error', 'rate_limit_exceeded', 'vector_store_timeout'];

const codes = surfaceRows().flatMap(({ group, name }) =>
  group === 'errors' && name.startsWith('code=') ? [name.slice('code='.length)] : [],
);

promise(
  'surface.error-codes',
  {
    says: "a code that a model's server fails with comes back if the API knows it, and its words stay there",
    source: 'openai 7.57.0 types: ResponseError',
  },
  async (door) => {
    const seen: object[] = [];
    for (const code of codes) {
      const ending = { type: 'failed' as const, error: { code, message: 'SECRET' } };
      const model = door.model.native(sendsEvents(eventsOf([message('Well')], ending)));
      const { events, final } = await stream(door, { model });
      const { error } = final;
      fits('ResponseError', error);
      assert.equal(error?.code, code);
      assert.partialDeepStrictEqual(events.at(-2), { type: 'error', code, error: { code } });
      assert.doesNotMatch(JSON.stringify(events), /SECRET/);
      seen.push(error);
      if (others.includes(code)) continue;
      const refused = door.model.script(replies(400, { error: { code, message: 'SECRET' } }));
      for (const name of [model, refused]) {
        const reply = await post(door, { model: name, input: 'Hi' });
        assert.equal(reply.headers.get('x-should-retry'), 'false');
        assert.doesNotMatch(await refuses(reply, { status: 400, code }), /SECRET/);
      }
    }
    const odd = { type: 'failed' as const, error: { code: 'code_of_next_year', message: 'SECRET' } };
    const unknown = door.model.native(sendsEvents(eventsOf([], odd)));
    assert.equal((await stream(door, { model: unknown })).final.error?.code, 'server_error');
    const overflow = door.model.script(failsMidway({ code: 'context_length_exceeded', type: 'invalid_request_error' }));
    assert.equal(String((await stream(door, { model: overflow })).final.error?.code), 'context_length_exceeded');
    showsRows('surface.error-codes', [['errors', seen]]);
  },
);

const OWN_CONFIGURATION: Skips = Object.fromEntries(
  (['node-http', 'workerd', 'deno', 'bun', 'envoy-streamed', 'envoy-buffered', 'envoy-original'] as const).map(
    (door) => [door, 'the style is a matter of the configuration, which is one for all promises of a door'],
  ),
);

const user = { role: 'user', content: 'Hi' };
const message_1 = { id: 'msg_1', ...user };
const call = { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' };

/** Requests with other faults than unsupported features, with OpenAI's status and code. */
const wrong: [body: object | string, status: number, code: string | null, param?: string][] = [
  ['{', 400, 'invalid_json'],
  [{ input: 'Hi' }, 400, 'missing_required_parameter', 'model'],
  [{ model: 'demo', input: [{ role: 'user' }] }, 400, 'missing_required_parameter', 'input[0].content'],
  [{ model: 'demo', input: 'Hi', temperature: '1' }, 400, 'invalid_type', 'temperature'],
  [{ model: 'demo', input: 'Hi', temperature: 3 }, 400, 'decimal_above_max_value', 'temperature'],
  [{ model: 'demo', input: 'Hi', temperature: -1 }, 400, 'decimal_below_min_value', 'temperature'],
  [{ model: 'demo', input: 'Hi', top_logprobs: 21 }, 400, 'integer_above_max_value', 'top_logprobs'],
  [{ model: 'demo', input: 'Hi', max_output_tokens: 1 }, 400, 'integer_below_min_value', 'max_output_tokens'],
  [{ model: 'demo', input: 'Hi', user: 'x'.repeat(513) }, 400, 'string_above_max_length', 'user'],
  [{ model: 'demo', input: 'Hi', truncation: 'some' }, 400, 'invalid_value', 'truncation'],
  [{ model: 'nobody-knows', input: 'Hi' }, 400, 'model_not_found', 'model'],
  [
    { model: 'demo', input: 'Hi', previous_response_id: 'resp_1' },
    400,
    'previous_response_not_found',
    'previous_response_id',
  ],
  [{ model: 'demo', input: 'Hi', conversation: 'conv_1' }, 404, null, 'conversation'],
  [
    { model: 'demo', input: 'Hi', conversation: 'c', previous_response_id: 'r' },
    400,
    'mutually_exclusive_parameters',
    'previous_response_id',
  ],
  [{ model: 'demo', input: [{ type: 'function_call_output', call_id: 'c', output: '' }] }, 400, null, 'input'],
  [{ model: 'demo', input: [user, call] }, 400, null, 'input'],
  [{ model: 'demo', input: [message_1, message_1] }, 400, null, 'input'],
  [{ model: 'demo', input: [{ type: 'item_reference', id: 'msg_nobody' }] }, 404, null, 'input'],
  [{ model: 'down', input: 'Hi' }, 500, 'server_error'],
];

promise(
  'surface.error-style',
  { says: "with errors: openai every kind of error has OpenAI's own status and code", source: 'docs/errors.md' },
  async (door) => {
    const config = { ...testConfig(door.model), errors: 'openai' as const, dropTools: [] };
    const handler = await testHandler(door.model, { config });
    const via = {
      ...door,
      fetch: async (path: string, init?: RequestInit) => handler.fetch(new Request(`http://test${path}`, init)),
    };
    for (const [body, status, code, param = null] of wrong) {
      await refuses(await post(via, body), { status, code, param });
    }
    for (const type of ['web_search', 'web_search_preview', 'image_generation']) {
      const reply = await post(via, { model: 'demo', input: 'Hi', tools: [{ type }] });
      await refuses(reply, { status: 400, code: 'unsupported_parameter', param: 'tools[0].type' });
    }
    for (const { refused, reply } of requestsFor(via)) {
      const { status, param } = refused;
      const { code } = JSON.parse(await (await reply()).text()).error;
      if (status === 422)
        assert.ok(['unsupported_parameter', 'invalid_value'].includes(code), `${refused.sent}: ${code}`);
      await refuses(await reply(), { status: status === 422 ? 400 : status, code, param });
    }
    await handler.close();
  },
  OWN_CONFIGURATION,
);
