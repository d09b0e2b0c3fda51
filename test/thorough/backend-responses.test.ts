import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toConversation } from '../../handler/backend/anthropic/input.ts';
import { sealThought } from '../../handler/backend/anthropic/sealed-thought.ts';
import type { Finish, ModelCall } from '../../handler/backend/backend.ts';
import { toModelFunctions } from '../../handler/backend/functions/tools.ts';
import { responses } from '../../handler/backend/responses/index.ts';
import { ResponsesReply } from '../../handler/backend/responses/reply.ts';
import { toOpenAIsRequest, toOthersRequest } from '../../handler/backend/responses/request.ts';
import { requestRules } from '../../handler/backend/server/request-rules.ts';
import { openServer } from '../../handler/backend/server/server.ts';
import { HINTS } from '../../handler/backend/server/servers.ts';
import { ApiError } from '../../handler/errors.ts';
import type { Item } from '../../handler/items/item.ts';
import { makeSecret, sealWith } from '../../handler/seal.ts';
import type { Json } from '../support/accumulate.ts';
import { anyServer, modelCall, scriptedSubject, tryBackend, USED } from '../support/backend-contract.ts';
import { answers, encoded, eventsOf, message, type Said, sendsEvents } from '../support/model/scripted-responses.ts';

const call: Said = { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"a": 1}' };
const thought: Said = { type: 'reasoning', summary: ['First this.', 'Then that.'], encrypted_content: 'c2VhbGVk' };

const begun = eventsOf([message('Well')])
  .slice(0, 5)
  .map(encoded)
  .join('');
const patch: Said = {
  type: 'apply_patch_call',
  call_id: 'p1',
  operation: { type: 'create_file', path: 'a', diff: '+a', foreign: 1 },
};
const refusal: Said = { type: 'message', content: [{ type: 'refusal', text: 'No, not that.' }] };
const cut = eventsOf([message('cut')], { type: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });

for (const isOpenAI of [false, true]) {
  tryBackend(isOpenAI ? "responses, to OpenAI's own server," : 'responses', async () => ({
    ...(await scriptedSubject(
      (url, transport) => responses(openServer(url, 'key', transport)),
      {
        good: [
          answers(message('Hello world')),
          answers(thought, message('Yes'), refusal, call, { ...call, call_id: 'c2' }, patch, message('Done')),
          answers(),
        ],
        cut: sendsEvents(cut),
        counted: sendsEvents(eventsOf([message('Yes')], { usage: USED })),
        talkative: answers({ type: 'reasoning', content: ['Hm.', 'Yes.'] }, message('Yes'), call, {
          ...call,
          call_id: 'c2',
        }),
        async endless(turn) {
          await turn.raw(begun);
          await turn.closed;
        },
        async failing(turn) {
          await turn.raw(begun);
          turn.cut();
        },
        async leftOpen(turn) {
          await turn.raw(
            eventsOf([message('Well.')])
              .map(encoded)
              .join(''),
          );
          await turn.closed;
        },
        gaveUp: sendsEvents([
          ...eventsOf([{ ...call, arguments: '{"a' }]).slice(0, 4),
          { type: 'response.completed', response: { status: 'cancelled', output: [] } },
        ]),
        async brokenOff(turn) {
          await turn.raw(begun);
          turn.end();
        },
        manyCalls: answers(...Array.from({ length: 1_100 }, (_, n) => ({ ...call, call_id: `c${n}` }))),
      },
      { ...anyServer, isOpenAI },
    )),
    withoutHints: isOpenAI ? [] : HINTS,
  }));
}

/** What becomes of a server's events; `isOpenAI` says that it is believed. */
function read(events: readonly Json[], members: Partial<ModelCall> = {}, isOpenAI = false) {
  const reply = new ResponsesReply(modelCall(members), { isOpenAI });
  for (const event of events) reply.add(event);
  const finish: Finish = reply.finish();
  const ours = reply.take();
  const items = ours.flatMap((event): Json[] => (event.type === 'response.output_item.done' ? [event.item] : []));
  return { ours, finish, items, bare: items.map(({ id, ...item }) => item) };
}

/** Events without those of these types. */
function without(events: readonly Json[], ...types: RegExp[]): Json[] {
  return events.filter(({ type }) => !types.some((pattern) => pattern.test(type)));
}

const done = (members: object) => ({ status: 'completed', ...members });
const said = (text: string) =>
  done({
    type: 'message',
    role: 'assistant',
    content: [{ type: 'output_text', text, annotations: [], logprobs: [] }],
  });

test('what a server leaves out is put in', () => {
  const events = eventsOf([thought, message('Hello world'), call]);
  const whole = read(events);
  assert.equal(whole.items.length, 3);
  for (const types of [
    [/content_part|summary_part/],
    [/_text\.done|arguments\.done/],
    [/\.delta$/],
    [/part|text\.done|arguments\.done|item\.added|in_progress|created/],
    [/item|part|text|arguments/], // all that there is stands in the terminal event
  ]) {
    assert.deepEqual(read(without(events, ...types)).bare, whole.bare, `${types}`);
  }
  // A call that is named before its item comes has an id of ours.
  const unopened = read(without(events, /item\.added/)).bare;
  assert.deepEqual([...unopened.slice(0, 2), { ...unopened[2], call_id: 'c1' }], whole.bare);
  const anonymous = events.map(({ output_index, content_index, sequence_number, item_id, ...event }) => event);
  assert.deepEqual(read(anonymous).bare[1], said('Hello world'));
});

test('what comes twice counts once', () => {
  const events = eventsOf([
    thought,
    message('ha ha'),
    call,
    { type: 'custom_tool_call', call_id: 'c', name: 'n', input: 'x' },
  ]);
  const once = read(events);
  assert.deepEqual(read(events.flatMap((event) => [event, event]).slice(0, -1)).bare, once.bare);
  const lifecycle = events.flatMap((event) =>
    /item|part|text\.done/.test(event.type) ? [event, { ...event, sequence_number: 999 }] : [event],
  );
  assert.deepEqual(read(lifecycle).bare, once.bare);
});

test('an item that is done under another id is the same item', () => {
  const events = eventsOf([thought, message('ha ha'), call, message('ho')]);
  const renamed = events.map((event) => {
    return /item\.done/.test(event.type) ? { ...event, item: { ...event.item, id: `x${event.output_index}` } } : event;
  });
  assert.deepEqual(read(renamed).bare, read(events).bare);
});

test('the rest of a text that its deltas left out is sent; another text than theirs is not', () => {
  const events = eventsOf([message('one two three')]);
  const short = events.filter(({ delta }) => delta !== ' three');
  assert.deepEqual(read(short).bare, [said('one two three')]);
  const gap = events.filter(({ delta }) => delta !== ' two');
  assert.deepEqual(read(gap).bare, [said('one three')]);
});

test('a call that ends with other arguments than its deltas had fails, spaces aside', () => {
  const events = eventsOf([{ ...call, arguments: '{"a": 1, "b": 2}' }]);
  assert.throws(() => read(events.filter(({ delta }) => delta !== ' 1,')), ApiError);
  const spaced = events.map((event) =>
    event.type === 'response.output_item.done'
      ? { ...event, item: { ...event.item, arguments: '{"a":1,"b":2}' } }
      : event,
  );
  assert.equal(read(spaced).items[0].arguments, '{"a": 1, "b": 2}');
});

test('parallel calls that come mixed are put one after another', () => {
  const [first, second] = [0, 1].map((index) =>
    eventsOf([message(''), { ...call, call_id: `c${index}` }])
      .filter(({ item, item_id }) => (item ?? { id: item_id })?.id === 'function_call_1')
      .map((event) => JSON.parse(JSON.stringify(event).replaceAll('function_call_1', `fc_${index}`))),
  );
  const mixed = first?.flatMap((event, index) => [event, second?.[index]]) ?? [];
  const { bare, ours } = read([...mixed.map((event) => ({ ...event, sequence_number: 0 })), eventsOf([]).at(-1)]);
  assert.deepEqual(
    bare.map(({ call_id, arguments: written }) => [call_id, written]),
    [
      ['c0', '{"a": 1}'],
      ['c1', '{"a": 1}'],
    ],
  );
  const order = ours.map((event) => ('output_index' in event ? event.output_index : -1));
  assert.deepEqual(order, order.toSorted());
});

test('a text that goes on after something else has been said is a new item', () => {
  const [one, two] = [eventsOf([message('a b')]), eventsOf([thought])];
  const late = one.findIndex(({ delta }) => delta === ' b');
  const numbers = (events: Json[]) => events.map((event) => ({ ...event, sequence_number: 0 }));
  const { bare } = read(numbers([...one.slice(0, late), ...two.slice(2, -1), ...one.slice(late)]));
  assert.deepEqual(
    bare.map(({ type }) => type),
    ['message', 'reasoning', 'message'],
  );
  assert.deepEqual([bare[0], bare[2]], [said('a'), said(' b')]);
});

test('what is said in the middle of a call waits for its end, and items without end are a failure', () => {
  const events = without(eventsOf([call, message('Hm.')]), /done/).map((event) => ({ ...event, sequence_number: 0 }));
  const [late] = events.splice(
    events.findIndex(({ delta }) => delta === ' 1}'),
    1,
  );
  const after = events.findIndex(({ delta }) => delta === 'Hm.') + 1;
  const { bare } = read(events.toSpliced(after, 0, late));
  assert.deepEqual(
    bare.map((item) => item.arguments ?? item.content),
    [call.arguments, (said('Hm.') as Json).content],
  );
  const [, , added] = events;
  const many = Array.from({ length: 10_001 }, (_, id) => ({ ...added, item: { ...added.item, id: `fc_${id}` } }));
  assert.throws(() => read(many), ApiError);
});

test('items and members of other kinds are left out', () => {
  const odd = { type: 'web_search_call', action: { type: 'search', query: 'q' } };
  const events = eventsOf([odd, { ...message('Hi'), phase: null, summary: [], x_foreign: 1 } as Said]);
  const foreign = { type: 'response.web_search_call.searching', item_id: 'web_search_call_0' };
  assert.deepEqual(read([...events.slice(0, 3), foreign, ...events.slice(3)]).bare, [said('Hi')]);
});

test('items that come as a whole are built anew', () => {
  const shell = { type: 'shell_call', call_id: 's', action: { commands: ['ls'], foreign: 1 }, created_by: 'x' };
  const custom = { type: 'custom_tool_call', call_id: 'c', name: 'n', input: 'text', namespace: null };
  const { bare, items } = read(eventsOf([shell, custom]));
  assert.deepEqual(bare, [
    done({
      type: 'shell_call',
      call_id: 's',
      action: { commands: ['ls'], timeout_ms: null, max_output_length: null },
      environment: null,
    }),
    done({ type: 'custom_tool_call', call_id: 'c', name: 'n', input: 'text' }),
  ]);
  assert.match(items[0].id, /^sh_/);
  assert.throws(() => read(eventsOf([{ ...custom, name: 5 }])), ApiError);
});

test('functions of a namespace keep it', () => {
  const { bare } = read(eventsOf([{ ...call, namespace: 'crm' } as Said, call]));
  assert.deepEqual(
    bare.map(({ name, namespace }) => [name, namespace]),
    [
      ['f', 'crm'],
      ['f', undefined],
    ],
  );
});

test('without parallel calls only the first counts', () => {
  const { bare } = read(eventsOf([call, { ...call, call_id: 'c2' }]), { parallel_tool_calls: false });
  assert.deepEqual(
    bare.map(({ call_id }) => call_id),
    ['c1'],
  );
});

test('log probabilities pass where they are asked for', () => {
  const logprob = { token: 'Hi', logprob: -0.5, top_logprobs: [{ token: 'Hi', logprob: -0.5, foreign: 1 }] };
  const events = eventsOf([message('Hi')]).map((event) => (event.delta ? { ...event, logprobs: [logprob] } : event));
  assert.deepEqual(read(events).items[0].content[0].logprobs, []);
  const bytes = [72, 105];
  assert.deepEqual(read(events, { top_logprobs: 1 }).items[0].content[0].logprobs, [
    { token: 'Hi', logprob: -0.5, bytes, top_logprobs: [{ token: 'Hi', logprob: -0.5, bytes }] },
  ]);
});

test('summaries keep their parts, and what OpenAI has sealed', () => {
  const { bare } = read(eventsOf([thought, { type: 'reasoning', encrypted_content: 'abc' }]), {}, true);
  assert.deepEqual(bare, [
    done({
      type: 'reasoning',
      summary: [
        { type: 'summary_text', text: 'First this.' },
        { type: 'summary_text', text: 'Then that.' },
      ],
      content: [],
      encrypted_content: 'c2VhbGVk',
    }),
    done({ type: 'reasoning', summary: [], content: [], encrypted_content: 'abc' }),
  ]);
});

test('raw reasoning becomes a summary for clients that ask for one, unless there is one', () => {
  const asked = { reasoning: { effort: null, summary: 'concise' } };
  const texts = (items: Json[]) =>
    items.map(({ summary, content }) => [summary, content].map((list) => list.map(({ text }: Json) => text)));
  const raw: Said = { type: 'reasoning', content: ['Hm.', 'Yes.'], encrypted_content: 'abc' };
  const both: Said = { type: 'reasoning', summary: ['In short.'], content: ['At length.'] };
  for (const events of [eventsOf([raw, both]), without(eventsOf([raw, both]), /delta|added|part/)]) {
    assert.deepEqual(texts(read(events).items), [
      [[], ['Hm.', 'Yes.']],
      [['In short.'], ['At length.']],
    ]);
    const { items } = read(events, asked);
    assert.deepEqual(texts(items), [
      [['Hm.', 'Yes.'], []],
      [['In short.'], ['At length.']],
    ]);
    assert.equal(items[0].encrypted_content, 'responses.1.{"server":"","sealed":"abc"}');
  }
  // A summary that comes after the thing itself stands beside it, whatever places they have.
  const [begun, , added, ...rest] = eventsOf([both]).map((event) => ({ ...event, sequence_number: 0 }));
  const [summed, raws] = [
    rest.filter(({ type }) => /summary/.test(type)),
    rest.filter(({ type }) => /text|part/.test(type)),
  ];
  const late = [begun, added, ...raws.filter((event) => !summed.includes(event)), ...summed, rest.at(-2), rest.at(-1)];
  assert.deepEqual(texts(read(late, asked).items), [[['At length.', 'In short.'], []]]);
});

test('a response that was cut is incomplete, whatever its server calls it', () => {
  const reasonOf = (items: Said[], ending: object, members: Partial<ModelCall> = {}, isOpenAI = false) =>
    read(eventsOf(items, ending), members, isOpenAI).finish.reason;
  const hello = [message('Hi')];
  const spent = { max_output_tokens: 7 };
  assert.equal(reasonOf(hello, {}), 'stop');
  assert.equal(reasonOf(hello, {}, spent), 'max_output_tokens', 'all tokens are spent');
  assert.equal(reasonOf(hello, {}, spent, true), 'stop', 'OpenAI would say so');
  assert.equal(reasonOf([call], {}, spent), 'stop', 'the call is whole');
  assert.equal(reasonOf([{ ...call, arguments: '{"a' }], {}), 'max_output_tokens', 'the call breaks off');
  assert.equal(reasonOf([{ ...call, arguments: '' }], {}), 'stop', 'a call without arguments');
  assert.equal(reasonOf(hello, { incomplete_details: { reason: 'max_output_tokens' } }), 'max_output_tokens');
  assert.equal(
    reasonOf(hello, { type: 'incomplete', incomplete_details: { reason: 'content_filter' } }),
    'content_filter',
  );
  assert.equal(reasonOf(hello, { type: 'incomplete' }), 'max_output_tokens');
});

test('failures are told apart by their codes', () => {
  const kindOf = (event: Json) => {
    try {
      read([event]);
    } catch (error) {
      return error instanceof ApiError ? error.kind : error;
    }
    return 'none';
  };
  const failed = (error: object | null) => kindOf({ type: 'response.failed', response: { error } });
  assert.equal(failed({ code: 'rate_limit_exceeded', message: 'slow down' }), 'rate_limit');
  assert.equal(failed({ code: 'server_error', message: 'oops' }), 'server');
  assert.equal(failed({ code: 'context_length_exceeded', message: 'too long' }), 'context_length');
  assert.equal(failed(null), 'server');
  const response = { status: 'failed', error: { code: 'server_error', message: 'oops' } };
  assert.equal(kindOf({ type: 'response.completed', response }), 'server');
  assert.equal(kindOf({ type: 'error', code: 'rate_limit_exceeded', message: 'x', param: null }), 'rate_limit');
  assert.equal(kindOf({ type: 'error', error: { code: 429, message: 'x' } }), 'rate_limit');
  assert.equal(
    kindOf({ error: { code: 400, type: 'exceed_context_size_error', message: 'exceeds' } }),
    'context_length',
  );
});

const base = { id: 'msg_1', status: 'completed' as const };
const history: Item[] = [
  { ...base, type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] },
  {
    ...base,
    type: 'reasoning',
    summary: [{ type: 'summary_text', text: 'Hm' }],
    content: [],
    encrypted_content: 'sealed',
  },
  {
    ...base,
    type: 'message',
    role: 'assistant',
    content: [
      { type: 'output_text', text: 'No: ', annotations: [], logprobs: [] },
      { type: 'refusal', refusal: 'never' },
    ],
  },
  { ...base, type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
  { ...base, type: 'function_call_output', call_id: 'c1', output: 'ok' },
  {
    ...{
      ...base,
      id: 'mcp_1',
      type: 'mcp_call',
      server_label: 's',
      name: 'g',
      arguments: '{}',
      output: 'o',
      error: null,
    },
    approval_request_id: null,
  },
];

function sentTo(isOpenAI: boolean, members: Partial<ModelCall>): Json {
  const call = modelCall(members);
  const request = isOpenAI
    ? toOpenAIsRequest(call)
    : toOthersRequest(call, toModelFunctions(call.tools, call.params), requestRules(anyServer));
  return JSON.parse(JSON.stringify(request));
}

test('what only the terminal event says of an item is said', async () => {
  const item = (members: object) => ({ id: 'i1', status: 'completed', ...members });
  const call = item({ type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"path":"/tmp/a"}' });
  const part = (words: string) => ({ type: 'output_text', text: words, annotations: [], logprobs: [] });
  const said = item({ type: 'message', role: 'assistant', content: [part('whole')] });
  const other = { ...call, id: 'i2', call_id: 'c2' };
  const added = (begun: object) => ({ type: 'response.output_item.added', output_index: 0, item: begun });
  const ends = (...output: object[]) => ({ type: 'response.completed', response: { status: 'completed', output } });
  const delta = { type: 'response.output_text.delta', item_id: 'i1', output_index: 0, content_index: 0, delta: 'who' };
  const argued = { type: 'response.function_call_arguments.done', item_id: 'i1', arguments: '{"path":"/tmp/a"}' };
  const done = { type: 'response.output_item.done', output_index: 0, item: said };
  const begun = added({ ...call, arguments: '' });
  for (const [events, expected] of [
    [[begun, ends(call)], ['{"path":"/tmp/a"}']],
    [[begun, argued, ends()], ['{"path":"/tmp/a"}']],
    [[added({ ...said, content: [] }), ends(said)], ['whole']],
    [[added({ ...said, content: [] }), delta, ends(said)], ['whole']],
    [[added({ ...said, content: [] }), delta, done, ends({ ...said, id: 'x1' })], ['whole']],
    [
      [added({ ...said, content: [] }), delta, done, ends(said, other)],
      ['whole', '{"path":"/tmp/a"}'],
    ],
    [[delta, done, ends({ type: 'news', id: 'n' }, { ...said, id: 'x1' })], ['whole']],
  ] as const) {
    const reply = new ResponsesReply(modelCall(), { isOpenAI: false });
    for (const event of events) reply.add(event as unknown as Json);
    reply.finish();
    const items = reply
      .take()
      .flatMap((event): Json[] => (event.type === 'response.output_item.done' ? [event.item] : []));
    assert.deepEqual(
      items.map((one) => one.arguments ?? one.content[0].text),
      expected,
    );
  }
});

test('a request says no more than is meant, and never asks for state', () => {
  const { input, ...plain } = sentTo(true, {});
  assert.deepEqual(plain, { model: 'any', stream: true, store: false, include: ['reasoning.encrypted_content'] });
  const { input: _, ...others } = sentTo(false, {});
  assert.deepEqual(others, { model: 'any', stream: true, store: false });
  const format = { type: 'json_schema' as const, name: 'n', schema: {}, description: null };
  const asked = sentTo(true, {
    instructions: 'Be brief.',
    top_logprobs: 2,
    text: { format, verbosity: 'low' },
    reasoning: { effort: 'low', summary: null },
    tools: [
      { type: 'function', name: 'f', description: null },
      { type: 'custom', name: 'c' },
    ],
    tool_choice: { type: 'function', name: 'f' },
  });
  assert.partialDeepStrictEqual(asked, {
    instructions: 'Be brief.',
    include: ['message.output_text.logprobs', 'reasoning.encrypted_content'],
    top_logprobs: 2,
    text: { format: { type: 'json_schema', name: 'n', schema: {} }, verbosity: 'low' },
    reasoning: { effort: 'low' },
    tools: [
      { type: 'function', name: 'f' },
      { type: 'custom', name: 'c' },
    ],
    tool_choice: { type: 'function', name: 'f' },
  });
  assert.ok(!('response_format' in asked), 'OpenAI refuses what it does not know');
});

test('what was said goes back without ids, in the form that each server takes', () => {
  const shared = [
    { type: 'message', role: 'assistant', content: 'No: never' },
    { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}', status: 'completed' },
    { type: 'function_call_output', call_id: 'c1', output: 'ok', status: 'completed' },
    { type: 'function_call', call_id: 'mcp_1', name: 'mcp_s__g', arguments: '{}', status: 'completed' },
    { type: 'function_call_output', call_id: 'mcp_1', output: 'o', status: 'completed' },
  ];
  const user = { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] };
  const summary = [{ type: 'summary_text', text: 'Hm' }];
  assert.deepEqual(sentTo(true, { input: history }).input, [
    user,
    { type: 'reasoning', summary, encrypted_content: 'sealed' },
    ...shared,
  ]);
  assert.deepEqual(sentTo(false, { input: history }).input, [
    user,
    { type: 'reasoning', id: 'msg_1', summary, content: [{ type: 'reasoning_text', text: 'Hm' }] },
    ...shared,
  ]);
});

test('reasoning goes only to who can read it', async () => {
  const reasoning = (members: object): Item => ({ ...base, type: 'reasoning', summary: [], content: [], ...members });
  const open = reasoning({ content: [{ type: 'reasoning_text', text: 'Hm' }] });
  const sealed = reasoning({ encrypted_content: 'sealed' });
  const ollamas = reasoning({ summary: [{ type: 'summary_text', text: 'Hm' }], encrypted_content: 'Hm' });
  const reasoningItem = reasoning({ summary: [{ type: 'summary_text', text: 'Hm' }] });
  const anthropics = reasoning({ encrypted_content: sealThought({ type: 'redacted_thinking', data: 'AA' }) });
  const ours = reasoning({
    content: [{ type: 'reasoning_text', text: 'Hm' }],
    encrypted_content: await sealWith([makeSecret('s')])('default').seal('reasoning', 'Hm'),
  });
  assert.deepEqual(sentTo(true, { input: [open, ollamas, reasoningItem, anthropics, ours] }).input, []);
  assert.equal(sentTo(true, { input: [sealed] }).input[0].encrypted_content, 'sealed');
  const [heard] = sentTo(false, { input: [ours] }).input;
  assert.deepEqual([heard.content, heard.encrypted_content], [[{ type: 'reasoning_text', text: 'Hm' }], undefined]);
  assert.deepEqual(toConversation(null, [ours]).messages, []);
  assert.deepEqual(sentTo(false, { input: [reasoningItem] }).input[0].content, [
    { type: 'reasoning_text', text: 'Hm' },
  ]);
  assert.deepEqual(sentTo(false, { input: [sealed] }).input, []);
  assert.equal(sentTo(false, { input: [ollamas] }).input[0].encrypted_content, 'Hm');
});

test('a choice of tools is kept to where the server would ignore it', () => {
  const tools: ModelCall['tools'] = [
    { type: 'function', name: 'f' },
    { type: 'function', name: 'g' },
  ];
  const choose = (tool_choice: ModelCall['tool_choice']) => {
    const { tools: left = [], tool_choice: choice } = sentTo(false, { tools, tool_choice });
    return [left.map(({ name }: Json) => name), choice];
  };
  assert.deepEqual(choose('none'), [[], undefined]);
  assert.deepEqual(choose('required'), [['f', 'g'], 'required']);
  assert.deepEqual(choose({ type: 'function', name: 'g' }), [['g'], 'required']);
  const allowed = [{ type: 'function', name: 'f' }];
  assert.deepEqual(choose({ type: 'allowed_tools', mode: 'auto', tools: allowed }), [['f'], 'auto']);
});
