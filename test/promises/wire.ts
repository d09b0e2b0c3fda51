import assert from 'node:assert/strict';
import { callsFunctions, type Script, says, sends } from '../support/model/scripted.ts';
import { messageEvents, sendsMessage, text } from '../support/model/scripted-messages.ts';
import { answers, encoded, eventsOf, message, sendsEvents } from '../support/model/scripted-responses.ts';
import { callOf, create, stream } from './ask.ts';
import { promise } from './promise.ts';
import { have, type List, modelInput, stored, turnRefused } from './state-ask.ts';

// What OpenAI sends and takes, where its documents do not say: by recorded exchanges.

const RECORDED = "recordings: OpenAI's service, in the tests of its clients";
const user = (content: string) => ({ role: 'user', content });

/** A script of Chat Completions whose chunks all say a tier. */
function serves(service_tier: unknown): Script {
  return async (turn) => {
    const chunk = (delta: object, finish_reason: string | null) =>
      turn.raw(`data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }], service_tier })}\n\n`);
    await chunk({ content: 'Hi' }, null);
    await chunk({}, 'stop');
    await turn.raw('data: [DONE]\n\n');
    turn.end();
  };
}

promise(
  'wire.service-tier',
  {
    says: 'service_tier is how the server said that it served the turn, and until then what was asked',
    source: RECORDED,
  },
  async (door) => {
    const modelsThatSay = (tier: unknown, ofAnthropic: unknown) => ({
      chat: door.model.script(serves(tier)),
      native: door.model.native(sendsEvents(tiered(tier))),
      anthropic: door.model.anthropic(
        sendsMessage(messageEvents([text('Hi')], { usage: { output_tokens: 7, service_tier: ofAnthropic } })),
      ),
    });
    for (const [told, ofAnthropic, shown] of [
      ['default', 'standard', 'default'],
      ['priority', 'priority', 'priority'],
      ['on_demand', 'on_demand', 'flex'],
      ['auto', null, 'flex'],
      [null, 1, 'flex'],
      [{}, {}, 'flex'],
    ]) {
      for (const [protocol, model] of Object.entries(modelsThatSay(told, ofAnthropic))) {
        const { events, final } = await stream(door, { model, service_tier: 'flex' });
        const [created] = events;
        assert.ok(created?.type === 'response.created');
        assert.deepEqual([created.response.service_tier, final.service_tier], ['flex', shown], protocol);
        if (door.name !== 'envoy-original') assert.equal((await stored(door, final.id)).service_tier, shown);
        assert.equal((await create(door, { model, service_tier: 'flex' })).service_tier, shown);
      }
    }
  },
);

/** The events of a response whose end says a tier. */
function tiered(service_tier: unknown) {
  const events = eventsOf([message('Hi')]);
  const end = events.at(-1);
  return [...events.slice(0, -1), { ...end, response: { ...end?.response, service_tier } }];
}

promise(
  'wire.search-unanswered',
  { says: "a server's search for tools waits for no output in a history; a client's does", source: RECORDED },
  async (door) => {
    const call = { type: 'function_call', call_id: 'c1', name: 'list_orders', arguments: '{}' };
    const output = { type: 'function_call_output', call_id: 'c1', output: '[]' };
    const search = { type: 'tool_search_call', execution: 'server', arguments: { query: 'orders' } };
    for (const ids of [{}, { call_id: null }, { id: 'tsc_1', call_id: 'call_s', status: 'completed' }]) {
      const model = door.model.script(says('None.'));
      await create(door, { model, input: [user('Hi'), { ...search, ...ids }, call, output] });
      assert.deepEqual(modelInput(door, model), ['user: Hi', 'assistant: list_orders {} #c1', 'tool c1: []']);
    }
    const clients = { ...search, execution: 'client', call_id: 'call_s' };
    await turnRefused(door, { input: [user('Hi'), clients] }, { status: 400, code: null, param: 'input' });
  },
);

promise(
  'wire.deferred-namespace',
  {
    says: 'the call of a deferred function has a namespace of its name, and comes back with it or without',
    source: RECORDED,
  },
  async (door) => {
    const fn = (name: string, members = {}) => ({ type: 'function', name, parameters: {}, ...members });
    const tools = [fn('now'), fn('list_orders', { defer_loading: true }), { type: 'tool_search', execution: 'server' }];
    const searches = callsFunctions({ name: 'tool_search', args: '{"query":"orders"}', id: 's1' });
    const calls = callsFunctions({ name: 'list_orders', args: '{}', id: 'c1' }, { name: 'now', args: '{}', id: 'c2' });
    const model = door.model.script(searches, calls, says('None.'));
    const { events, final } = await stream(door, { model, tools });
    const [, , deferred, plain] = final.output;
    assert.partialDeepStrictEqual(deferred, { type: 'function_call', name: 'list_orders', namespace: 'list_orders' });
    assert.ok(plain?.type === 'function_call' && !('namespace' in plain));
    const added = events.find((event) => event.type === 'response.output_item.added' && event.output_index === 2);
    assert.partialDeepStrictEqual(added, { item: { namespace: 'list_orders' } });
    const outputs = ['c1', 'c2'].map((call_id) => ({ type: 'function_call_output', call_id, output: '[]' }));
    const { id: _, ...replayed } = deferred as typeof deferred & { id: string };
    const { namespace: __, ...bare } = replayed as typeof replayed & { namespace?: string };
    for (const again of [[], [replayed], [bare]]) {
      await create(door, { model, tools, previous_response_id: final.id, input: [...again, ...outputs] });
      assert.deepEqual(modelInput(door, model).slice(-3), [
        'assistant: list_orders {} #c1 now {} #c2',
        'tool c1: []',
        'tool c2: []',
      ]);
    }
    await create(door, { model, tools, input: [user('Hi'), ...final.output, ...outputs] });
    assert.ok(modelInput(door, model).includes('assistant: list_orders {} #c1 now {} #c2'));
  },
);

promise(
  'wire.sealed-from-the-start',
  { says: 'reasoning has its encrypted_content from output_item.added on, if it is asked for', source: RECORDED },
  async (door) => {
    const include = ['reasoning.encrypted_content'];
    const theirs = eventsOf([{ type: 'reasoning', summary: [], encrypted_content: 'gAAA.sealed' }, message('Hi')]);
    const early = theirs.map((event) =>
      event.item?.type === 'reasoning'
        ? { ...event, item: { ...event.item, encrypted_content: 'gAAA.sealed' } }
        : event,
    );
    const native = door.model.native(async (turn) => {
      for (const event of early) await turn.raw(encoded(event));
      turn.end();
    });
    for (const model of [door.model.script(sends([{ reasoning_content: 'Hm' }, { content: 'Hi' }])), native]) {
      const { events, final } = await stream(door, { model, include, store: false });
      const added = events.find(({ type }) => type === 'response.output_item.added');
      assert.ok(added?.type === 'response.output_item.added' && added.item.type === 'reasoning');
      assert.ok(added.item.encrypted_content, 'sealed at its start');
      const [reasoning, said] = final.output;
      assert.ok(reasoning?.type === 'reasoning' && reasoning.encrypted_content);
      if (model === native) assert.match(added.item.encrypted_content, /gAAA\.sealed/);
      for (const { encrypted_content } of [added.item, reasoning]) {
        const sealed = { type: 'reasoning', summary: [], encrypted_content };
        await create(door, { model, include, store: false, input: [user('Hi'), sealed, said, user('So?')] });
      }
    }
    const unasked = await stream(door, { model: door.model.script(sends([{ reasoning_content: 'Hm' }])) });
    for (const event of unasked.events) assert.ok(!JSON.stringify(event).includes('encrypted_content'));
  },
);

promise(
  'wire.strict-by-default',
  {
    says: 'a function whose strict is left out is echoed as strict, if its schema can be, and servers that do not know strict get it as it came',
    source: RECORDED,
  },
  async (door) => {
    const text = { type: 'string' };
    const inner = { type: 'object', properties: { c: text } };
    const loose = {
      type: 'object',
      properties: { a: text, b: { type: 'array', items: inner }, d: { anyOf: [inner, { type: 'null' }] } },
      required: ['a'],
    };
    const held = { ...inner, required: ['c'], additionalProperties: false };
    const strict = {
      type: 'object',
      properties: { a: text, b: { type: 'array', items: held }, d: { anyOf: [held, { type: 'null' }] } },
      required: ['a', 'b', 'd'],
      additionalProperties: false,
    };
    const none = { type: 'object', properties: {}, required: [], additionalProperties: false };
    const cases: [parameters: object, echoed: object][] = [
      [loose, strict],
      [strict, strict],
      [{ type: 'object' }, none],
    ];
    /** Schemas that admit what no strict one does. */
    const open = [
      null,
      {},
      { type: 'object', additionalProperties: true },
      { ...inner, additionalProperties: text },
      { type: 'object', properties: { map: { type: 'object' } } },
      { type: 'object', properties: { one: { oneOf: [text] } } },
    ];
    const all = [...cases.map(([parameters]) => parameters), ...open];
    const tools = all.map((parameters, at) => ({ type: 'function', name: `f${at}`, parameters }));
    const model = door.model.script(says('Hi'));
    const response = await create(door, { model, tools });
    assert.deepEqual(
      response.tools.map((tool) => tool.type === 'function' && [tool.strict, tool.parameters]),
      [...cases.map(([, echoed]) => [true, echoed]), ...open.map((parameters) => [false, parameters])],
    );
    const told: { function: { parameters?: object; strict?: boolean } }[] = callOf(door, model).body.tools;
    assert.deepEqual(told[0]?.function.parameters, loose);
    assert.ok(told.every((tool) => tool.function.strict === undefined));
    for (const chosen of [true, false]) {
      const fn = { type: 'function', name: 'f', parameters: loose, strict: chosen };
      const { tools } = await create(door, { model, tools: [fn] });
      assert.partialDeepStrictEqual(tools, [fn]);
    }
  },
);

promise(
  'wire.hosted-history',
  {
    says: 'what hosted tools did is taken in a history whatever the tools are, listed as it came, and read by every model as text',
    source: RECORDED,
  },
  async (door) => {
    const action = {
      type: 'search',
      query: 'snow',
      queries: ['snow', 'ice'],
      sources: [{ type: 'url', url: 'https://a.test' }],
    };
    const status = 'completed';
    const records = [
      { type: 'web_search_call', id: 'ws_1', status, action },
      { type: 'web_search_call', id: 'ws_2', status, action: { type: 'open_page', url: 'https://b.test' } },
      {
        type: 'web_search_call',
        id: 'ws_3',
        status,
        action: { type: 'find_in_page', url: 'https://c.test', pattern: 'cold' },
      },
      {
        type: 'file_search_call',
        id: 'fs_1',
        status,
        queries: ['rain'],
        results: [{ filename: 'a.txt', text: 'Wet.' }],
      },
      {
        type: 'code_interpreter_call',
        id: 'ci_1',
        status,
        container_id: 'c',
        code: '1+1',
        outputs: [{ type: 'logs', logs: '2' }],
      },
      { type: 'image_generation_call', id: 'ig_1', status, result: 'AAAA', revised_prompt: 'A dog.' },
    ];
    const words = [
      'snow',
      'ice',
      'https://a.test',
      'https://b.test',
      'https://c.test',
      'cold',
      'rain',
      'a.txt',
      'Wet.',
    ];
    const more = ['1+1', '2', 'A dog.'];
    const input = [user('Hi'), ...records, { role: 'assistant', content: 'So.' }, user('And now?')];
    const models = {
      chat: door.model.script(says('Fine.')),
      native: door.model.native(answers(message('Fine.'))),
      openai: door.model.openai(answers(message('Fine.'))),
      anthropic: door.model.anthropic(sendsMessage(messageEvents([text('Fine.')]))),
    };
    for (const [protocol, model] of Object.entries(models)) {
      const { id } = await create(door, { model, input, tools: [{ type: 'function', name: 'f', parameters: {} }] });
      const { messages, input: items } = callOf(door, model).body;
      const read = JSON.stringify(messages ?? items);
      for (const word of [...words, ...more]) assert.ok(read.includes(word), `${protocol}: ${word}`);
      assert.doesNotMatch(read, /_call"|AAAA/);
      if (door.name === 'envoy-original') continue;
      const path = `/v1/responses/${id}/input_items?order=asc`;
      const { data } = await have<List>(door, 'GET', path);
      assert.deepEqual(data.slice(1, -2), records);
    }
  },
);
