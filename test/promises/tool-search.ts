import assert from 'node:assert/strict';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { outline } from '../support/sse.ts';
import { callOf, create, stream, unprocessable } from './ask.ts';
import { promise } from './promise.ts';
import { modelInput } from './state-ask.ts';

const later = { defer_loading: true };
const orders = { type: 'function', name: 'list_orders', description: 'Lists orders.', ...later };
const refund = { type: 'custom', name: 'refund', ...later };
const crm = { type: 'namespace', name: 'crm', description: 'Customers and orders.', tools: [orders, refund] };
const weather = { type: 'function', name: 'weather', description: 'Weather of a city.', ...later };
const whole = { ...weather, parameters: null, strict: false };
const now = { type: 'function', name: 'now' };
const tools = [now, crm, weather, { type: 'tool_search' }];

const searches = callsFunctions({ name: 'tool_search', args: '{"query":"crm orders"}', id: 's1' });
const calls = callsFunctions({ name: 'crm__list_orders', args: '{}', id: 'c1' });
const status = 'completed';
const found = [
  { type: 'tool_search_call', call_id: null, execution: 'server', arguments: { query: 'crm orders' }, status },
  { type: 'tool_search_output', call_id: null, execution: 'server', tools: [crm], status },
];

/** The names of the functions that the model was sent with each call. */
function offered(body: { tools?: { function: { name: string } }[] }): string[] {
  return (body.tools ?? []).map(({ function: fn }) => fn.name);
}

const LISTED =
  'These tools can be called once tool_search has loaded them:\n- crm: Customers and orders.\n- weather: Weather of a city.';

promise(
  'tool-search.same-turn',
  {
    says: 'deferred tools are searched for by the server, and can be called in the same turn',
    source: 'openai 7.57.0 types',
  },
  async (door) => {
    const model = door.model.script(searches, calls, says('None.'));
    const { events, final } = await stream(door, { model, tools, instructions: 'Be brief.' });
    assert.partialDeepStrictEqual(final.output, [
      ...found,
      { type: 'function_call', name: 'list_orders', namespace: 'crm', call_id: 'c1' },
    ]);
    assert.deepEqual(outline(events).slice(2, 6), [
      'output_item.added 0 tool_search_call in_progress',
      'output_item.done 0 tool_search_call completed',
      'output_item.added 1 tool_search_output in_progress',
      'output_item.done 1 tool_search_output completed',
    ]);
    assert.deepEqual(final.tools?.at(-1), { type: 'tool_search', execution: 'server' });
    assert.equal(final.instructions, 'Be brief.');
    const [first, second] = door.model.calls(model);
    assert.deepEqual(offered(first?.body), ['now', 'tool_search']);
    assert.equal(first?.body.messages[0].content, `Be brief.\n\n${LISTED}`);
    assert.deepEqual(offered(second?.body), ['now', 'crm__list_orders', 'crm__refund', 'tool_search']);
    assert.deepEqual(modelInput(door, model).slice(-2), [
      'assistant: tool_search {"query":"crm orders"} #s1',
      'tool s1: Loaded: crm',
    ]);
  },
);

promise(
  'tool-search.later-turns',
  { says: 'what was found can be called in later turns, by chain and by replay', source: 'openai 7.57.0 types' },
  async (door) => {
    const model = door.model.script(searches, calls, says('None.'));
    const first = await create(door, { model, tools });
    const output = { type: 'function_call_output', call_id: 'c1', output: '[]' };
    const lines = [
      `system: ${LISTED}`,
      'user: Hi',
      'assistant: tool_search {"query":"crm orders"} #search_0',
      'tool search_0: Loaded: crm',
      'assistant: crm__list_orders {} #c1',
      'tool c1: []',
    ];
    const input = [{ role: 'user', content: 'Hi' }, ...first.output, output];
    for (const body of [
      { previous_response_id: first.id, input: [output] },
      { input, store: false },
    ]) {
      await create(door, { model, tools, ...body });
      const { body: sent } = door.model.calls(model).at(-1) ?? assert.fail('it was called');
      assert.deepEqual(offered(sent), ['now', 'crm__list_orders', 'crm__refund', 'tool_search']);
      assert.deepEqual(modelInput(door, model), lines);
    }
  },
);

promise(
  'tool-search.words',
  { says: 'tools are found by words of their names and descriptions, namespaces whole', source: 'openai 7.57.0 types' },
  async (door) => {
    const searched = async (query: string) => {
      const model = door.model.script(
        callsFunctions({ name: 'tool_search', args: JSON.stringify({ query }), id: 's1' }),
        says('ok'),
      );
      const { output } = await create(door, { model, tools });
      return output.flatMap((item) => (item.type === 'tool_search_output' ? item.tools : []));
    };
    assert.deepEqual(await searched('weather'), [whole], 'with what the client left out');
    assert.deepEqual(await searched('the CITY'), [whole]);
    assert.deepEqual(await searched('refund'), [crm], 'by a member');
    assert.deepEqual(await searched('weather of a city, orders'), [whole, crm], 'the best first');
    assert.deepEqual(
      await searched('weather of a city, for a customer'),
      [whole],
      'those that fit far less are left out',
    );
    assert.deepEqual(await searched('chess'), []);
    assert.deepEqual(await searched(''), []);
  },
);

promise(
  'tool-search.again',
  { says: 'what is found again is offered once', source: 'openai 7.57.0 types' },
  async (door) => {
    const model = door.model.script(searches, searches, says('ok'));
    const { output } = await create(door, { model, tools });
    assert.partialDeepStrictEqual(output, [...found, ...found, { type: 'message' }]);
    assert.deepEqual(offered(door.model.calls(model).at(-1)?.body), [
      'now',
      'crm__list_orders',
      'crm__refund',
      'tool_search',
    ]);
  },
);

promise(
  'tool-search.with-calls',
  { says: 'a search beside calls that the client answers is kept', source: 'openai 7.57.0 types' },
  async (door) => {
    const both = callsFunctions(
      { name: 'now', args: '{}', id: 'n1' },
      { name: 'tool_search', args: '{"query":"crm"}', id: 's1' },
    );
    const model = door.model.script(both, says('ok'));
    const { id, output } = await create(door, { model, tools });
    assert.partialDeepStrictEqual(output, [{ type: 'function_call', name: 'now' }, { type: 'tool_search_call' }, {}]);
    const answer = { type: 'function_call_output', call_id: 'n1', output: '12:00' };
    await create(door, { model, tools, previous_response_id: id, input: [answer] });
    assert.ok(offered(door.model.calls(model).at(-1)?.body).includes('crm__list_orders'));
  },
);

promise(
  'tool-search.client',
  { says: 'a client that searches itself has deferred tools kept from the model', source: 'openai 7.57.0 types' },
  async (door) => {
    const model = door.model.script(callsFunctions({ name: 'tool_search', args: '{}', id: 's1' }), says('ok'));
    const search = { type: 'tool_search', execution: 'client' };
    const asked = { model, tools: [now, weather, search] };
    const { id, output } = await create(door, asked);
    assert.partialDeepStrictEqual(output, [{ type: 'tool_search_call', call_id: 's1', execution: 'client' }]);
    assert.deepEqual(offered(callOf(door, model).body), ['now', 'tool_search']);
    const answer = { type: 'tool_search_output', call_id: 's1', tools: [weather] };
    await create(door, { ...asked, previous_response_id: id, input: [answer] });
    assert.deepEqual(offered(door.model.calls(model).at(-1)?.body), ['now', 'tool_search', 'weather']);
  },
);

promise(
  'tool-search.native',
  { says: 'the search is the same in front of servers that speak Responses', source: 'openai 7.57.0 types' },
  async (door) => {
    const search = { type: 'function_call', call_id: 's1', name: 'tool_search', arguments: '{"query":"weather"}' };
    const model = door.model.native(answers(search), answers(message('Fine.')));
    const { id } = await create(door, { model, tools });
    const [first, second] = door.model.calls(model);
    const named = (body: { tools: { name: string }[] }) => body.tools.map(({ name }) => name);
    assert.deepEqual(named(first?.body), ['now', 'tool_search']);
    assert.deepEqual(named(second?.body), ['now', 'weather', 'tool_search']);
    assert.doesNotMatch(JSON.stringify(second?.body), /defer_loading/);
    await create(door, { model, tools, previous_response_id: id });
    assert.partialDeepStrictEqual(door.model.calls(model).at(-1)?.body.input, [
      { role: 'user' },
      { type: 'function_call', name: 'tool_search', call_id: 'search_0' },
      { type: 'function_call_output', call_id: 'search_0', output: 'Loaded: weather' },
      { role: 'assistant' },
    ]);
  },
);

promise(
  'tool-search.missing',
  { says: 'a deferred tool that nothing can find is 422 that names it', source: 'openai 7.57.0 types' },
  async (door) => {
    await unprocessable(door, { tools: [now, weather] }, 'tools[1].defer_loading', /tool_search/);
    await unprocessable(door, { tools: [now, crm] }, 'tools[1].tools[0].defer_loading', /tool_search/);
    const input = [{ type: 'additional_tools', tools: [now, refund] }];
    await unprocessable(door, { input }, 'input[0].tools[1].defer_loading', /tool_search/);
    const model = door.model.script(says('ok'));
    await create(door, { model, tools: [now, { type: 'tool_search' }] });
    assert.deepEqual(offered(callOf(door, model).body), ['now'], 'there is nothing to search for');
  },
);

promise(
  'tool-search.unfit',
  {
    says: 'a deferred tool that the backend cannot carry is 422 that names it, before the model is called',
    source: 'docs/api.md',
  },
  async (door) => {
    const grammar = { ...refund, format: { type: 'grammar', syntax: 'lark', definition: 'start: "a"' } };
    const model = door.model.refusing(() => assert.fail('the model is not called'));
    for (const execution of ['server', 'client']) {
      const search = { type: 'tool_search', execution };
      await unprocessable(door, { model, tools: [now, grammar, search], stream: true }, 'tools[1].format');
      const space = { ...crm, tools: [orders, grammar] };
      await unprocessable(door, { model, tools: [space, search] }, 'tools[0].tools[1].format');
    }
    const twice = { type: 'function', name: 'crm__refund' };
    await unprocessable(
      door,
      { tools: [twice, crm, { type: 'tool_search' }] },
      'tools',
      /two that the model would know as crm__refund/,
    );
  },
);

promise(
  'tool-search.allowed',
  {
    says: 'of deferred tools only those can be found that a list of allowed tools names, or all if it names tool_search',
    source: 'openai 7.57.0 types',
  },
  async (door) => {
    const catalogText = /once tool_search has loaded them:\n- crm: Customers and orders\.$/;
    const allow = (...tools: object[]) => ({ type: 'allowed_tools', mode: 'auto', tools });
    const [byName, search] = [{ type: 'function', name: 'list_orders' }, { type: 'tool_search' }];
    const run = async (tool_choice: object, native = false) => {
      const call = { type: 'function_call', call_id: 's1', name: 'tool_search', arguments: '{"query":"crm orders"}' };
      const model = native
        ? door.model.native(answers(call), answers(message('ok')))
        : door.model.script(searches, says('ok'));
      const response = await create(door, { model, tools, tool_choice });
      assert.deepEqual(response.tool_choice, tool_choice);
      return { response, bodies: door.model.calls(model).map(({ body }) => body) };
    };
    const named = await run(allow(now, byName));
    assert.deepEqual(named.bodies.map(offered), [
      ['now', 'tool_search'],
      ['now', 'crm__list_orders', 'tool_search'],
    ]);
    assert.match(named.bodies[0].messages[0].content, catalogText);
    assert.partialDeepStrictEqual(named.response.output[1], { tools: [{ ...crm, tools: [orders] }] });
    const all = await run(allow(now, search));
    assert.deepEqual(all.bodies.map(offered), [
      ['now', 'tool_search'],
      ['now', 'crm__list_orders', 'crm__refund', 'tool_search'],
    ]);
    const native = await run(allow(byName), true);
    assert.deepEqual(
      native.bodies.map(({ tools }) => tools.map(({ name }: Member) => name)),
      [['tool_search'], ['crm__list_orders', 'tool_search']],
    );
    const none = door.model.script(says('ok'));
    await create(door, { model: none, tools, tool_choice: allow(now) });
    assert.deepEqual(offered(callOf(door, none).body), ['now'], 'nothing that may be called is to be found');
    assert.deepEqual(modelInput(door, none), ['user: Hi']);
    await unprocessable(door, { tools, tool_choice: allow({ type: 'function', name: 'nobody' }) }, 'tool_choice');
  },
);

promise(
  'tool-search.allowed-later',
  {
    says: 'a list of allowed tools is kept to among what was found in earlier turns, and where the client searches',
    source: 'openai 7.57.0 types',
  },
  async (door) => {
    const allow = (...tools: object[]) => ({ type: 'allowed_tools', mode: 'auto', tools });
    for (const [tool_choice, expected] of [
      [allow({ type: 'tool_search' }), ['crm__list_orders', 'crm__refund', 'tool_search']],
      [allow({ type: 'custom', name: 'refund' }), ['crm__refund', 'tool_search']],
    ] as const) {
      const model = door.model.script(searches, says('ok'));
      const { id } = await create(door, { model, tools });
      await create(door, { model, tools, previous_response_id: id, tool_choice });
      assert.deepEqual(offered(door.model.calls(model).at(-1)?.body), expected);
    }
    const client = { type: 'tool_search', execution: 'client' };
    const model = door.model.script(says('ok'));
    await create(door, {
      model,
      tools: [now, weather, client],
      tool_choice: allow({ type: 'function', name: 'weather' }),
    });
    assert.deepEqual(offered(callOf(door, model).body), ['tool_search'], 'by which the client finds it');
  },
);

interface Member {
  name: string;
  tools?: object[];
}
