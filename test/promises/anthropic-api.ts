import assert from 'node:assert/strict';
import { callsFunctions, hangs, type Script, says, sends } from '../support/model/scripted.ts';
import { tells } from '../support/model/scripted-messages.ts';
import { answers } from '../support/model/scripted-responses.ts';
import { type Any, addedUp, eventsOf, hi, message, send, streamed } from './anthropic-ask.ts';
import { NEEDS_HEADERS, NEEDS_LIVE, NEEDS_TEST_TOOL, promise } from './promise.ts';

const SOURCE = 'docs/messages.md';
const MESSAGES = 'https://platform.claude.com/docs/en/api/messages';
const STREAMING = 'https://platform.claude.com/docs/en/build-with-claude/streaming';
const tool = { name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } };

promise(
  'anthropic-api.message',
  { says: 'POST /v1/messages answers as Anthropic does, whoever has the model', source: MESSAGES },
  async (door) => {
    const whole = await message(door, { model: door.model.script(says('Hel', 'lo')) });
    const { id, usage, model, ...rest } = whole;
    assert.match(id, /^msg_\w+$/);
    assert.match(model, /^scripted-/);
    assert.deepEqual(rest, {
      type: 'message',
      role: 'assistant',
      content: [{ type: 'text', text: 'Hello', citations: null }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      stop_details: null,
      container: null,
      diagnostics: null,
    });
    assert.deepEqual([usage.input_tokens, usage.output_tokens, usage.service_tier], [11, 7, 'standard']);
    const native = await message(door, {
      model: door.model.native(answers({ type: 'message', content: [{ type: 'output_text', text: 'Hello' }] })),
    });
    const own = await message(door, { model: door.model.anthropic(tells({ type: 'text', text: 'Hello' })) });
    const demo = await message(door, { model: 'demo' });
    for (const { content } of [native, own]) assert.deepEqual(content, rest.content);
    assert.match(demo.content[0].text, /You said: Hi/);
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.stream',
  {
    says: 'with stream its events come in Anthropic’s order, and add up to the message',
    source: STREAMING,
  },
  async (door) => {
    const scripts: Script[] = [
      says('Hel', 'lo'),
      callsFunctions({ name: 'weather', args: '{"city":"Oslo"}' }, { name: 'weather', args: '{}' }),
      sends([{ reasoning_content: 'Hm.' }, { content: 'Yes' }, { content: '.' }]),
      sends([{ content: 'Half' }], 'length'),
    ];
    for (const script of scripts) {
      const body = { model: door.model.script(script), tools: [tool], thinking: { type: 'adaptive' } };
      const events = await streamed(door, body);
      const strip = ({ id, ...rest }: Any) => JSON.stringify(rest).replace(/"signature":"[^"]*"/g, '"signature":"…"');
      assert.equal(strip(addedUp(events)), strip(await message(door, body)));
    }
    const [start, block, ping, ...rest] = await streamed(door, { model: door.model.script(says('Hel', 'lo')) });
    assert.deepEqual([start.message.content, start.message.stop_reason], [[], null]);
    assert.deepEqual(block, {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'text', text: '', citations: null },
    });
    assert.deepEqual(ping, { type: 'ping' });
    assert.deepEqual(rest.at(-2).delta, {
      stop_reason: 'end_turn',
      stop_sequence: null,
      stop_details: null,
      container: null,
    });
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.calls',
  { says: 'calls of tools are tool_use blocks, streamed or not, and the message ends with tool_use', source: MESSAGES },
  async (door) => {
    const model = door.model.script(callsFunctions({ name: 'weather', args: '{"city":"Oslo"}', id: 'call_a' }));
    const { content, stop_reason } = await message(door, { model, tools: [tool] });
    const caller = { type: 'direct' };
    assert.deepEqual(content, [{ type: 'tool_use', id: 'call_a', name: 'weather', input: { city: 'Oslo' }, caller }]);
    assert.equal(stop_reason, 'tool_use');
    const broken = door.model.script(callsFunctions({ name: 'weather', args: '{"city":' }));
    const { content: said } = await message(door, { model: broken, tools: [tool] });
    assert.deepEqual(said[0].input, { INVALID_JSON: '{"city":' });
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.stop-reasons',
  { says: 'a message that was cut ends with max_tokens, one that a filter ended with refusal', source: MESSAGES },
  async (door) => {
    const cut = await message(door, { model: door.model.script(sends([{ content: 'Half' }], 'length')) });
    assert.equal(cut.stop_reason, 'max_tokens');
    const filtered = await message(door, { model: door.model.script(sends([{ content: 'No' }], 'content_filter')) });
    assert.equal(filtered.stop_reason, 'refusal');
    const refused = await message(door, { model: door.model.script(sends([{ refusal: 'I will not.' }])) });
    assert.deepEqual(
      [refused.stop_reason, refused.stop_details.type, refused.content[0].text],
      ['refusal', 'refusal', 'I will not.'],
    );
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.usage',
  { says: 'its tokens are told apart by what a cache had, and what the model thought with', source: MESSAGES },
  async (door) => {
    const usage = {
      prompt_tokens: 100,
      completion_tokens: 7,
      total_tokens: 107,
      prompt_tokens_details: { cached_tokens: 60 },
      completion_tokens_details: { reasoning_tokens: 5 },
    };
    const model = door.model.script(sends([{ content: 'Hi' }], 'stop', usage));
    const { usage: told } = await message(door, { model });
    assert.deepEqual(
      [told.input_tokens, told.cache_read_input_tokens, told.cache_creation_input_tokens, told.output_tokens],
      [40, 60, 0, 7],
    );
    assert.deepEqual(told.output_tokens_details, { thinking_tokens: 5 });
    const [start] = await streamed(door, { model });
    assert.ok(start.message.usage.input_tokens > 0, 'a stream begins with an estimate');
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.thinking',
  {
    says: 'thinking comes with a signature, which brings it back in later turns; it is shown to those who ask for it',
    source: 'https://platform.claude.com/docs/en/build-with-claude/extended-thinking',
  },
  async (door) => {
    const thinks = sends([{ reasoning_content: 'Let me ' }, { reasoning_content: 'see.' }, { content: 'Yes.' }]);
    const model = door.model.script(thinks);
    const { content } = await message(door, { model, thinking: { type: 'enabled', budget_tokens: 1024 } });
    const [thought, text] = content;
    assert.deepEqual([thought.type, thought.thinking, text.text], ['thinking', 'Let me see.', 'Yes.']);
    assert.ok(thought.signature.length > 20);
    const sealed = await message(door, { model, thinking: { type: 'adaptive', display: 'omitted' } });
    assert.deepEqual([sealed.content[0].type, sealed.content[0].thinking], ['thinking', '']);
    for (const thinking of [undefined, { type: 'disabled' }]) {
      const plain = await message(door, { model, thinking });
      assert.deepEqual(
        plain.content.map(({ type }: Any) => type),
        ['text'],
      );
    }
    // Back again: with its words, sealed only, and one that is not ours.
    const foreign = { type: 'thinking', thinking: 'Secret.', signature: 'EqQBCgIYAhIM' };
    const changed = { ...thought, thinking: 'Other words.', signature: `${thought.signature.slice(0, -4)}AAAA` };
    for (const [block, told] of [
      [thought, 'Let me see.'],
      [sealed.content[0], 'Let me see.'],
      [{ ...thought, thinking: 'Other words.' }, 'Let me see.'],
      [{ type: 'redacted_thinking', data: thought.signature }, 'Let me see.'],
      [foreign, undefined],
      [changed, undefined],
      [{ type: 'redacted_thinking', data: 'abc' }, undefined],
    ]) {
      await message(door, {
        model,
        messages: [...hi, { role: 'assistant', content: [block, text] }, { role: 'user', content: 'So?' }],
      });
      const sent = door.model
        .calls(model)
        .at(-1)
        ?.body.messages.find(({ role }: Any) => role === 'assistant');
      assert.deepEqual([sent.reasoning_content ?? sent.reasoning, sent.content], [told, 'Yes.'], JSON.stringify(block));
    }
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.own-thinking',
  {
    says: "thinking that Anthropic's own server signed goes back to it as it was, redacted thinking as well",
    source: 'https://platform.claude.com/docs/en/build-with-claude/extended-thinking',
  },
  async (door) => {
    const thinking = { type: 'thinking', thinking: 'Hm.', signature: 'sig==' } as const;
    const redacted = { type: 'redacted_thinking', data: 'opaque' } as const;
    const call = { type: 'tool_use', id: 'toolu_1', name: 'weather', input: '{"city":"Oslo"}' } as const;
    const model = door.model.anthropic(tells(thinking, redacted, call), tells({ type: 'text', text: 'Snow.' }));
    const body = { model, tools: [tool], max_tokens: 4096, thinking: { type: 'enabled', budget_tokens: 1024 } };
    const { content } = await message(door, body);
    assert.deepEqual(
      content.map(({ type }: Any) => type),
      ['thinking', 'redacted_thinking', 'tool_use'],
    );
    const result = { type: 'tool_result', tool_use_id: 'toolu_1', content: 'Broken.', is_error: true };
    await message(door, {
      ...body,
      messages: [...hi, { role: 'assistant', content }, { role: 'user', content: [result] }],
    });
    const { messages } = door.model.calls(model).at(-1)?.body ?? {};
    const { input, ...rest } = call;
    assert.deepEqual(messages[1].content, [thinking, redacted, { ...rest, input: JSON.parse(input) }]);
    assert.deepEqual(messages[2].content, [result]);
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.stop-sequences',
  {
    says: 'a stop sequence ends the message before it, wherever the server cuts its text, and ends the call',
    source: MESSAGES,
  },
  async (door) => {
    for (const [pieces, sequences, text, met] of [
      [['One STOP two'], ['STOP'], 'One ', 'STOP'],
      [['One S', 'T', 'OP two'], ['STOP'], 'One ', 'STOP'],
      [['ab', 'a', 'bac'], ['abac'], 'ab', 'abac'],
      [['aaa', 'ab'], ['aab', 'x'], 'aa', 'aab'],
      [['STOP'], ['STOP'], '', 'STOP'],
      [['One S', 'TO'], ['STOP'], 'One STO', null],
      [['\ud83d', '\ude00 end'], ['\ude00'], '\ud83d', '\ude00'],
    ] as const) {
      const body = { model: door.model.script(says(...pieces)), stop_sequences: sequences };
      const whole = await message(door, body);
      const added = addedUp(await streamed(door, body));
      for (const { content, stop_reason, stop_sequence } of [whole, added]) {
        assert.equal(content.map((block: Any) => block.text).join(''), text, JSON.stringify(pieces));
        assert.deepEqual([stop_reason, stop_sequence], [met === null ? 'end_turn' : 'stop_sequence', met]);
      }
    }
    const { script } = hangs('One STOP two');
    const model = door.model.script(script);
    const { stop_reason, usage } = await message(door, { model, stop_sequences: ['STOP'] });
    assert.equal(stop_reason, 'stop_sequence');
    assert.ok(usage.output_tokens > 0, 'what no server counts is estimated');
    await door.model.calls(model)[0]?.closed;
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.ping',
  { says: 'a long silence is filled with pings', source: STREAMING },
  async (door) => {
    const silent: Script = async (turn) => {
      await turn.text('Hel');
      await turn.sleep(500); // several times the interval of the products under test
      await turn.text('lo');
      await turn.finish();
    };
    const events = await streamed(door, { model: door.model.script(silent) });
    assert.ok(events.filter(({ type }) => type === 'ping').length > 1);
  },
  { ...NEEDS_HEADERS, ...NEEDS_LIVE },
);

promise(
  'anthropic-api.not-stored',
  { says: 'a message is never stored', source: SOURCE },
  async (door) => {
    const { id } = await message(door, { model: door.model.script(says('Hello')) });
    const reply = await door.fetch(`/v1/responses/${id.replace('msg_', 'resp_')}`);
    assert.equal(reply.status, 404);
    await reply.text();
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.fails',
  {
    says: 'a turn that fails in the middle ends its stream with an error event, and is an error where it is no stream',
    source: 'https://platform.claude.com/docs/en/api/errors',
  },
  async (door) => {
    const model = door.model.script(async (turn) => {
      await turn.text('Hel');
      turn.cut();
    });
    const reply = await send(door, { model, max_tokens: 100, messages: hi, stream: true });
    const events = await eventsOf(reply);
    const last = events.at(-1);
    assert.deepEqual(
      [last.type, last.error.type, last.request_id],
      ['error', 'api_error', reply.headers.get('request-id')],
    );
    assert.ok(!events.some(({ type }) => type === 'message_stop' || type === 'message_delta'));
    const whole = await send(door, { model, max_tokens: 100, messages: hi });
    const body = (await whole.json()) as Any;
    assert.deepEqual([whole.status, body.error], [500, last.error]);
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.leaves',
  { says: 'a client that leaves in the middle ends the model’s call', source: SOURCE },
  async (door) => {
    const { script, begun } = hangs();
    const model = door.model.script(script);
    const reply = await send(door, { model, max_tokens: 100, messages: hi, stream: true });
    const reader = reply.body?.getReader();
    await reader?.read();
    await begun;
    await reader?.cancel();
    await door.model.calls(model)[0]?.closed;
  },
  { ...NEEDS_HEADERS, ...NEEDS_LIVE },
);

promise(
  'anthropic-api.server-tools',
  {
    says: 'tools of this server run as in any turn, and are not shown; one that is left unfinished ends with max_tokens',
    source: SOURCE,
  },
  async (door) => {
    const tools = [tool, { type: 'test_tool', label: 'anthropic-api' }];
    const add = { name: 'add', args: '{"a":2,"b":3}', id: 'c1' };
    const sums = callsFunctions(add);
    const model = door.model.script(sums, says('It is 5.'));
    const { content, stop_reason } = await message(door, { model, tools });
    assert.deepEqual([content.map((block: Any) => block.text), stop_reason], [['It is 5.'], 'end_turn']);
    const body = { model: door.model.script(sums, says('It is 5.')), tools };
    assert.deepEqual(addedUp(await streamed(door, body)).content, content);
    const endless = await message(door, { model: door.model.script(sums), tools });
    assert.deepEqual([endless.content, endless.stop_reason], [[], 'max_tokens']);
    const stopping: Script = async (turn) => {
      const fn = { name: add.name, arguments: add.args };
      await turn.delta({ tool_calls: [{ index: 0, id: 'c1', type: 'function', function: fn }] });
      await turn.text('One STOP');
      await turn.finish('tool_calls');
    };
    const stopped = await message(door, { model: door.model.script(stopping), tools, stop_sequences: ['STOP'] });
    assert.deepEqual([stopped.content[0].text, stopped.stop_reason], ['One ', 'stop_sequence']);
  },
  { ...NEEDS_HEADERS, ...NEEDS_TEST_TOOL },
);
