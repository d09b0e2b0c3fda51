import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import { callsFunctions, hangs, says, sends } from '../support/model/scripted.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { outline } from '../support/sse.ts';
import { testToolUseOf } from '../support/test-tool.ts';
import { create, endsOnLeaving, stream, unprocessable } from './ask.ts';
import { NEEDS_TEST_TOOL, promise } from './promise.ts';

let labels = 0;

/** The test tool under a label of its own, so that a test sees only its own uses. */
function testTool() {
  const label = `label-${labels++}`;
  return { label, tools: [{ type: 'test_tool', label }], use: testToolUseOf(label) };
}

const add = { name: 'add', args: '{"a":2,"b":3}', id: 'c1' };

promise(
  'loop.result',
  { says: 'a server-side call is shown with its result, and the model goes on', source: 'docs/api.md' },
  async (door) => {
    const { tools, label } = testTool();
    const model = door.model.script(callsFunctions(add), says('It is 5.'));
    const { output, status, tools: echoed } = await create(door, { model, tools });
    assert.equal(status, 'completed');
    assert.deepEqual(echoed, tools);
    assert.equal(output.length, 2);
    assert.partialDeepStrictEqual(output, [
      { type: 'mcp_call', server_label: label, name: 'add', arguments: add.args, output: '5', status: 'completed' },
      { type: 'message', content: [{ text: 'It is 5.' }] },
    ]);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'loop.model-reads',
  { says: 'the model reads what the function returned, after what it said itself', source: 'docs/api.md' },
  async (door) => {
    const { tools } = testTool();
    const model = door.model.script(
      sends([{ reasoning: 'Hm.' }, { content: 'Adding.' }, callDelta(add)], 'tool_calls'),
      says('5'),
    );
    await create(door, { model, tools, input: 'Sum?' });
    const [first, second] = door.model.calls(model);
    assert.deepEqual(
      first?.body.tools.map((tool: { function: { name: string } }) => tool.function.name),
      ['add', 'show', 'ask', 'cite', 'fail', 'wait'],
    );
    assert.deepEqual(second?.body.tools, first?.body.tools);
    assert.deepEqual(second?.body.messages, [
      { role: 'user', content: 'Sum?' },
      {
        role: 'assistant',
        content: 'Adding.',
        reasoning: 'Hm.',
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'add', arguments: add.args } }],
      },
      { role: 'tool', tool_call_id: 'c1', content: '5' },
    ]);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'loop.stream',
  {
    says: "the events of a loop: items counted on through its rounds, the server's own calls hidden",
    source: 'docs/api.md',
  },
  async (door) => {
    const { tools } = testTool();
    const model = door.model.script(sends([{ content: 'Adding.' }, callDelta(add)], 'tool_calls'), says('5'));
    const { events } = await stream(door, { model, tools });
    assert.deepEqual(outline(events), [
      'created',
      'in_progress',
      'output_item.added 0 message in_progress',
      'content_part.added 0.0 output_text',
      'output_text.delta 0.0 Adding.',
      'output_text.done 0.0 Adding.',
      'content_part.done 0.0 output_text',
      'output_item.done 0 message completed',
      'output_item.added 1 mcp_call in_progress',
      'mcp_call.in_progress 1',
      `mcp_call_arguments.delta 1 ${add.args}`,
      `mcp_call_arguments.done 1 ${add.args}`,
      'mcp_call.completed 1',
      'output_item.done 1 mcp_call completed',
      'output_item.added 2 message in_progress',
      'content_part.added 2.0 output_text',
      'output_text.delta 2.0 5',
      'output_text.done 2.0 5',
      'content_part.done 2.0 output_text',
      'output_item.done 2 message completed',
      'completed',
    ]);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'loop.rounds',
  { says: 'rounds go on until the model has no more calls; usage is their sum', source: 'docs/api.md' },
  async (door) => {
    const { tools } = testTool();
    const model = door.model.script(callsFunctions(add), callsFunctions(add, { ...add, id: 'c2' }), says('done'));
    const { output, usage } = await create(door, { model, tools });
    assert.deepEqual(
      output.map(({ type }) => type),
      ['mcp_call', 'mcp_call', 'mcp_call', 'message'],
    );
    assert.equal(door.model.calls(model).length, 3);
    assert.deepEqual(usage, {
      input_tokens: 33,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: 21,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 54,
    });
  },
  NEEDS_TEST_TOOL,
);

promise(
  'loop.max-rounds',
  { says: 'the last round that is allowed ends as incomplete, max_messages', source: 'docs/api.md' },
  async (door) => {
    const { tools, use } = testTool();
    const model = door.model.script(callsFunctions(add));
    const { events, final } = await stream(door, { model, tools });
    assert.equal(events.at(-1)?.type, 'response.incomplete');
    assert.deepEqual(final.incomplete_details, { reason: 'max_messages' });
    assert.equal(door.model.calls(model).length, 4);
    assert.equal(final.output.length, 4);
    assert.deepEqual(use, { opened: 1, closed: 1, waiting: 0, left: 0 });
  },
  NEEDS_TEST_TOOL,
);

promise(
  'loop.client-calls',
  { says: "a round with calls of the client runs the server's own and ends the turn", source: 'docs/api.md' },
  async (door) => {
    const { tools } = testTool();
    const model = door.model.script(callsFunctions({ name: 'mine', args: '{}', id: 'c0' }, add), says('never'));
    const { output, status } = await create(door, { model, tools: [...tools, { type: 'function', name: 'mine' }] });
    assert.equal(status, 'completed');
    assert.equal(output.length, 2);
    assert.partialDeepStrictEqual(output, [
      { type: 'function_call', call_id: 'c0', name: 'mine', status: 'completed' },
      { type: 'mcp_call', name: 'add', output: '5' },
    ]);
    assert.equal(door.model.calls(model).length, 1);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'loop.end-turn',
  { says: 'a result can end the turn', source: 'ARCHITECTURE.md' },
  async (door) => {
    const { tools } = testTool();
    const model = door.model.script(callsFunctions({ name: 'ask', args: '{}' }), says('never'));
    const { output, status } = await create(door, { model, tools });
    assert.equal(status, 'completed');
    assert.equal(output.length, 1);
    assert.partialDeepStrictEqual(output, [{ type: 'mcp_call', name: 'ask' }]);
    assert.equal(door.model.calls(model).length, 1);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'loop.parts',
  { says: 'a result can hold text and images', source: 'ARCHITECTURE.md' },
  async (door) => {
    const { tools } = testTool();
    const model = door.model.script(callsFunctions({ name: 'show', args: '{}', id: 'c1' }), says('I see.'));
    await create(door, { model, tools });
    const { messages } = door.model.calls(model)[1]?.body ?? {};
    assert.equal(messages[2].role, 'tool');
    assert.partialDeepStrictEqual(messages[2].content, [{ type: 'text', text: 'a picture' }]);
    assert.deepEqual(messages[3].content, [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }]);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'loop.citations',
  { says: "a result's citations are put onto the text that follows", source: 'ARCHITECTURE.md' },
  async (door) => {
    const { tools } = testTool();
    const model = door.model.script(callsFunctions({ name: 'cite', args: '{}' }), says('See X.'));
    const { events, final } = await stream(door, { model, tools });
    const annotation = { type: 'url_citation', url: 'http://x.test/', title: 'X', start_index: 0, end_index: 1 };
    const added = events.filter(({ type }) => type === 'response.output_text.annotation.added');
    assert.partialDeepStrictEqual(added, [{ output_index: 1, content_index: 0, annotation_index: 0, annotation }]);
    assert.partialDeepStrictEqual(final.output[1], { content: [{ text: 'See X.', annotations: [annotation] }] });
    const { type, ...own } = { ...annotation, url: 'http://y.test/' };
    const itself = sends([{ content: 'See Y.', annotations: [{ type, url_citation: own }] }, { content: ' And X.' }]);
    const both = await stream(door, {
      model: door.model.script(callsFunctions({ name: 'cite', args: '{}' }), itself),
      tools,
    });
    const places = both.events.flatMap((event) =>
      event.type === 'response.output_text.annotation.added' ? [[event.annotation_index, event.annotation]] : [],
    );
    assert.deepEqual(places, [
      [0, { type, ...own }],
      [1, annotation],
    ]);
    const annotations = [{ type, ...own }, annotation];
    assert.partialDeepStrictEqual(both.final.output[1], { content: [{ text: 'See Y. And X.', annotations }] });
  },
  NEEDS_TEST_TOOL,
);

promise(
  'loop.throw',
  { says: 'a tool that throws fails the turn and says nothing of why', source: 'docs/errors.md' },
  async (door) => {
    const { tools, use } = testTool();
    const model = door.model.script(callsFunctions({ name: 'fail', args: '{}' }));
    const { events, final } = await stream(door, { model, tools });
    assert.equal(final.status, 'failed');
    assert.partialDeepStrictEqual(final.output, [{ type: 'mcp_call', status: 'incomplete' }]);
    assert.doesNotMatch(JSON.stringify(events), /secret/);
    const reply = await post(door, { model, tools, input: 'Hi' });
    assert.equal(reply.status, 500);
    assert.doesNotMatch(await reply.text(), /secret/);
    assert.deepEqual(use, { opened: 2, closed: 2, waiting: 0, left: 0 });
  },
  NEEDS_TEST_TOOL,
);

promise(
  'loop.length',
  { says: 'a call cut by length is not run', source: 'docs/api.md' },
  async (door) => {
    const { tools, use } = testTool();
    const model = door.model.script(sends([callDelta(add)], 'length'), says('never'));
    const { status, output } = await create(door, { model, tools });
    assert.equal(status, 'incomplete');
    assert.deepEqual(output, []);
    assert.equal(door.model.calls(model).length, 1);
    assert.equal(use.closed, 1);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'loop.closed',
  { says: 'a tool is closed once, whether the turn ends well or not', source: 'ARCHITECTURE.md' },
  async (door) => {
    const { tools, use } = testTool();
    await stream(door, { model: door.model.script(callsFunctions(add), says('5')), tools });
    await stream(door, { model: door.model.script(callsFunctions(add), (turn) => turn.cut()), tools });
    assert.deepEqual(use, { opened: 2, closed: 2, waiting: 0, left: 0 });
  },
  NEEDS_TEST_TOOL,
);

promise(
  'loop.client-leaves',
  {
    says: 'a client that leaves ends the model call of any round, and closes the tool',
    source: 'docs/edge-cases.md: 29 (hermes-agent#15392)',
  },
  (door) =>
    endsOnLeaving(door, async () => {
      const { tools, use } = testTool();
      const { script, begun } = hangs();
      const model = door.model.script(callsFunctions(add), script);
      const leaving = new AbortController();
      post(door, { model, tools, input: 'Hi', stream: true }, { signal: leaving.signal })
        .then((reply) => reply.text())
        .catch(() => {});
      await begun;
      const closed = async () => {
        await door.model.calls(model)[1]?.closed;
        await until(() => use.closed === 1);
      };
      return { leave: () => leaving.abort(), closed };
    }),
  NEEDS_TEST_TOOL,
);

promise(
  'loop.client-leaves-tool',
  {
    says: 'a client that leaves ends a call of a tool, and closes it',
    source: 'docs/edge-cases.md: 29 (hermes-agent#15392)',
  },
  (door) =>
    endsOnLeaving(door, async () => {
      const { tools, use } = testTool();
      const model = door.model.script(callsFunctions({ name: 'wait', args: '{}' }));
      const leaving = new AbortController();
      post(door, { model, tools, input: 'Hi' }, { signal: leaving.signal }).catch(() => {});
      await until(() => use.waiting === 1);
      return { leave: () => leaving.abort(), closed: () => until(() => use.left === 1 && use.closed === 1) };
    }),
  NEEDS_TEST_TOOL,
);

promise(
  'loop.unknown-type',
  { says: 'a type of tool that is not registered is 422', source: 'docs/api.md' },
  async (door) => {
    await unprocessable(door, { tools: [{ type: 'file_search' }] }, 'tools[0].type');
  },
);

promise(
  'loop.bad-config',
  { says: "a tool's own configuration is checked, and the wrong field named", source: 'docs/api.md' },
  async (door) => {
    await unprocessable(door, { tools: [{ type: 'test_tool', label: 7 }] }, 'tools[0].label');
  },
  NEEDS_TEST_TOOL,
);

promise(
  'tool-choice.satisfied',
  {
    says: 'a call that has to be made is made once, and what may not be called any more is not offered',
    source: 'openai 7.57.0 types',
  },
  async (door) => {
    const { tools } = testTool();
    const mine = { type: 'function', name: 'mine' };
    for (const tool_choice of [
      'required',
      { type: 'allowed_tools', mode: 'required', tools: [{ type: 'test_tool' }] },
    ]) {
      const called = { type: 'function_call', call_id: 'c1', name: 'add', arguments: '{"a":2,"b":3}' };
      const chat = door.model.script(callsFunctions(add), says('5'));
      const native = door.model.native(answers(called), answers(message('5')));
      for (const model of [chat, native]) {
        await create(door, { model, tools: [...tools, mine], tool_choice, max_tool_calls: 9 });
        const choices = door.model.calls(model).map(({ body }) => body.tool_choice);
        assert.deepEqual(choices, ['required', 'auto']);
      }
      const spent = door.model.native(answers(called), answers(message('5')));
      await create(door, { model: spent, tools: [...tools, mine], tool_choice, max_tool_calls: 1 });
      const { body } = door.model.calls(spent).at(-1) ?? assert.fail('a second call');
      assert.deepEqual(
        body.tools?.map(({ name }: { name: string }) => name),
        tool_choice === 'required' ? ['mine'] : undefined,
      );
    }
  },
  NEEDS_TEST_TOOL,
);

promise(
  'tool-choice.served',
  {
    says: "a list of allowed tools that names a server's tool by its type allows its functions",
    source: 'openai 7.57.0 types',
  },
  async (door) => {
    const { tools, label } = testTool();
    const mine = { type: 'function', name: 'mine' };
    const all = [...tools, mine, { type: 'function', name: 'other' }];
    const names = ['add', 'show', 'ask', 'cite', 'fail', 'wait'];
    for (const [list, expected] of [
      [
        [{ type: 'test_tool' }, mine],
        ['mine', ...names],
      ],
      [[{ type: 'test_tool' }], names],
      [[mine], ['mine']],
    ] as const) {
      const script = expected.length > 1 ? [callsFunctions(add), says('5')] : [says('5')];
      const model = door.model.script(...script);
      const tool_choice = { type: 'allowed_tools', mode: 'required', tools: list };
      const { output } = await create(door, { model, tools: all, tool_choice });
      const [first] = door.model.calls(model);
      assert.deepEqual(
        first?.body.tools.map((tool: { function: { name: string } }) => tool.function.name),
        expected,
      );
      if (expected.length > 1) assert.partialDeepStrictEqual(output[0], { server_label: label, output: '5' });
    }
  },
  NEEDS_TEST_TOOL,
);

promise(
  'tool-choice.unoffered',
  {
    says: 'a function of the server that the choice leaves out does not run, even if the model calls it: the model is told, and goes on',
    source: 'docs/functions.md',
  },
  async (door) => {
    const mine = { type: 'function', name: 'mine' };
    for (const tool_choice of ['none', { type: 'allowed_tools', mode: 'auto', tools: [mine] }]) {
      const { tools } = testTool();
      const model = door.model.script(callsFunctions(add), says('I may not.'));
      const { output } = await create(door, { model, tools: [...tools, mine], tool_choice });
      assert.deepEqual(
        output.map(({ type }) => type),
        ['message'],
      );
      const { messages } = door.model.calls(model)[1]?.body ?? {};
      assert.equal(messages.at(-1).content, 'Not run: this function may not be called in this turn.');
    }
  },
  NEEDS_TEST_TOOL,
);

function callDelta({ name, args, id }: { name: string; args: string; id: string }) {
  return { tool_calls: [{ index: 0, id, type: 'function', function: { name, arguments: args } }] };
}

/** Waits for what another task of this process will do. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}
