import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import { callsFunctions, says, sends } from '../support/model/scripted.ts';
import { answersCut } from '../support/model/scripted-responses.ts';
import { outline, parseStream } from '../support/sse.ts';
import { create, modelRequest, refuses, stream } from './ask.ts';
import { NEEDS_HEADERS, NEEDS_TEST_TOOL, promise } from './promise.ts';

promise(
  'reasoning.sealed',
  {
    says: 'reasoning.encrypted_content is sealed for the client, and read when it comes back',
    source: 'docs/api.md',
  },
  async (door) => {
    const model = door.model.script(sends([{ reasoning_content: 'Let me think 🙂' }, { content: 'Yes' }]), says('ok'));
    const asked = { model, store: false, include: ['reasoning.encrypted_content'] };
    const { final } = await stream(door, asked);
    const [reasoning, message] = final.output;
    assert.ok(reasoning?.type === 'reasoning' && reasoning.encrypted_content);
    assert.doesNotMatch(reasoning.encrypted_content, /think/);
    const sealed = { type: 'reasoning', summary: [], encrypted_content: reasoning.encrypted_content };
    await create(door, {
      ...asked,
      input: [{ role: 'user', content: 'Hi' }, sealed, message, { role: 'user', content: 'So?' }],
    });
    const { messages } = door.model.calls(model).at(-1)?.body ?? {};
    assert.deepEqual(messages[1], { role: 'assistant', content: 'Yes', reasoning_content: 'Let me think 🙂' });
    const unasked = await create(door, { model: door.model.script(sends([{ reasoning_content: 'Hm' }])) });
    assert.ok(unasked.output[0]?.type === 'reasoning' && !('encrypted_content' in unasked.output[0]));
  },
);

const SUMMARY = [{ type: 'summary_text', text: 'Let me think 🙂' }];
const thinks = () => sends([{ reasoning_content: 'Let me ' }, { reasoning_content: 'think 🙂' }, { content: 'Yes' }]);

promise(
  'reasoning.summary',
  {
    says: 'raw reasoning becomes a summary for clients that ask for one, in a stream as in JSON',
    source: 'clients: the AI SDK, LangChain and Codex read summaries only',
  },
  async (door) => {
    const asked = [{ summary: 'auto' }, { summary: 'concise' }, { summary: 'detailed' }, { generate_summary: 'auto' }];
    for (const reasoning of asked) {
      const model = door.model.script(thinks());
      const { final } = await stream(door, { model, reasoning });
      const whole = await create(door, { model, reasoning });
      for (const { output } of [final, whole]) {
        assert.partialDeepStrictEqual(output, [
          { type: 'reasoning', summary: SUMMARY, status: 'completed' },
          { content: [{ text: 'Yes' }] },
        ]);
        const [item] = output;
        assert.ok(item?.type === 'reasoning');
        assert.deepEqual([item.content, item.summary.length], [[], 1]);
      }
    }
  },
);

promise(
  'reasoning.context',
  {
    says: 'the context that was used comes back: all turns, unless the current one alone was asked for',
    source: 'openai 7.57.0 types: Reasoning.context',
  },
  async (door) => {
    const used = async (reasoning: object | null) => {
      const { final } = await stream(door, { model: door.model.script(says('ok')), reasoning });
      return final.reasoning?.context;
    };
    for (const asked of [null, {}, { context: null }, { context: 'auto' }, { context: 'all_turns' }]) {
      assert.equal(await used(asked), 'all_turns');
    }
    assert.equal(await used({ context: 'current_turn' }), 'current_turn');
  },
);

promise(
  'reasoning.summary-cut',
  {
    says: 'a truncated part of a summary is incomplete, in a replayed stream as well',
    source: 'openai 7.57.0 types: ResponseReasoningSummaryPartDoneEvent',
  },
  async (door) => {
    const statuses = (text: string) =>
      parseStream(text).events.flatMap((event) =>
        event.type === 'response.reasoning_summary_part.done' ? [event.status] : [],
      );
    const cut = sends([{ reasoning: 'Hm' }], 'length');
    const native = (content: string[]) =>
      answersCut({ type: 'reasoning', summary: ['First.', 'Then'], content }, 'max_output_tokens');
    for (const [model, expected] of [
      [door.model.script(cut), ['incomplete']],
      [door.model.script(thinks()), [undefined]],
      [door.model.native(native([])), [undefined, 'incomplete']],
      [door.model.native(native(['At length'])), [undefined, undefined]],
    ] as const) {
      const body = { model, input: 'Hi', stream: true, reasoning: { summary: 'auto' } };
      const headers = { 'idempotency-key': `cut-${model}-${process.pid}` };
      for (const _ of ['first', 'again']) {
        assert.deepEqual(statuses(await (await post(door, body, { headers })).text()), expected);
      }
    }
  },
  NEEDS_HEADERS,
);

promise(
  'reasoning.summary-order',
  {
    says: "a summary's events come in OpenAI's order, each reasoning a part of its own item",
    source: 'openai 7.57.0 types: ResponseReasoningSummary*Event',
  },
  async (door) => {
    const script = sends(
      [{ reasoning: 'Let ' }, { reasoning: 'me.' }, { content: 'Yes' }, { reasoning: 'Hm.' }],
      'length',
    );
    const { events } = await stream(door, { model: door.model.script(script), reasoning: { summary: 'auto' } });
    assert.deepEqual(outline(events), [
      'created',
      'in_progress',
      'output_item.added 0 reasoning in_progress',
      'reasoning_summary_part.added 0 summary_text',
      'reasoning_summary_text.delta 0 Let ',
      'reasoning_summary_text.delta 0 me.',
      'reasoning_summary_text.done 0 Let me.',
      'reasoning_summary_part.done 0 summary_text',
      'output_item.done 0 reasoning completed',
      'output_item.added 1 message in_progress',
      'content_part.added 1.0 output_text',
      'output_text.delta 1.0 Yes',
      'output_text.done 1.0 Yes',
      'content_part.done 1.0 output_text',
      'output_item.done 1 message completed',
      'output_item.added 2 reasoning in_progress',
      'reasoning_summary_part.added 2 summary_text',
      'reasoning_summary_text.delta 2 Hm.',
      'reasoning_summary_text.done 2 Hm.',
      'reasoning_summary_part.done 2 summary_text',
      'output_item.done 2 reasoning incomplete',
      'incomplete',
    ]);
    const [begun] = events.filter((event) => event.type === 'response.output_item.added');
    assert.ok(begun?.item.type === 'reasoning');
    assert.deepEqual([begun.item.summary, begun.item.content], [[], []]);
    const places = events.flatMap((event) => ('summary_index' in event ? [event.summary_index] : []));
    assert.deepEqual(new Set(places), new Set([0]));
  },
);

promise(
  'reasoning.raw',
  {
    says: 'reasoning stays raw for clients that ask for no summary',
    source: 'clients: the AI SDK, LangChain and Codex read summaries only',
  },
  async (door) => {
    for (const reasoning of [undefined, null, {}, { effort: 'low' }, { summary: null }]) {
      const model = door.model.script(thinks());
      const { final, events } = await stream(door, { model, reasoning });
      const whole = await create(door, { model, reasoning });
      const content = [{ type: 'reasoning_text', text: 'Let me think 🙂' }];
      for (const { output } of [final, whole]) {
        const [item] = output;
        assert.ok(item?.type === 'reasoning');
        assert.deepEqual([item.summary, item.content], [[], content]);
      }
      assert.ok(!events.some(({ type }) => type.includes('summary')));
    }
  },
);

promise(
  'reasoning.replayed',
  {
    says: 'reasoning that a client sends back goes to the model, raw or as a summary',
    source: 'clients: the AI SDK, LangChain and Codex read summaries only',
  },
  async (door) => {
    const [first, second] = ['summary', 'reasoning'].map((kind) => ({ type: `${kind}_text`, text: `told as ${kind}` }));
    for (const [reasoning, heard] of [
      [{ summary: [first] }, 'told as summary'],
      [{ summary: [first, first] }, 'told as summary\ntold as summary'],
      [{ summary: [], content: [second] }, 'told as reasoning'],
      [{ summary: [first], content: [second] }, 'told as reasoning'],
      [{ summary: [], content: [{ type: 'text', text: 'told as text' }] }, 'told as text'],
    ] as const) {
      const user = { role: 'user', content: 'Hi' };
      const input = [user, { type: 'reasoning', ...reasoning }, { role: 'assistant', content: 'Yes' }, user];
      const { messages } = await modelRequest(door, { input });
      assert.deepEqual(messages, [user, { role: 'assistant', content: 'Yes', reasoning_content: heard }, user]);
    }
  },
);

promise(
  'reasoning.summary-stored',
  {
    says: 'a summary is kept, and reaches the model again with what follows the response',
    source: 'clients: the AI SDK, LangChain and Codex read summaries only',
  },
  async (door) => {
    const model = door.model.script(thinks(), says('ok'));
    const asked = { model, reasoning: { summary: 'auto' } };
    const { id } = await create(door, asked);
    await create(door, { ...asked, previous_response_id: id, input: 'So?' });
    const { messages } = door.model.calls(model).at(-1)?.body ?? {};
    assert.deepEqual(messages[1], { role: 'assistant', content: 'Yes', reasoning_content: 'Let me think 🙂' });
  },
);

promise(
  'reasoning.summary-sealed',
  {
    says: 'reasoning shown as a summary is sealed too, and the model reads it once if both come back',
    source: 'clients: the AI SDK, LangChain and Codex read summaries only',
  },
  async (door) => {
    const model = door.model.script(thinks(), says('ok'), says('ok'));
    const include = ['reasoning.encrypted_content'];
    const asked = { model, store: false, include, reasoning: { summary: 'auto' } };
    const [reasoning, message] = (await create(door, asked)).output;
    assert.ok(reasoning?.type === 'reasoning' && reasoning.encrypted_content);
    assert.deepEqual(reasoning.summary, SUMMARY);
    assert.doesNotMatch(reasoning.encrypted_content, /think/);
    const { encrypted_content } = reasoning;
    for (const sealed of [reasoning, { type: 'reasoning', summary: [], encrypted_content }]) {
      const user = { role: 'user', content: 'So?' };
      await create(door, { ...asked, input: [user, sealed, message, user] });
      const { messages } = door.model.calls(model).at(-1)?.body ?? {};
      assert.deepEqual(messages[1], { role: 'assistant', content: 'Yes', reasoning_content: 'Let me think 🙂' });
    }
  },
);

promise(
  'reasoning.unreadable',
  { says: 'sealed content that cannot be opened is 400', source: 'docs/api.md' },
  async (door) => {
    const model = door.model.script(says('ok'));
    for (const encrypted_content of [
      'antiphon.1.other.AAAA.AAAA',
      'antiphon.1.process.AAAA',
      'antiphon.1.process.!.!',
    ]) {
      const input = [
        { type: 'reasoning', summary: [], encrypted_content },
        { role: 'user', content: 'Hi' },
      ];
      const reply = await post(door, { model, input });
      await refuses(reply, { status: 400, code: 'invalid_encrypted_content', param: 'input' });
    }
    // What a model's own server has sealed is not ours to judge.
    await create(door, {
      model,
      input: [
        { type: 'reasoning', summary: [], encrypted_content: 'gAAA' },
        { role: 'user', content: 'Hi' },
      ],
    });
  },
);

promise(
  'loop.max-tool-calls',
  { says: 'calls beyond max_tool_calls are not run, and the model reads so', source: 'openai 7.57.0 types' },
  async (door) => {
    const add = (id: string) => ({ name: 'add', args: '{"a":1,"b":2}', id });
    const model = door.model.script(callsFunctions(add('c1'), add('c2'), add('c3')), says('done'));
    const { output, max_tool_calls } = await create(door, { model, tools: [{ type: 'test_tool' }], max_tool_calls: 2 });
    assert.equal(max_tool_calls, 2);
    assert.deepEqual(
      output.map(({ type }) => type),
      ['mcp_call', 'mcp_call', 'message'],
    );
    const { messages, tools } = door.model.calls(model).at(-1)?.body ?? {};
    assert.deepEqual(
      [messages.at(-2).content, messages.at(-1).content.slice(0, 8), tools],
      ['3', 'Not run:', undefined],
    );
  },
  NEEDS_TEST_TOOL,
);
