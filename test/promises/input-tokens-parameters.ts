import assert from 'node:assert/strict';
import { replies, says } from '../support/model/scripted.ts';
import { create } from './ask.ts';
import { count, countRequest } from './input-tokens-ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { conversation, have } from './state-ask.ts';
import { fits, showsRows } from './surface-ask.ts';

const schema = { type: 'object', properties: { a: { type: 'number' } } };
const tools = [
  { type: 'function', name: 'f', parameters: schema },
  { type: 'custom', name: 'c' },
  ...['shell', 'apply_patch', 'computer'].map((type) => ({ type })),
];
const preview = { type: 'computer_use_preview', display_width: 800, display_height: 600, environment: 'linux' };
const functions = [{ type: 'function', name: 'f' }];
const long = Array.from({ length: 4 }, (_, n) => ({ role: 'user', content: `${'x'.repeat(600)}${n}` }));

const RUN = '/v1/chat/completions';

/** Good values of the parameters that stand for themselves. */
const countedParameters: object[] = [
  { instructions: 'Be brief.', parallel_tool_calls: false, tools },
  ...['none', 'auto', 'required'].map((tool_choice) => ({ tools, tool_choice })),
  ...[...functions, { type: 'custom', name: 'c' }].map((tool_choice) => ({ tools, tool_choice })),
  ...['shell', 'apply_patch', 'computer', 'computer_use'].map((type) => ({ tools, tool_choice: { type } })),
  { tools: [preview], tool_choice: { type: preview.type } },
  { tools, tool_choice: { type: 'allowed_tools', mode: 'auto', tools: functions } },
  ...['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'].map((effort) => ({ reasoning: { effort } })),
  ...['auto', 'concise', 'detailed'].flatMap((summary) => [
    { reasoning: { summary } },
    { reasoning: { generate_summary: summary } },
  ]),
  ...['auto', 'current_turn', 'all_turns'].map((context) => ({ reasoning: { context } })),
  { reasoning: { mode: 'standard' } },
  ...['low', 'medium', 'high'].map((verbosity) => ({ text: { verbosity } })),
  { text: { format: { type: 'text' } } },
  { text: { format: { type: 'json_object' } } },
  { text: { format: { type: 'json_schema', name: 's', schema } } },
  { input: long, truncation: 'disabled' },
  { input: long, truncation: 'auto' },
  { input: long, truncation: 'auto', max_output_tokens: 16 },
];

promise(
  'input-tokens.parameters',
  {
    says: 'every parameter of the official types shapes what is counted',
    source: 'openai 7.57.0 types: InputTokenCountParams',
  },
  async (door) => {
    const answer = { object: 'response.input_tokens', input_tokens: 1 };
    const paths = { [`${RUN}/input_tokens`]: replies(200, answer), '/v1/responses/input_tokens': replies(200, answer) };
    const model = door.model.counting('chat-request', paths, says('{}'));
    const first = await create(door, { model });
    const place = { id: await conversation(door) };
    const bodies = [
      { previous_response_id: first.id },
      { conversation: place },
      { conversation: place.id },
      ...countedParameters,
    ];
    const input = 'Hi';
    for (const [index, body] of bodies.entries()) {
      await count(door, { model, input, ...body });
      await create(door, { model, input, ...body });
      const [sent, run] = [
        countRequest(door, model, `${RUN}/input_tokens`, index),
        countRequest(door, model, RUN, index + 1),
      ];
      assert.deepEqual(sent, run, JSON.stringify(body));
    }
    const pro = door.model.counting('responses-count', paths);
    await count(door, { model: pro, input, reasoning: { mode: 'pro' } });
    assert.deepEqual(countRequest(door, pro, '/v1/responses/input_tokens').reasoning, { mode: 'pro' });
    const reply = await have<object>(door, 'POST', '/v1/responses/input_tokens', { model, input });
    fits('InputTokenCountResponse', reply);
    showsRows('input-tokens.parameters', [
      ['input_tokens', [...bodies, { model, input, reasoning: { mode: 'pro' } }, reply]],
    ]);
  },
  NEEDS_HEADERS,
);
