import assert from 'node:assert/strict';
import { callsFunctions, type Script, sends } from '../support/model/scripted.ts';
import { outline } from '../support/sse.ts';
import { create, stream } from './ask.ts';
import { promise } from './promise.ts';

const tools = ['f', 'g'].map((name) => ({ type: 'function', name, parameters: { type: 'object' } }));

/** A piece of a call as servers stream it. */
function piece(index: number | undefined, args: string | undefined, head: { id?: string | null; name?: string } = {}) {
  const { name, ...id } = head;
  return {
    tool_calls: [
      { ...(index !== undefined && { index }), ...id, type: 'function', function: { name, arguments: args } },
    ],
  };
}

promise(
  'tools.stream',
  { says: 'the events of a fragmented function call, in order', source: 'docs/api.md' },
  async (door) => {
    const model = door.model.script(
      sends([piece(0, '', { id: 'c1', name: 'f' }), piece(0, '{"a"'), piece(0, ':1}')], 'tool_calls'),
    );
    const { events, final } = await stream(door, { model, tools });
    assert.deepEqual(outline(events), [
      'created',
      'in_progress',
      'output_item.added 0 function_call in_progress',
      'function_call_arguments.delta 0 {"a"',
      'function_call_arguments.delta 0 :1}',
      'function_call_arguments.done 0 f {"a":1}',
      'output_item.done 0 function_call completed',
      'completed',
    ]);
    assert.deepEqual(final.output, [
      {
        type: 'function_call',
        id: final.output[0]?.id,
        call_id: 'c1',
        name: 'f',
        arguments: '{"a":1}',
        status: 'completed',
      },
    ]);
    assert.match(final.output[0]?.id ?? '', /^fc_/);
    assert.partialDeepStrictEqual(
      events.find(({ type }) => type === 'response.output_item.added'),
      { item: { call_id: 'c1', name: 'f', arguments: '' } },
    );
  },
);

promise(
  'tools.create',
  { says: 'a function call is in the output, the tools are echoed', source: 'docs/api.md' },
  async (door) => {
    const model = door.model.script(callsFunctions({ name: 'f', args: '{"a":1}', id: 'c1' }));
    const { output, status, tools: echoed } = await create(door, { model, tools });
    assert.equal(status, 'completed');
    assert.equal(output.length, 1);
    assert.partialDeepStrictEqual(output, [{ type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"a":1}' }]);
    assert.partialDeepStrictEqual(echoed, tools);
  },
);

promise(
  'tools.text-first',
  { says: 'a text and then a call are two items, the message first', source: 'docs/edge-cases.md: 17 (vllm#38227)' },
  async (door) => {
    const model = door.model.script(
      sends([{ content: 'Let me look.' }, piece(0, '{}', { id: 'c1', name: 'f' })], 'tool_calls'),
    );
    const { events, final } = await stream(door, { model, tools });
    assert.deepEqual(
      final.output.map(({ type }) => type),
      ['message', 'function_call'],
    );
    const lines = outline(events);
    assert.ok(
      lines.indexOf('output_item.done 0 message completed') <
        lines.indexOf('output_item.added 1 function_call in_progress'),
    );
  },
);

promise(
  'tools.parallel',
  {
    says: 'parallel calls are items one after another',
    source: 'docs/edge-cases.md: 14, 16 (litellm#36356, vercel/ai#19493)',
  },
  async (door) => {
    const model = door.model.script(
      callsFunctions({ name: 'f', args: '{}', id: 'a' }, { name: 'g', args: '[]', id: 'b' }),
    );
    const { events } = await stream(door, { model, tools });
    assert.deepEqual(outline(events).slice(2, -1), [
      'output_item.added 0 function_call in_progress',
      'function_call_arguments.delta 0 {}',
      'function_call_arguments.done 0 f {}',
      'output_item.done 0 function_call completed',
      'output_item.added 1 function_call in_progress',
      'function_call_arguments.delta 1 []',
      'function_call_arguments.done 1 g []',
      'output_item.done 1 function_call completed',
    ]);
  },
);

promise(
  'tools.interleaved',
  {
    says: 'interleaved fragments are sorted out: the first call live, the next when it is whole',
    source: 'docs/edge-cases.md: 14, 16 (litellm#36356, vercel/ai#19493)',
  },
  async (door) => {
    const model = door.model.script(
      sends(
        [
          piece(0, '{"n', { id: 'a', name: 'f' }),
          piece(1, '{"m', { id: 'b', name: 'g' }),
          piece(0, '":1'),
          piece(1, '":2'),
          piece(0, '}'),
          piece(1, '}'),
        ],
        'tool_calls',
      ),
    );
    const { events, final } = await stream(door, { model, tools });
    assert.deepEqual(called(final.output), ['a f {"n":1}', 'b g {"m":2}']);
    assert.deepEqual(outline(events).slice(2, -1), [
      'output_item.added 0 function_call in_progress',
      'function_call_arguments.delta 0 {"n',
      'function_call_arguments.delta 0 ":1',
      'function_call_arguments.delta 0 }',
      'function_call_arguments.done 0 f {"n":1}',
      'output_item.done 0 function_call completed',
      'output_item.added 1 function_call in_progress',
      'function_call_arguments.delta 1 {"m":2',
      'function_call_arguments.delta 1 }',
      'function_call_arguments.done 1 g {"m":2}',
      'output_item.done 1 function_call completed',
    ]);
  },
);

/** Ways in which servers send one or two calls, and what must become of them. */
const ways: Record<string, { script: Script; calls: RegExp[] }> = {
  'no index': {
    script: sends(
      [
        piece(undefined, '{"a":', { id: 'a', name: 'f' }),
        piece(undefined, '1}'),
        piece(undefined, '{}', { id: 'b', name: 'g' }),
      ],
      'tool_calls',
    ),
    calls: [/^a f {"a":1}$/, /^b g {}$/],
  },
  'the same id in each piece': {
    script: sends([piece(0, '{"a":', { id: 'a', name: 'f' }), piece(0, '1}', { id: 'a', name: 'f' })], 'tool_calls'),
    calls: [/^a f {"a":1}$/],
  },
  'no arguments key at first': {
    script: sends([piece(0, undefined, { id: 'a', name: 'f' }), piece(0, '{}')], 'tool_calls'),
    calls: [/^a f {}$/],
  },
  'no arguments at all': {
    script: sends([piece(0, '', { id: 'a', name: 'f' })], 'tool_calls'),
    calls: [/^a f {}$/],
  },
  'no id': {
    script: sends([piece(0, '{}', { id: null, name: 'f' })], 'tool_calls'),
    calls: [/^call_[\da-f]{48} f {}$/],
  },
  'an id that no client could send back': {
    script: sends([piece(0, '{}', { id: 'x'.repeat(65), name: 'f' })], 'tool_calls'),
    calls: [/^call_[\da-f]{48} f {}$/],
  },
  'two calls in one chunk': {
    script: sends(
      [
        {
          tool_calls: [
            { index: 0, id: 'a', function: { name: 'f', arguments: '{}' } },
            { index: 1, id: 'b', function: { name: 'g', arguments: '{}' } },
          ],
        },
      ],
      'tool_calls',
    ),
    calls: [/^a f {}$/, /^b g {}$/],
  },
  'an index that begins at 1': {
    script: sends([piece(1, '{}', { id: 'a', name: 'f' })], 'tool_calls'),
    calls: [/^a f {}$/],
  },
  'finished with stop': {
    script: sends([piece(0, '{}', { id: 'a', name: 'f' })], 'stop'),
    calls: [/^a f {}$/],
  },
};

promise(
  'tools.ways',
  {
    says: 'calls are understood in all the ways in which servers send them',
    source: 'test/fixtures/: recorded of llama.cpp, Ollama, vLLM',
  },
  async (door) => {
    for (const [way, { script, calls }] of Object.entries(ways)) {
      const { final } = await stream(door, { model: door.model.script(script), tools });
      assert.equal(final.status, 'completed', way);
      const made = called(final.output);
      assert.equal(made.length, calls.length, way);
      for (const [index, call] of calls.entries()) assert.match(made[index] ?? '', call, way);
    }
  },
);

promise(
  'tools.one-call',
  {
    says: 'parallel_tool_calls: false gives at most one call, even of a server that ignores it',
    source: 'test/fixtures/: recorded of llama.cpp',
  },
  async (door) => {
    const model = door.model.script(
      callsFunctions({ name: 'f', args: '{}', id: 'a' }, { name: 'g', args: '{}', id: 'b' }),
    );
    const { output } = await create(door, { model, tools, parallel_tool_calls: false });
    assert.deepEqual(called(output), ['a f {}']);
  },
);

promise(
  'tools.cut',
  {
    says: 'a call cut by length is incomplete, those before it are whole',
    source: 'docs/edge-cases.md: 20 (vllm#57998)',
  },
  async (door) => {
    const deltas = [piece(0, '{}', { id: 'a', name: 'f' }), piece(1, '{"a":', { id: 'b', name: 'g' })];
    const { final } = await stream(door, { model: door.model.script(sends(deltas, 'length')), tools });
    assert.equal(final.status, 'incomplete');
    assert.deepEqual(final.incomplete_details, { reason: 'max_output_tokens' });
    assert.deepEqual(called(final.output), ['a f {}', 'b g {"a":']);
    assert.deepEqual(
      final.output.map((item) => 'status' in item && item.status),
      ['completed', 'incomplete'],
    );
  },
);

promise(
  'tools.cut-unsaid',
  {
    says: 'a call that ran out of tokens is incomplete though the server says it is not',
    source: 'test/fixtures/: recorded of vLLM',
  },
  async (door) => {
    const usage = { prompt_tokens: 5, completion_tokens: 16, total_tokens: 21 };
    for (const reason of ['tool_calls', 'stop']) {
      const script = sends([piece(0, '{"a":', { id: null, name: 'f' })], reason, usage);
      const { final } = await stream(door, { model: door.model.script(script), tools, max_output_tokens: 16 });
      assert.deepEqual(final.incomplete_details, { reason: 'max_output_tokens' }, reason);
      assert.partialDeepStrictEqual(final.output, [{ status: 'incomplete' }]);
    }
  },
);

promise(
  'tools.no-name',
  { says: 'a call that never gets a name fails the turn', source: 'docs/api.md' },
  async (door) => {
    const model = door.model.script(sends([piece(0, '{}', { id: 'a' })], 'tool_calls'));
    const { final } = await stream(door, { model, tools });
    assert.equal(final.status, 'failed');
  },
);

function called(output: readonly object[]): string[] {
  return output.map((item) => {
    const { call_id, name, arguments: args } = item as { call_id: string; name: string; arguments: string };
    return `${call_id} ${name} ${args}`;
  });
}
