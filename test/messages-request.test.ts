import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toRequest, withoutThinking } from '../handler/backend/anthropic/request.ts';
import { sealThought, type Thought } from '../handler/backend/anthropic/sealed-thought.ts';
import type { ModelCall } from '../handler/backend/backend.ts';
import type { ClientTool } from '../handler/protocol/tools.ts';
import type { Json } from './support/accumulate.ts';
import { modelCall, userMessage } from './support/backend-contract.ts';
import { refusal, said, sent, shows, thinks } from './support/messages-sent.ts';

const thought: Thought = { type: 'thinking', thinking: 'First this.', signature: 'c2lnbmVk' };

test('a request says no more than is meant, and how much is to be said at most', () => {
  assert.deepEqual(sent({}), {
    model: 'any',
    max_tokens: 64_000,
    stream: true,
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
  });
  const { messages, ...asked } = sent({
    instructions: 'Be brief.',
    temperature: 1,
    top_p: 0.5,
    max_output_tokens: 99,
    hints: { ...modelCall().hints, safety_identifier: 's', user: 'u', service_tier: 'default' },
  });
  assert.deepEqual(asked, {
    model: 'any',
    max_tokens: 99,
    stream: true,
    system: [{ type: 'text', text: 'Be brief.' }],
    temperature: 1,
    top_p: 0.5,
    metadata: { user_id: 's' },
    service_tier: 'standard_only',
  });
});

test('the tiers of service that the API has are asked for, and the others left out', () => {
  const tiers = ['auto', 'default', 'priority', 'flex', 'scale', 'fast', 'ultrafast'].map(
    (service_tier) => sent({ hints: { ...modelCall().hints, service_tier } }).service_tier,
  );
  assert.deepEqual(tiers, [undefined, 'standard_only', 'auto', undefined, undefined, undefined, undefined]);
});

test('what the API cannot carry is refused by its name', () => {
  const format = { type: 'text' as const };
  assert.equal(refusal({ temperature: 1.01 }), 'temperature');
  assert.equal(refusal({ text: { format: { type: 'json_object' }, verbosity: null } }), 'text.format');
  assert.equal(refusal({ text: { format, verbosity: 'high' } }), 'text.verbosity');
  assert.equal(refusal({ text: { format, verbosity: 'medium' } }), null);
  assert.equal(refusal({ top_logprobs: 2 }), 'top_logprobs');
  assert.equal(refusal({ top_logprobs: 0 }), 'include');
  assert.equal(refusal({ input: [userMessage('Hi'), said('Ho')] }), 'input');
  assert.equal(refusal({ input: [userMessage(' ')] }), 'input');
});

test('tools, and the choice of them', () => {
  const parameters = { type: 'object', properties: { a: { type: 'number' } }, additionalProperties: false };
  const tools: ClientTool[] = [
    { type: 'function', name: 'f', description: 'does f', parameters, strict: true },
    { type: 'function', name: 'g' },
    { type: 'custom', name: 'c' },
  ];
  const choose = (members: Partial<ModelCall>) => sent({ tools, ...members });
  const all = choose({});
  assert.deepEqual(all.tools.slice(0, 2), [
    { name: 'f', description: 'does f', input_schema: parameters, strict: true },
    { name: 'g', input_schema: { type: 'object', properties: {} } },
  ]);
  assert.deepEqual(all.tool_choice, { type: 'auto' });
  assert.deepEqual(choose({ parallel_tool_calls: false }).tool_choice, {
    type: 'auto',
    disable_parallel_tool_use: true,
  });
  assert.deepEqual(choose({ tool_choice: 'required' }).tool_choice, { type: 'any' });
  const none = choose({ tool_choice: 'none' });
  assert.deepEqual([none.tool_choice, none.tools.length], [{ type: 'none' }, 3]);
  const named = choose({ tool_choice: { type: 'custom', name: 'c' }, parallel_tool_calls: false });
  assert.deepEqual(named.tool_choice, { type: 'tool', name: 'c', disable_parallel_tool_use: true });
  const only = { type: 'allowed_tools' as const, mode: 'required' as const, tools: [{ type: 'function', name: 'g' }] };
  const allowed = choose({ tool_choice: only });
  assert.deepEqual([allowed.tool_choice, allowed.tools.map(({ name }: Json) => name)], [{ type: 'any' }, ['g']]);
  assert.ok(!('tool_choice' in sent({})));
});

test('a schema is held; effort becomes thinking in the form that the model takes', () => {
  const schema = { type: 'object', properties: {}, additionalProperties: false };
  const format = { type: 'json_schema' as const, name: 'n', schema };
  const asked = (effort: string | null, members: Partial<ModelCall> = {}) => {
    const { thinking, output_config } = sent({ reasoning: { effort, summary: null }, ...members });
    return [thinking, output_config];
  };
  const shown = { type: 'adaptive', display: 'summarized' };
  assert.deepEqual(asked(null), [undefined, undefined]);
  assert.deepEqual(asked('high'), [shown, { effort: 'high' }]);
  assert.deepEqual(asked('minimal'), [shown, { effort: 'low' }]);
  assert.deepEqual(asked('none'), [{ type: 'disabled' }, undefined]);
  assert.deepEqual(asked(null, { reasoning: { effort: null, summary: 'auto' } }), [shown, undefined]);
  const text = { format, verbosity: null };
  assert.deepEqual(asked('max', { text })[1], { format: { type: 'json_schema', schema }, effort: 'max' });
  const tools: ClientTool[] = [{ type: 'function', name: 'f' }];
  assert.deepEqual(asked('low', { tools, tool_choice: 'required' }), [undefined, { effort: 'low' }]);

  const budget = (model: string, effort: string, members: Partial<ModelCall> = {}) =>
    asked(effort, { model, ...members });
  for (const model of [
    'claude-3-7-sonnet-20250219',
    'claude-sonnet-4-20250514',
    'claude-opus-4-1',
    'claude-haiku-4-5@1',
  ]) {
    assert.deepEqual(budget(model, 'medium'), [{ type: 'enabled', budget_tokens: 8_192 }, undefined], model);
  }
  for (const model of ['claude-opus-4-6', 'claude-sonnet-5', 'claude-opus-5-5', 'claude-haiku-5-5', 'qwen3']) {
    assert.deepEqual(budget(model, 'medium')[0], shown, model);
  }
  const old = 'claude-sonnet-4-5-20250929';
  assert.deepEqual(budget(old, 'high', { max_output_tokens: 4_000 })[0], { type: 'enabled', budget_tokens: 2_000 });
  for (const members of [{ max_output_tokens: 1_024 }, { tools, tool_choice: 'required' as const }]) {
    assert.deepEqual(budget(old, 'high', members), [undefined, undefined]);
  }
  assert.deepEqual(budget(old, 'none'), [undefined, undefined]);
});

test('what is to be kept is kept where a client asks for it', () => {
  const asked = (hints: Partial<ModelCall['hints']>) =>
    sent({ hints: { ...modelCall().hints, ...hints } }).cache_control;
  assert.equal(asked({ user: 'u' }), undefined);
  assert.deepEqual(asked({ prompt_cache_key: 'k' }), { type: 'ephemeral' });
  assert.deepEqual(asked({ prompt_cache_retention: 'in_memory' }), { type: 'ephemeral' });
  assert.deepEqual(asked({ prompt_cache_retention: '24h' }), { type: 'ephemeral', ttl: '1h' });
  assert.deepEqual(asked({ prompt_cache_options: { ttl: '30m' } }), { type: 'ephemeral', ttl: '1h' });
  assert.equal(asked({ prompt_cache_options: { mode: 'explicit' } }), undefined);
  const marked = (ttl?: string) => ({
    type: 'input_text',
    text: 'a',
    prompt_cache_breakpoint: { mode: 'explicit', ...(ttl && { ttl }) },
  });
  const marks = (body: Json) => body.messages[0].content.map(({ cache_control }: Json) => cache_control);
  const five = shows(marked(), marked(), marked(), marked(), marked());
  const kept = { type: 'ephemeral' };
  assert.deepEqual(marks(sent({ input: [five] })), [undefined, kept, kept, kept, kept]);
  const hints = { ...modelCall().hints, prompt_cache_key: 'k' };
  assert.deepEqual(marks(sent({ input: [five], hints })), [undefined, undefined, kept, kept, kept]);
  const long = { ...kept, ttl: '1h' };
  assert.deepEqual(marks(sent({ input: [shows(marked(), marked('12h'))] })), [long, long]);
});

test('a request is stripped of thinking, and of a budget for it', () => {
  const input = [userMessage('a'), thinks(sealThought(thought)), said('b'), userMessage('c')];
  const strip = (members: Partial<ModelCall>) =>
    JSON.parse(JSON.stringify(withoutThinking(toRequest(modelCall({ input, ...members }), new Map()))));
  const reasoning = { effort: 'low', summary: null };
  const adaptive = strip({ reasoning });
  assert.deepEqual(adaptive.messages[1].content, [{ type: 'text', text: 'b' }]);
  assert.equal(adaptive.thinking.type, 'adaptive');
  assert.equal(strip({ reasoning, model: 'claude-opus-4-5' }).thinking, undefined);
});
