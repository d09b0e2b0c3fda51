import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MessagesReply } from '../handler/backend/anthropic/reply.ts';
import type { Finish } from '../handler/backend/backend.ts';
import { ChatReply } from '../handler/backend/chat/reply.ts';
import { ResponsesReply } from '../handler/backend/responses/reply.ts';
import { type Reply, readReply } from '../handler/backend/server/reply-stream.ts';
import { ApiError } from '../handler/errors.ts';
import type { Json } from './support/accumulate.ts';
import { anyServer, modelCall } from './support/backend-contract.ts';

// What servers say in forms of their own, each read as what it means.

/** What is read of a server's bytes. */
interface Answer {
  text: string;
  reasoning: string;
  /** The names and arguments of calls, and of those that are incomplete also that. */
  calls: string[][];
  finish?: Finish;
  failure?: ApiError;
}

const asked = modelCall({ top_logprobs: 1 });
const readers: Record<'chat' | 'responses' | 'anthropic', () => Reply> = {
  chat: () => new ChatReply(asked, new Map(), 'server'),
  responses: () => new ResponsesReply(asked, anyServer),
  anthropic: () => new MessagesReply(asked, new Map()),
};

const events = (...list: (object | string)[]) =>
  list.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`);

async function read(reader: keyof typeof readers, said: string | readonly string[], cut = false): Promise<Answer> {
  const answer: Answer = { text: '', reasoning: '', calls: [] };
  async function* body() {
    for (const part of [said].flat()) yield new TextEncoder().encode(part);
    if (cut) throw new Error('reset');
  }
  try {
    for await (const event of readReply(async () => ({ header: () => null, body: body() }), readers[reader]())) {
      if (event.type === 'finish') answer.finish = event;
      if (event.type === 'response.output_text.delta') answer.text += event.delta;
      if (event.type === 'response.reasoning_text.delta') answer.reasoning += event.delta;
      if (event.type !== 'response.output_item.done' || event.item.type !== 'function_call') continue;
      const { name, arguments: args, status } = event.item;
      answer.calls.push([name, args, ...(status === 'completed' ? [] : [`${status}`])]);
    }
  } catch (failure) {
    assert.ok(failure instanceof ApiError, `${failure}`);
    answer.failure = failure;
  }
  return answer;
}

const chunk = (delta: object, finish_reason: unknown = null, more: object = {}) => ({
  id: 'c',
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta, finish_reason, ...more }],
});
const call = (members: object, fn?: object) => ({ tool_calls: [{ ...members, ...(fn && { function: fn }) }] });
const USAGE = { choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } };
const DONE = '[DONE]';
const OSLO = '{"city":"Oslo"}';
const BERGEN = '{"city":"Bergen"}';

/** The events of the Messages API for a block. */
const block = (index: number, content_block: object, ...deltas: object[]) => [
  { type: 'content_block_start', index, content_block },
  ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
  { type: 'content_block_stop', index },
];
const tool = (id: string) => ({ type: 'tool_use', id, name: 'f', input: {} });
const json = (partial_json: string) => ({ type: 'input_json_delta', partial_json });
const ended = (stop_reason: string) => [
  { type: 'message_delta', delta: { stop_reason }, usage: { output_tokens: 5 } },
  { type: 'message_stop' },
];
const completed = (response: object = {}) => ({
  type: 'response.completed',
  response: { status: 'completed', output: [], ...response },
});
const item = (id: string, call_id: string, more: object = {}) => ({
  type: 'function_call',
  id,
  call_id,
  name: 'f',
  arguments: '',
  ...more,
});

describe('whose fragment it is', () => {
  const oneCall = [['f', OSLO]];
  const twoCalls = [
    ['f', OSLO],
    ['f', '{"city":"Bergen"}'],
  ];
  const cases: [says: string, reader: keyof typeof readers, said: (object | string)[], calls: string[][]][] = [
    [
      'arguments that are an object',
      'chat',
      [chunk(call({ index: 0, id: 'a' }, { name: 'f', arguments: { city: 'Oslo' } })), chunk({}, 'tool_calls'), DONE],
      oneCall,
    ],
    [
      'the older function_call',
      'chat',
      [
        chunk({ function_call: { name: 'f', arguments: '' } }),
        chunk({ function_call: { arguments: OSLO } }),
        chunk({}, 'function_call'),
        DONE,
      ],
      oneCall,
    ],
    [
      'a call without its `function`',
      'chat',
      [chunk(call({ index: '0', id: 'a', name: 'f', arguments: OSLO })), chunk({}, 'tool_calls'), DONE],
      oneCall,
    ],
    [
      'text in the middle of a call',
      'chat',
      [
        chunk(call({ index: 0, id: 'a' }, { name: 'f', arguments: '{"city":' })),
        chunk({ content: '\n' }),
        chunk(call({ index: 0 }, { arguments: '"Oslo"}' })),
        chunk({}, 'tool_calls'),
        DONE,
      ],
      oneCall,
    ],
    [
      'text and thoughts in the middle of a call',
      'anthropic',
      [
        { type: 'content_block_start', index: 0, content_block: tool('a') },
        { type: 'content_block_delta', index: 0, delta: json('{"city":') },
        ...block(1, { type: 'text', text: '' }, { type: 'text_delta', text: 'Hm' }),
        { type: 'content_block_delta', index: 0, delta: json('"Oslo"}') },
        { type: 'content_block_stop', index: 0 },
        ...ended('tool_use'),
      ],
      oneCall,
    ],
    [
      'text in the middle of a call',
      'responses',
      [
        { type: 'response.output_item.added', output_index: 0, item: item('a', 'c1') },
        { type: 'response.function_call_arguments.delta', output_index: 0, item_id: 'a', delta: '{"city":' },
        { type: 'response.output_text.delta', output_index: 1, item_id: 'm', delta: 'Hm' },
        { type: 'response.function_call_arguments.delta', output_index: 0, item_id: 'a', delta: '"Oslo"}' },
        completed(),
      ],
      oneCall,
    ],
    [
      'blocks that all have one index',
      'anthropic',
      [
        ...block(0, tool('a'), json(OSLO)),
        ...block(0, tool('b'), json('{"city":'), json('"Bergen"}')),
        ...ended('tool_use'),
      ],
      twoCalls,
    ],
    [
      'blocks that come mixed',
      'anthropic',
      [
        { type: 'content_block_start', index: 0, content_block: tool('a') },
        { type: 'content_block_start', index: 1, content_block: tool('b') },
        { type: 'content_block_delta', index: 1, delta: json('{"city":') },
        { type: 'content_block_delta', index: 0, delta: json(OSLO) },
        { type: 'content_block_delta', index: 1, delta: json('"Bergen"}') },
        ...ended('tool_use'),
      ],
      twoCalls,
    ],
    [
      'items that are told apart only by their output_index',
      'responses',
      [
        { type: 'response.output_item.added', output_index: 0, item: item('i1', 'c1') },
        { type: 'response.output_item.added', output_index: 1, item: item('i2', 'c2') },
        { type: 'response.function_call_arguments.delta', output_index: 0, item_id: 'i3', delta: OSLO },
        { type: 'response.function_call_arguments.delta', output_index: 1, item_id: 'i4', delta: '{"city":"Bergen"}' },
        { type: 'response.function_call_arguments.done', output_index: 0, item_id: 'i5', arguments: OSLO },
        { type: 'response.output_item.done', output_index: 0, item: item('i7', 'c1', { arguments: OSLO }) },
        {
          type: 'response.output_item.done',
          output_index: 1,
          item: item('i8', 'c2', { arguments: '{"city":"Bergen"}' }),
        },
        completed({
          output: [item('i9', 'c1', { arguments: OSLO }), item('i10', 'c2', { arguments: '{"city":"Bergen"}' })],
        }),
      ],
      twoCalls,
    ],
    [
      'items that all have one id',
      'responses',
      [
        { type: 'response.output_item.added', output_index: 0, item: item('fc', 'c1') },
        { type: 'response.output_item.added', output_index: 1, item: item('fc', 'c2') },
        { type: 'response.function_call_arguments.delta', output_index: 1, item_id: 'fc', delta: '{"city":"Bergen"}' },
        { type: 'response.function_call_arguments.delta', output_index: 0, item_id: 'fc', delta: { city: 'Oslo' } },
        completed(),
      ],
      twoCalls,
    ],
    [
      'items that have one id and one index, and come whole',
      'responses',
      [
        { type: 'response.output_item.done', output_index: 0, item: item('fc', 'c1', { arguments: OSLO }) },
        { type: 'response.output_item.done', output_index: 0, item: item('fc', 'c2', { arguments: BERGEN }) },
        completed({ output: [item('fc', 'c1', { arguments: OSLO }), item('fc', 'c2', { arguments: BERGEN })] }),
      ],
      twoCalls,
    ],
    [
      'items that only the end has, with one id',
      'responses',
      [completed({ output: [item('fc', 'c1', { arguments: OSLO }), item('fc', 'c2', { arguments: BERGEN })] })],
      twoCalls,
    ],
    [
      'items that are named by their call_id',
      'responses',
      [
        { type: 'response.output_item.added', item: item('i1', 'c1') },
        { type: 'response.output_item.added', item: item('i2', 'c2') },
        { type: 'response.function_call_arguments.delta', item_id: 'c1', delta: OSLO },
        { type: 'response.function_call_arguments.delta', item_id: 'c2', delta: BERGEN },
        completed(),
      ],
      twoCalls,
    ],
    [
      'a name that comes with the end of the arguments',
      'responses',
      [
        { type: 'response.output_item.added', output_index: 0, item: item('i1', 'c1', { name: '' }) },
        { type: 'response.function_call_arguments.done', output_index: 0, item_id: 'i1', name: 'f', arguments: OSLO },
        completed(),
      ],
      oneCall,
    ],
    ...['parameters', 'input'].map(
      (name) =>
        [
          `arguments in \`${name}\``,
          'chat',
          [chunk(call({ index: 0, id: 'a' }, { name: 'f', [name]: { city: 'Oslo' } })), chunk({}, 'tool_calls'), DONE],
          oneCall,
        ] as (typeof cases)[number],
    ),
    [
      'arguments in a delta without a type',
      'anthropic',
      [...block(0, tool('a'), { partial_json: '{"city":' }, { partial_json: '"Oslo"}' }), ...ended('tool_use')],
      oneCall,
    ],
  ];
  for (const [says, reader, said, calls] of cases) {
    test(`${reader}: ${says}`, async () => {
      const answer = await read(reader, events(...said));
      assert.deepEqual(answer.calls, calls);
      assert.equal(answer.finish?.reason, 'stop');
    });
  }
});

describe('what an answer is in', () => {
  const stop = [chunk({}, 'stop'), USAGE, DONE];
  const message = { role: 'assistant', content: 'Yes.' };
  const cases: [
    says: string,
    reader: keyof typeof readers,
    said: (object | string)[],
    text: string,
    reasoning?: string,
  ][] = [
    [
      'a list of parts',
      'chat',
      [
        chunk({ role: 'assistant', content: '' }),
        chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Let me add.' }] }] }),
        chunk({
          content: [
            { type: 'text', text: 'Y' },
            { type: 'reference', reference_ids: [1] },
          ],
        }),
        chunk({ content: 'es.' }),
        ...stop,
      ],
      'Yes.',
      'Let me add.',
    ],
    ['one part', 'chat', [chunk({ content: { type: 'text', text: 'Yes.' } }), ...stop], 'Yes.'],
    ['a message in place of a delta', 'chat', [{ choices: [{ message, finish_reason: 'stop' }] }, DONE], 'Yes.'],
    [
      'a message behind its deltas',
      'chat',
      [
        chunk({ content: 'Yes' }),
        chunk({ content: '.' }),
        { choices: [{ delta: {}, message, finish_reason: 'stop' }] },
        DONE,
      ],
      'Yes.',
    ],
    ['a delta that is a text', 'chat', [{ choices: [{ delta: 'Yes.' }] }, ...stop], 'Yes.'],
    ['the text of a choice', 'chat', [{ choices: [{ text: 'Yes.' }] }, ...stop], 'Yes.'],
    ...['reasoning', 'reasoning_content', 'reasoning_text', 'thinking'].map(
      (name) =>
        [
          name,
          'chat',
          [
            chunk({ [name]: 'Hm' }),
            chunk({ [name]: '.' }),
            chunk({ content: 'Yes', [name]: null }),
            chunk({ content: '.' }),
            ...stop,
          ],
          'Yes.',
          'Hm.',
        ] as (typeof cases)[number],
    ),
    [
      'reasoning_details beside their text',
      'chat',
      [
        chunk({ reasoning: 'Hm.', reasoning_details: [{ type: 'reasoning.text', text: 'Hm.' }] }),
        chunk({ content: 'Yes.' }),
        ...stop,
      ],
      'Yes.',
      'Hm.',
    ],
    [
      'reasoning_details alone',
      'chat',
      [
        chunk({ reasoning_details: [{ type: 'reasoning.summary', summary: 'Hm' }] }),
        chunk({
          reasoning_details: [
            { type: 'reasoning.text', text: '.' },
            { type: 'reasoning.encrypted', data: 'x' },
          ],
        }),
        chunk({ content: 'Yes.' }),
        ...stop,
      ],
      'Yes.',
      'Hm.',
    ],
    [
      'a reason with every chunk',
      'chat',
      [
        chunk({ reasoning: 'Hm.' }, 'stop'),
        chunk({ content: 'Y' }, 'stop'),
        chunk({ content: 'es.' }, 'stop'),
        USAGE,
        DONE,
      ],
      'Yes.',
      'Hm.',
    ],
    [
      'other names of deltas',
      'responses',
      [{ type: 'response.reasoning.delta', delta: 'Hm.' }, { type: 'response.text.delta', delta: 'Yes.' }, completed()],
      'Yes.',
      'Hm.',
    ],
    ['a content that is a text', 'responses', [completed({ output: [{ type: 'message', content: 'Yes.' }] })], 'Yes.'],
    [
      'a part of a type of its own',
      'chat',
      [
        chunk({
          content: [
            { type: 'think', think: 'Hm.' },
            { type: 'text', text: 'Yes.' },
          ],
        }),
        ...stop,
      ],
      'Yes.',
      'Hm.',
    ],
    ['a choice without a list', 'chat', [{ choices: { message, finish_reason: 'stop' } }, DONE], 'Yes.'],
    ...['data', 'output'].map(
      (name) =>
        [
          `choices in \`${name}\``,
          'chat',
          [{ code: 0, [name]: chunk({ content: 'Yes.' }) }, { code: 0, [name]: chunk({}, 'stop') }, DONE],
          'Yes.',
        ] as (typeof cases)[number],
    ),
    [
      'messages that grow',
      'chat',
      ['Y', 'Yes', 'Yes.', 'Yes.'].map((content) => ({ choices: [{ message: { content } }] })).concat(stop as never[]),
      'Yes.',
    ],
    [
      'messages that go on',
      'chat',
      ['Y', 'es', '.'].map((content) => ({ choices: [{ message: { content } }] })).concat(stop as never[]),
      'Yes.',
    ],
    [
      'ends of texts without their deltas',
      'responses',
      [
        { type: 'response.reasoning_text.done', item_id: 'r', output_index: 0, text: 'Hm.' },
        { type: 'response.output_text.done', item_id: 'm', output_index: 1, text: 'Yes.' },
        completed(),
      ],
      'Yes.',
      'Hm.',
    ],
    [
      'the end of a part, and again that of its item',
      'responses',
      [
        { type: 'response.content_part.done', item_id: 'm', part: { type: 'output_text', text: 'Yes.' } },
        { type: 'response.output_item.done', item: { type: 'message', id: 'm', content: 'Yes.' } },
        { type: 'response.output_text.done', item_id: 'other', text: 'Yes.' },
        completed({ output: [{ type: 'message', id: 'another', content: 'Yes.' }] }),
      ],
      'Yes.',
    ],
    [
      'the rest of a text at its end',
      'responses',
      [
        { type: 'response.output_text.delta', item_id: 'm', delta: 'Y' },
        { type: 'response.output_text.done', item_id: 'm', text: 'Yes.' },
        completed(),
      ],
      'Yes.',
    ],
    [
      'an item that begins with its text, which deltas go on from',
      'responses',
      [
        {
          type: 'response.output_item.added',
          item: { type: 'message', id: 'm', content: [{ type: 'text', text: 'Y' }] },
        },
        { type: 'response.output_text.delta', item_id: 'm', delta: 'es.' },
        completed({ output: [{ type: 'message', id: 'm', content: 'Yes.' }] }),
      ],
      'Yes.',
    ],
    [
      'a part that begins with its text, which deltas repeat',
      'responses',
      [
        { type: 'response.content_part.added', item_id: 'm', part: { type: 'output_text', text: 'Yes.' } },
        { type: 'response.output_text.delta', item_id: 'm', delta: 'Y' },
        { type: 'response.output_text.delta', item_id: 'm', delta: 'es.' },
        completed(),
      ],
      'Yes.',
    ],
    [
      'an item that begins with all of its text',
      'responses',
      [{ type: 'response.output_item.added', item: { type: 'message', id: 'm', content: 'Yes.' } }, completed()],
      'Yes.',
    ],
    [
      'deltas that are parts',
      'responses',
      [
        { type: 'response.output_text.delta', item_id: 'm', delta: { text: 'Y' } },
        { type: 'response.output_text.delta', item_id: 'm', delta: [{ type: 'text', text: 'es.' }] },
        completed(),
      ],
      'Yes.',
    ],
    ['output_text', 'responses', [completed({ output_text: 'Yes.' })], 'Yes.'],
    [
      'deltas without a type, and of types of its own',
      'anthropic',
      [
        ...block(
          0,
          { type: 'thinking' },
          { type: 'thinking_delta', text: 'H' },
          { type: 'reasoning_delta', text: 'm.' },
        ),
        ...block(1, { type: 'text' }, { text: 'Y' }, { type: 'text', text: 'es.' }),
        ...ended('end_turn'),
      ],
      'Yes.',
      'Hm.',
    ],
    [
      'blocks of types of its own',
      'anthropic',
      [
        ...block(0, { type: 'reasoning', text: 'Hm.' }),
        ...block(1, { type: 'output_text', text: 'Yes.' }),
        ...ended('end_turn'),
      ],
      'Yes.',
      'Hm.',
    ],
    [
      'a message that begins with its content',
      'anthropic',
      [{ type: 'message_start', message: { content: [{ type: 'text', text: 'Yes.' }] } }, ...ended('end_turn')],
      'Yes.',
    ],
    [
      'thoughts without a block',
      'anthropic',
      [
        { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm.' } },
        { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Yes.' } },
        ...ended('end_turn'),
      ],
      'Yes.',
      'Hm.',
    ],
  ];
  for (const [says, reader, said, text, reasoning = ''] of cases) {
    test(`${reader}: ${says}`, async () => {
      const answer = await read(reader, events(...said));
      assert.deepEqual([answer.text, answer.reasoning, answer.finish?.reason], [text, reasoning, 'stop']);
    });
  }

  test('the name of an event stands for a type that its data lacks', async () => {
    const said = (list: { type: string }[]) =>
      list.map(({ type, ...rest }) => `event: ${type}\ndata: ${JSON.stringify(rest)}\n\n`);
    const streams: Partial<Record<keyof typeof readers, { type: string }[]>> = {
      anthropic: [...block(0, { type: 'text', text: '' }, { type: 'text_delta', text: 'Yes.' }), ...ended('end_turn')],
      responses: [{ type: 'response.output_text.delta', delta: 'Yes.' } as { type: string }, completed()],
    };
    for (const [reader, list] of Object.entries(streams)) {
      const answer = await read(reader as keyof typeof readers, said(list));
      assert.deepEqual([answer.text, answer.finish?.reason], ['Yes.', 'stop'], reader);
    }
    const named = events(chunk({ content: 'Yes.' }), ...stop).map((event) => `event: completion\n${event}`);
    assert.equal((await read('chat', named)).text, 'Yes.');
  });

  const bodies: Record<keyof typeof readers, object> = {
    chat: { object: 'chat.completion', choices: [{ message, finish_reason: 'stop' }], usage: USAGE.usage },
    responses: {
      object: 'response',
      status: 'completed',
      error: null,
      output: [{ type: 'message', content: [{ type: 'output_text', text: 'Yes.' }] }],
    },
    anthropic: {
      type: 'message',
      content: [{ type: 'text', text: 'Yes.' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 1 },
    },
  };
  for (const reader of ['chat', 'responses', 'anthropic'] as const) {
    test(`${reader}: a body that is no stream`, async () => {
      const { object: _, type: __, ...bare } = bodies[reader] as Json;
      for (const text of [
        JSON.stringify(bodies[reader]),
        JSON.stringify(bodies[reader], null, 2),
        JSON.stringify(bare),
      ]) {
        const answer = await read(reader, text.split(/(?<=,)/));
        assert.deepEqual([answer.text, answer.finish?.reason], ['Yes.', 'stop']);
        const { failure } = await read(
          reader,
          JSON.stringify({ error: { message: 'no', code: 'rate_limit_exceeded' } }),
        );
        assert.equal(failure?.kind, 'rate_limit');
      }
    });
  }

  const strange: [keyof typeof readers, (object | string)[], shape: RegExp][] = [
    ['chat', [chunk({ content: [{ type: 'audio', data: 'SECRET' }] }), ...stop], /type: string, data: string/],
    ['chat', [chunk({ content: 7 }), ...stop], /number/],
    [
      'chat',
      [chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', given: { a: 'SECRET' } } }] }), ...stop],
      /name: string, given: /,
    ],
    ['chat', [chunk({ content: 'SECRET' }), { Message: 'SECRET' }, DONE], /Message: string/],
    [
      'chat',
      [chunk({ tool_calls: [{ index: 0, id: 'a', type: 'custom', custom: { input: 'SECRET' } }] }), ...stop],
      /custom: \{input/,
    ],
    ['chat', [chunk({ output_audio: { transcript: 'SECRET' } }), ...stop], /output_audio: \{transcript: string\}/],
    ['chat', [{ message: { role: 'assistant', content: 'SECRET' }, done: false }, ...stop], /message/],
    ['responses', [{ type: 'response.hologram.delta', delta: 'SECRET' }, completed()], /delta: string/],
    ['responses', [completed({ output: [{ type: 'hologram', text: 'SECRET' }] })], /type: string/],
    [
      'anthropic',
      [...block(0, { type: 'hologram', text: 'SECRET' }), ...ended('end_turn')],
      /type: string, text: string/,
    ],
  ];
  test('what is not understood is no answer, and the log has its shape and no word of it', async () => {
    for (const [reader, said, shape] of strange) {
      const { finish, failure } = await read(reader, events(...said));
      assert.equal(finish, undefined);
      assert.match(String(failure?.cause), shape);
      assert.doesNotMatch(String(failure?.cause), /SECRET/);
    }
    const metadata = chunk({ content: '' }, null, { content_filter_results: { hate: { severity: 'safe' } } });
    const empty = await read(
      'chat',
      events({ choices: [], prompt_filter_results: [{ content_filter_results: { hate: 'safe' } }] }, metadata, ...stop),
    );
    assert.equal(empty.finish?.reason, 'stop', 'an answer may be empty');
  });
});

describe('how an answer ends', () => {
  const meanings: Record<string, (string | undefined)[]> = {
    max_output_tokens: [
      'length',
      'max_tokens',
      'MAX_TOKENS',
      'model_length',
      'model_context_window_exceeded',
      'ERROR_LIMIT',
      'maxTokens',
      'context-length',
    ],
    content_filter: [
      'content_filter',
      'SAFETY',
      'sensitive',
      'PROHIBITED_CONTENT',
      'refusal',
      'RECITATION',
      'guardrail_intervened',
      'ERROR_TOXIC',
      'BLOCKLIST',
    ],
    failed: [
      'abort',
      'error',
      'network_error',
      'MALFORMED_FUNCTION_CALL',
      'insufficient_system_resource',
      'overloaded',
      'timeout',
      'cancelled',
      'failed',
      'USER_CANCEL',
      'preempted',
      'OUT_OF_MEMORY',
      'worker_died',
    ],
    stop: ['stop', 'STOP', 'eos_token', 'COMPLETE', 'pause_turn', 'a_word_of_tomorrow'],
  };
  for (const [meaning, words] of Object.entries(meanings)) {
    test(`${meaning}: ${words.join(', ')}`, async () => {
      for (const word of words) {
        const partial = call({ index: 0, id: 'a' }, { name: 'f', arguments: '{"city":"Os' });
        const answers = [
          await read('chat', events(chunk({ content: 'Half' }), chunk({}, word), USAGE, DONE)),
          await read('anthropic', events(...block(0, { type: 'text', text: 'Half' }), ...ended(`${word}`))),
          await read('chat', events(chunk({ content: 'Half' }), chunk(partial, word), USAGE, DONE)),
        ];
        for (const { text, finish, failure } of answers) {
          assert.equal(text, 'Half');
          assert.equal(finish?.reason, meaning === 'failed' ? undefined : meaning, word);
          assert.equal(failure?.kind, meaning === 'failed' ? 'server' : undefined, word);
        }
        // Of a failed answer the turn closes the open call.
        const status = { stop: [[]], failed: [] }[meaning] ?? [['incomplete']];
        assert.deepEqual(
          answers[2]?.calls,
          status.map((one) => ['f', '{"city":"Os', ...one]),
        );
      }
    });
  }

  test('words that end nothing are none', async () => {
    for (const word of ['null', '', 'FINISH_REASON_UNSPECIFIED', 'in_progress']) {
      const { finish, text } = await read(
        'chat',
        events(chunk({ content: 'Half' }, word), chunk({ content: ' way' }, word)),
      );
      assert.deepEqual([finish, text], [undefined, 'Half way'], word);
    }
  });

  test('a good word behind a bad one takes nothing back', async () => {
    const { finish } = await read('chat', events(chunk({ content: 'Half' }, 'length'), chunk({}, 'stop'), USAGE, DONE));
    assert.equal(finish?.reason, 'max_output_tokens');
  });

  test('responses: by the status, and by the reason', async () => {
    const ends: [response: object, reason: string | undefined][] = [
      [{ status: 'cancelled' }, undefined],
      [{ status: 'failed', error: null }, undefined],
      [{ status: 'incomplete' }, 'max_output_tokens'],
      [{ status: 'incomplete', incomplete_details: { reason: 'SAFETY' } }, 'content_filter'],
      [{ status: 'incomplete', incomplete_details: { reason: 'a_word_of_tomorrow' } }, 'max_output_tokens'],
      [{ status: 'completed', incomplete_details: { reason: 'max_tokens' } }, 'max_output_tokens'],
    ];
    for (const [response, reason] of ends) {
      const { finish, failure } = await read(
        'responses',
        events({ type: 'response.output_text.delta', delta: 'Hi' }, completed(response)),
      );
      assert.equal(finish?.reason, reason, JSON.stringify(response));
      assert.equal(failure?.kind, reason ? undefined : 'server');
    }
  });

  const errors: [says: string, said: string, kind: string][] = [
    [
      'nested',
      'data: {"error":{"message":"Rate limit","code":"rate_limit_exceeded","type":"rate_limit_error"}}\n\n',
      'rate_limit',
    ],
    ['nested twice', 'data: {"error":{"error":{"message":"Slow down","type":"rate_limit_error"}}}\n\n', 'rate_limit'],
    [
      'a list',
      'data: [{"error":{"code":429,"message":"Resource exhausted","status":"RESOURCE_EXHAUSTED"}}]\n\n',
      'rate_limit',
    ],
    ['a detail', 'data: {"detail":"This model\'s maximum context length is 4096 tokens"}\n\n', 'context_length'],
    [
      'object: error',
      'data: {"object":"error","message":"This model\'s maximum context length is 4096 tokens","code":400}\n\n',
      'context_length',
    ],
    [
      'a code and a message',
      'data: {"code":"InvalidParameter","message":"Range of input length should be [1, 6000]","request_id":"r"}\n\n',
      'context_length',
    ],
    [
      'an event of that name',
      'event: error\ndata: {"message":"upstream overloaded","type":"overloaded","code":529}\n\n',
      'server',
    ],
    ['a message alone', 'data: {"message":"Internal Server Error"}\n\n', 'server'],
    [
      'a message that is an overflow',
      'data: {"message":"Input is too long for requested model."}\n\n',
      'context_length',
    ],
    ['a status', 'data: {"statusCode":429,"message":"slow"}\n\n', 'rate_limit'],
    ['a msg', 'data: {"code":500,"msg":"it broke"}\n\n', 'server'],
    ['a type of AWS', 'data: {"__type":"ThrottlingException","message":"slow"}\n\n', 'rate_limit'],
    ['a member named after it', 'data: {"internalServerException":{"message":"it broke"}}\n\n', 'server'],
    ['below data', 'data: {"data":{"error":{"code":429,"message":"slow"}}}\n\n', 'rate_limit'],
    ['an event of that name with a text', 'event: error\ndata: it broke\n\n', 'server'],
    ['an event of that name without data', 'event: error\ndata:\n\n', 'server'],
    ['a line', 'error: {"code":429,"message":"Too many requests","type":"rate_limit_error"}\n\n', 'rate_limit'],
    ['a text', 'data: error: it broke\n\n', 'server'],
    ['a body with 200', '{"error":{"message":"Slow down","type":"rate_limit_error"}}', 'rate_limit'],
    ['a list with 200', '[{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED"}}]\n', 'rate_limit'],
  ];
  for (const [says, said, kind] of errors) {
    test(`with an error: ${says}`, async () => {
      for (const reader of ['chat', 'responses', 'anthropic'] as const) {
        const { finish, failure } = await read(reader, says.endsWith('with 200') ? said : [said, ...events(DONE)]);
        assert.deepEqual([finish, failure?.kind], [undefined, kind], reader);
      }
    });
  }

  test('by a word in another place', async () => {
    const cut: [keyof typeof readers, object[]][] = [
      ['chat', [chunk({ content: 'Half' }), chunk({}, null, { finishReason: 'length' })]],
      ['chat', [chunk({ content: 'Half' }), chunk({}, null, { stop_reason: 'length' })]],
      ['chat', [chunk({ content: 'Half' }), chunk({ finish_reason: 'length' })]],
      ['chat', [chunk({ content: 'Half' }), { choices: [], finish_reason: 'length' }]],
      [
        'anthropic',
        [...block(0, { type: 'text', text: 'Half' }), { type: 'message_delta', stop_reason: 'max_tokens', delta: {} }],
      ],
      [
        'anthropic',
        [...block(0, { type: 'text', text: 'Half' }), { type: 'message_delta', delta: { finish_reason: 'length' } }],
      ],
      ['anthropic', [...block(0, { type: 'text', text: 'Half' }), { type: 'message_stop', stop_reason: 'max_tokens' }]],
      ['responses', [completed({ output: [{ type: 'message', content: 'Half', status: 'incomplete' }] })]],
    ];
    for (const [reader, said] of cut) {
      const { text, finish } = await read(reader, events(...said, DONE));
      assert.deepEqual([text, finish?.reason], ['Half', 'max_output_tokens'], JSON.stringify(said.at(-1)));
    }
  });

  test('never with a body that says that it goes on', async () => {
    for (const status of ['in_progress', 'queued']) {
      const { finish } = await read('responses', JSON.stringify({ object: 'response', status, output: [] }));
      assert.equal(finish, undefined);
    }
  });

  test('with an error inside the choice', async () => {
    for (const finish of ['error', 'stop', null]) {
      const failed = chunk({}, finish, { error: { code: 429, message: 'Slow down' } });
      const { failure } = await read('chat', events(chunk({ content: 'half' }), failed, DONE));
      assert.equal(failure?.kind, 'rate_limit');
    }
  });
});

describe('what comes after the end spoils nothing', () => {
  const whole: Record<string, [keyof typeof readers, (object | string)[]]> = {
    'chat, with usage': ['chat', [chunk({ content: 'Hi' }), chunk({}, 'stop'), USAGE]],
    'chat, without': ['chat', [chunk({ content: 'Hi' }), chunk({}, 'stop')]],
    'chat, with a reason beside the last text': ['chat', [chunk({ content: 'H' }), chunk({ content: 'i' }, 'stop')]],
    'chat, in one message': ['chat', [{ choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] }]],
    'anthropic, without message_stop': [
      'anthropic',
      [...block(0, { type: 'text', text: 'Hi' }), ...ended('end_turn').slice(0, 1)],
    ],
    responses: ['responses', [{ type: 'response.output_text.delta', delta: 'Hi' }, completed()]],
  };
  for (const [says, [reader, said]] of Object.entries(whole)) {
    test(says, async () => {
      const ends: [string, boolean][] = [
        ['', true],
        ['data: {"error":{"message":"too late"}}\n\n', false],
        ['data: {"choices":[{"ind', false],
        ['data:  [DONE] \n\n', false],
        ['', false],
      ];
      for (const [more, cut] of ends) {
        const answer = await read(reader, [...events(...said), more], cut);
        assert.deepEqual([answer.text, answer.finish?.reason, answer.failure], ['Hi', 'stop', undefined], more);
      }
    });
  }
});

test('a reason beside each text is no end: what breaks off then has failed', async () => {
  const { finish, failure } = await read(
    'chat',
    events(chunk({ content: 'Half' }, 'stop'), chunk({ content: ' way' }, 'stop')),
    true,
  );
  assert.deepEqual([finish, failure?.kind], [undefined, 'server']);
});

test('events that end with one line break are read one by one', async () => {
  const said = events(chunk({ content: 'Hello ' }), chunk({ content: 'there.' }), chunk({}, 'stop'), DONE);
  const { text, finish } = await read('chat', said.map((event) => event.trimEnd()).join('\n'));
  assert.deepEqual([text, finish?.reason], ['Hello there.', 'stop']);
});

test('what keeps a connection alive is passed over', async () => {
  const beats = [
    'data:\n\n',
    'event: ping\ndata:\n\n',
    ': ping\n\n',
    'data: {}\n\n',
    'data: null\n\n',
    'data: ping\n\n',
    'data: ""\n\n',
    'data: 0\n\n',
    'data: .\n\n',
    'data: {"type":"ping"}\n\n',
    'event: ping\ndata: {"type": "ping"}\n\n',
    '\n\n',
  ];
  const [first = '', ...rest] = events(
    chunk({ content: 'Hello ' }),
    chunk({ content: 'there.' }),
    chunk({}, 'stop'),
    DONE,
  );
  for (const beat of beats) {
    const plain = [first, beat, ...rest, beat];
    for (const said of [
      plain,
      [`\ufeff${beat}`, ...plain],
      plain.map((part) => part.replaceAll('\n', '\r')),
      plain.map((part) => part.replaceAll('\n', '\r\n')),
    ]) {
      const { text, finish } = await read('chat', said);
      assert.deepEqual([text, finish?.reason], ['Hello there.', 'stop'], JSON.stringify(beat));
    }
  }
});

describe('numbers', () => {
  const usageOf = async (...said: object[]) =>
    (await read('chat', events(chunk({ content: 'Hi' }), ...said, DONE))).finish?.usage;
  const told = {
    prompt_tokens: 13,
    completion_tokens: 31,
    total_tokens: 44,
    prompt_tokens_details: { cached_tokens: 12 },
  };

  test('usage stands in the choice, under other names, and beside', async () => {
    const ways = [
      [chunk({}, 'stop', { usage: told })],
      [chunk({}, 'stop'), { choices: [], x_groq: { usage: told } }],
      [{ ...chunk({}, 'stop'), x_groq: { usage: told } }],
      [chunk({ usage: told }, 'stop')],
      [chunk({}, 'stop', { message: { content: '', usage: told } })],
      [
        chunk({}, 'stop'),
        { choices: [], usage: { prompt_tokens: 13, completion_tokens: 31, prompt_cache_hit_tokens: 12 } },
      ],
      [
        chunk({}, 'stop'),
        { choices: [], usage: { input_tokens: 13, output_tokens: 31, input_tokens_details: { cached_tokens: 12 } } },
      ],
    ];
    for (const way of ways) {
      const usage = await usageOf(...way);
      assert.deepEqual(
        [usage?.input_tokens, usage?.output_tokens, usage?.input_tokens_details.cached_tokens],
        [13, 31, 12],
      );
      assert.equal(usage?.total_tokens, 44);
    }
  });

  test('the other protocols have it in other places as well', async () => {
    const names = { prompt_tokens: 13, completion_tokens: 31 };
    const own = { input_tokens: 13, output_tokens: 31 };
    const begun = { type: 'message_start', message: { usage: { input_tokens: 13, output_tokens: 1 } } };
    const ways: [keyof typeof readers, object[]][] = [
      ['responses', [{ ...completed(), usage: own }]],
      ['responses', [completed({ usage: names })]],
      [
        'responses',
        [{ type: 'response.in_progress', response: { usage: own } }, completed({ usage: { input_tokens: 0 } })],
      ],
      [
        'anthropic',
        [begun, { type: 'message_delta', delta: { stop_reason: 'end_turn', usage: { output_tokens: 31 } } }],
      ],
      ['anthropic', [begun, { type: 'message_stop', usage: { output_tokens: 31 } }]],
      ['anthropic', [{ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: names }]],
    ];
    for (const [reader, said] of ways) {
      const { finish } = await read(reader, events(...said));
      assert.deepEqual(
        [finish?.usage?.input_tokens, finish?.usage?.output_tokens, finish?.usage?.total_tokens],
        [13, 31, 44],
        JSON.stringify(said),
      );
    }
  });

  test('zeros take nothing back, and later counts do', async () => {
    const zeros = { choices: [], usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } };
    assert.equal((await usageOf(chunk({}, 'stop'), { choices: [], usage: told }, zeros))?.total_tokens, 44);
    const grows = [1, 7, 31].map((completion_tokens) => ({
      ...chunk({ content: '.' }),
      usage: { ...told, completion_tokens },
    }));
    assert.equal((await usageOf(...grows, chunk({}, 'stop')))?.output_tokens, 31);
    const { finish } = await read(
      'anthropic',
      events(
        { type: 'message_start', message: { usage: { input_tokens: 13, output_tokens: 1 } } },
        ...block(0, { type: 'text', text: 'Hi' }),
        { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { input_tokens: 0, output_tokens: 31 } },
        { type: 'message_stop' },
      ),
    );
    assert.equal(finish?.usage?.total_tokens, 44);
  });

  test('a log probability that is not told is no certain one', async () => {
    const content = [
      { token: 'A', logprob: null, bytes: null, top_logprobs: [{ token: 'B' }, { token: 'C', logprob: -1 }] },
    ];
    const logprobs: Json[] = [];
    const reply = new ChatReply(asked, new Map(), 'server');
    for (const said of [
      chunk({ content: 'A' }, null, { logprobs: { content } }),
      chunk({ content: 'A' }, null, { logprobs: { content } }),
    ])
      reply.add(said);
    for (const event of reply.take()) if ('logprobs' in event) logprobs.push(...(event.logprobs as Json[]));
    assert.equal(logprobs.length, 2);
    for (const token of logprobs) {
      assert.deepEqual([token.logprob, ...token.top_logprobs.map((one: Json) => one.logprob)], [-9999, -9999, -1]);
    }
  });

  test('numbers that JSON does not have are none', async () => {
    const { text, finish } = await read('chat', [
      'data: {"choices":[{"delta":{"content":"-Infinity, \\"NaN"},"logprobs":{"content":[{"token":"A","logprob":-Infinity}]}}],"x":NaN}\n\n',
      ...events(chunk({}, 'stop'), DONE),
    ]);
    assert.deepEqual([text, finish?.reason], ['-Infinity, "NaN', 'stop']);
  });
});
