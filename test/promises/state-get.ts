import assert from 'node:assert/strict';
import { routes } from '../../handler/http/routes.ts';
import { callsFunctions, hangs, type Script, says, sends } from '../support/model/scripted.ts';
import { callOf, create, refuses, stream } from './ask.ts';
import { NEEDS_HEADERS, NEEDS_TEST_TOOL, promise } from './promise.ts';
import { ask, have, nowhere, requestsTo, stored } from './state-ask.ts';

promise(
  'stored.json',
  { says: 'GET gives the response that create returned, its parameters included', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(says('{}'));
    const response = await create(door, {
      model,
      instructions: 'Be brief.',
      metadata: { team: 'blue' },
      tools: [{ type: 'function', name: 'f', parameters: { type: 'object' } }],
      text: { format: { type: 'json_schema', name: 'empty', schema: { type: 'object' } } },
      temperature: 0.5,
      user: 'u-1',
    });
    assert.deepEqual(await stored(door, response.id), response);
    const asked = await create(door, { model, store: true });
    assert.deepEqual(await stored(door, asked.id), asked);
  },
  NEEDS_HEADERS,
);

promise(
  'stored.stream',
  { says: 'GET gives the response of the terminal event', source: 'docs/edge-cases.md: 1 (mistral.rs#1946)' },
  async (door) => {
    const model = door.model.script(says('Hel', 'lo'));
    const { final } = await stream(door, { model });
    assert.equal(final.status, 'completed');
    assert.deepEqual(await stored(door, final.id), final);
  },
  NEEDS_HEADERS,
);

promise(
  'stored.incomplete',
  { says: 'GET gives an incomplete response as it ended', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(sends([{ content: 'Hel' }], 'length'));
    const { final } = await stream(door, { model });
    for (const response of [await create(door, { model }), final]) {
      assert.equal(response.status, 'incomplete');
      assert.deepEqual(await stored(door, response.id), response);
    }
  },
  NEEDS_HEADERS,
);

const breaksOff: Script = async (turn) => {
  await turn.text('Hel');
  await turn.sleep(5);
  turn.cut();
};

promise(
  'stored.failed',
  { says: 'GET gives a failed response with its error', source: 'docs/state.md' },
  async (door) => {
    for (const model of [door.model.script(breaksOff), door.model.script(hangs('Hel').script)]) {
      const { final } = await stream(door, { model });
      assert.equal(final.status, 'failed');
      assert.ok(final.error?.message);
      assert.deepEqual(await stored(door, final.id), final);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'stored.items',
  { says: 'reasoning, messages, refusals and calls are stored as they were', source: 'ARCHITECTURE.md' },
  async (door) => {
    const call = {
      tool_calls: [{ index: 0, id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
    };
    const model = door.model.script(
      sends([{ reasoning_content: 'Hm.' }, { content: 'Calling.' }, call], 'tool_calls'),
      sends([{ refusal: 'No.' }]),
    );
    const response = await create(door, { model, tools: [{ type: 'function', name: 'f' }] });
    assert.deepEqual(
      response.output.map(({ type }) => type),
      ['reasoning', 'message', 'function_call'],
    );
    assert.deepEqual(await stored(door, response.id), response);
    const refusal = await create(door, { model });
    assert.deepEqual(await stored(door, refusal.id), refusal);
  },
  NEEDS_HEADERS,
);

promise(
  'stored.tool-items',
  {
    says: 'calls of server-side tools and citations are stored as they were',
    source: 'docs/edge-cases.md: 13 (smg#160)',
  },
  async (door) => {
    const model = door.model.script(callsFunctions({ name: 'cite', args: '{}' }), says('See X.'));
    const response = await create(door, { model, tools: [{ type: 'test_tool' }] });
    assert.partialDeepStrictEqual(response.output, [{ type: 'mcp_call', output: 'cited' }, { type: 'message' }]);
    assert.match(JSON.stringify(response.output), /url_citation/);
    assert.deepEqual(await stored(door, response.id), response);
  },
  { ...NEEDS_HEADERS, ...NEEDS_TEST_TOOL },
);

promise(
  'stored.unknown',
  { says: 'an unknown response is 404', source: 'docs/state.md' },
  async (door) => {
    await nowhere(door, ...requestsTo('responses', 'resp_nobody-knows'));
  },
  NEEDS_HEADERS,
);

/** Ids that nothing has and no path should stumble over. */
const oddIds = ['x'.repeat(4000), 'resp_%E2%82', 'resp_%zz', 'resp_👍', "'; DROP TABLE items --", '%25'];

promise(
  'stored.odd-ids',
  { says: 'an id that is long, badly encoded or full of odd characters is 404, too', source: 'docs/state.md' },
  async (door) => {
    for (const id of oddIds) await nowhere(door, ...requestsTo('responses', id));
  },
  NEEDS_HEADERS,
);

promise(
  'stored.no-replay',
  {
    says: 'GET with stream=true is 400, since the events were not kept',
    source: 'openai 7.57.0 types: ResponseRetrieveParams',
  },
  async (door) => {
    const { final } = await stream(door, { model: door.model.script(says('Hello')) });
    const path = `/v1/responses/${final.id}`;
    const refused = { status: 400, code: null, param: 'stream' };
    await refuses(await ask(door, 'GET', `${path}?stream=true`), refused);
    await refuses(await ask(door, 'GET', `${path}?stream=true&starting_after=2`), refused);
    assert.deepEqual(await have(door, 'GET', `${path}?stream=false`), final);
  },
  NEEDS_HEADERS,
);

promise(
  'stored.include',
  { says: 'GET takes every value of include, and no other', source: 'openai 7.57.0 types: ResponseRetrieveParams' },
  async (door) => {
    const response = await create(door, { model: door.model.script(says('Hello')) });
    const path = `/v1/responses/${response.id}`;
    for (const query of ['include[]=reasoning.encrypted_content', 'include=message.output_text.logprobs']) {
      assert.deepEqual(await have(door, 'GET', `${path}?${query}`), response);
      await have(door, 'GET', `${path}/input_items?${query}`);
    }
    for (const query of ['include[]=everything', 'include=']) {
      const refused = [
        await ask(door, 'GET', `${path}?${query}`),
        await ask(door, 'GET', `${path}/input_items?${query}`),
      ];
      for (const reply of refused) await refuses(reply, { status: 422, code: 422, param: 'include[0]' });
    }
  },
  NEEDS_HEADERS,
);

promise(
  'stored.not',
  { says: 'store: false leaves nothing that could be read or deleted', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(says('Hello'));
    const { id } = await create(door, { model, store: false });
    const { final } = await stream(door, { model, store: false });
    assert.equal(callOf(door, model).body.messages.length, 1);
    for (const unkept of [id, final.id]) await nowhere(door, ...requestsTo('responses', unkept));
  },
  NEEDS_HEADERS,
);

promise(
  'stored.methods',
  {
    says: 'another method on a path of stored state is 405, and allow names those there are',
    source: 'docs/state.md',
  },
  async (door) => {
    const kept = routes.filter(({ path }) => /^\/v1\/(responses\/\{id\}|conversations)/.test(path));
    for (const [path, rows] of Map.groupBy(kept, ({ path }) => path)) {
      const reply = await ask(door, 'PUT', path.replace(/\{\w+\}/g, 'x_1'), {});
      const allowed = (reply.headers.get('allow') ?? '').split(', ').sort();
      assert.deepEqual(allowed, rows.map(({ method }) => method).sort(), path);
      await refuses(reply, { status: 405, code: 'method_not_allowed' });
    }
  },
  NEEDS_HEADERS,
);
