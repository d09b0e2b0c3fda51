import assert from 'node:assert/strict';
import { surfaceRows } from '../coverage/surface.ts';
import { placed } from '../coverage/table.ts';
import type { Door } from '../support/doors/door.ts';
import { says } from '../support/model/scripted.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { callOf, create, stream, unprocessable } from './ask.ts';
import { promise } from './promise.ts';
import { fits, showsRows } from './surface-ask.ts';

const schema = { type: 'object', properties: { a: { type: 'number' } } };
const format = { type: 'json_schema', name: 'n', schema, description: 'd', strict: true };
const formats = [{ type: 'text' }, { type: 'json_object' }, format];
const fn = { type: 'function', name: 'f', description: 'd', parameters: schema, strict: true };

/** A valid value of every parameter of one turn that its response echoes. */
const goodValues = {
  instructions: 'Be brief.',
  max_output_tokens: 64,
  max_tool_calls: 3,
  metadata: { a: 'b' },
  parallel_tool_calls: false,
  prompt_cache_key: 'k-1',
  prompt_cache_options: { mode: 'explicit', ttl: '30m', comparison_response_id: 'resp_1' },
  prompt_cache_retention: '24h',
  reasoning: { effort: 'low', summary: 'concise' },
  safety_identifier: 's-1',
  service_tier: 'flex',
  store: true,
  temperature: 0.5,
  text: { format, verbosity: 'low' },
  tool_choice: 'required',
  tools: [fn],
  top_logprobs: 2,
  top_p: 0.25,
  presence_penalty: 0.5,
  frequency_penalty: -0.5,
  truncation: 'disabled',
  user: 'u-1',
};

/** What the model's server is handed on as it came. */
const { prompt_cache_key, prompt_cache_options, prompt_cache_retention, safety_identifier, service_tier, user } =
  goodValues;
const hints = { prompt_cache_key, prompt_cache_options, prompt_cache_retention, safety_identifier, service_tier, user };
const shared = {
  temperature: 0.5,
  top_p: 0.25,
  presence_penalty: 0.5,
  frequency_penalty: -0.5,
  tool_choice: 'required',
  parallel_tool_calls: false,
};

promise(
  'surface.parameters',
  {
    says: 'every parameter is taken, shapes the call, to Chat Completions and to Responses, and comes back with the response',
    source: 'openai 7.57.0 types: ResponseCreateParams',
  },
  async (door) => {
    const body = { ...goodValues, input: 'Hi', stream: true, stream_options: { include_obfuscation: false } };
    const chat = door.model.script(says('{}'));
    const native = door.model.native(answers(message('{}')));
    const openai = door.model.openai(answers(message('{}')));
    for (const model of [chat, native, openai]) {
      const { final } = await stream(door, { model, ...body });
      assert.partialDeepStrictEqual(final, { ...goodValues, model });
      fits('Response', final);
      showsRows('surface.parameters', [
        ['parameters', [{ model, ...body }]],
        ['response', [final]],
      ]);
    }
    const { type, ...json_schema } = format;
    const { type: _, ...definition } = fn;
    assert.deepEqual(callOf(door, chat).body, {
      ...shared,
      model: chat,
      stream: true,
      stream_options: { include_usage: true },
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
      ],
      max_tokens: 64,
      reasoning_effort: 'low',
      verbosity: 'low',
      response_format: { type, json_schema },
      logprobs: true,
      top_logprobs: 2,
      tools: [{ type: 'function', function: definition }],
    });
    assert.partialDeepStrictEqual(callOf(door, native).body, {
      ...shared,
      model: native,
      stream: true,
      store: false,
      instructions: 'Be brief.',
      max_output_tokens: 64,
      reasoning: { effort: 'low', summary: 'concise' },
      text: { format, verbosity: 'low' },
      top_logprobs: 2,
      tools: [fn],
    });
    assert.partialDeepStrictEqual(callOf(door, openai).body, { ...shared, ...hints, model: openai });
  },
);

promise(
  'surface.prewarm',
  { says: 'prompt_cache_options.prewarm is handed on', source: 'openai 7.57.0 types: PromptCacheOptions' },
  async (door) => {
    const prompt_cache_options = { mode: 'implicit', ttl: '30m', prewarm: true };
    const model = door.model.openai(answers(message('ok')));
    await create(door, { model, prompt_cache_options });
    assert.deepEqual(callOf(door, model).body.prompt_cache_options, prompt_cache_options);
  },
);

promise(
  'surface.cache-options',
  {
    says: 'prompt_cache_options comes back with its defaults, and is 422 where a member is wrong',
    source: 'openai 7.57.0 types: PromptCacheOptions',
  },
  async (door) => {
    const defaults = { mode: 'implicit', ttl: '30m' };
    for (const [given, applied] of [
      [{}, defaults],
      [{ mode: null, ttl: null, comparison_response_id: null, prewarm: null }, defaults],
      [{ mode: 'explicit' }, { ...defaults, mode: 'explicit' }],
      [
        { ttl: '12h', prewarm: false },
        { ...defaults, ttl: '12h' },
      ],
      [
        { comparison_response_id: 'resp_1', frob: 1 },
        { ...defaults, comparison_response_id: 'resp_1' },
      ],
    ]) {
      const model = door.model.openai(answers(message('ok')));
      const response = await create(door, { model, prompt_cache_options: given });
      assert.deepEqual(response.prompt_cache_options, applied);
      fits('Response', response);
      const known = Object.entries(given ?? {}).filter(([name, value]) => name !== 'frob' && value !== null);
      assert.deepEqual(callOf(door, model).body.prompt_cache_options, Object.fromEntries(known));
    }
    const plain = await create(door, { model: door.model.script(says('ok')), prompt_cache_options: null });
    assert.ok(!('prompt_cache_options' in plain));
    for (const [name, value] of Object.entries({ mode: 'on', ttl: '1h', comparison_response_id: 7, prewarm: 'yes' })) {
      await unprocessable(door, { prompt_cache_options: { [name]: value } }, `prompt_cache_options.${name}`);
    }
    await unprocessable(door, { prompt_cache_options: 'on' }, 'prompt_cache_options');
  },
);

/** Parameters that are echoed under another name, or as another value. */
const unechoed = /^reasoning\.(context=auto|generate_summary=)/;

promise(
  'surface.values',
  {
    says: 'every value that a parameter may have is taken and comes back',
    source: 'openai 7.57.0 types: ResponseCreateParams',
  },
  async (door) => {
    const seen: [object, object][] = [];
    for (const { group, name } of surfaceRows()) {
      const [, path = '', value = ''] = /^([\w.]+)=(.+)$/.exec(name) ?? [];
      if (group !== 'parameters' || path === '' || placed.get(`parameters ${name}`)?.not.size) continue;
      seen.push(await echoes(door, path, value));
    }
    for (const format of formats) seen.push(await echoes(door, 'text.format', format));
    showsRows('surface.values', [
      ['parameters', seen.map(([body]) => body)],
      ['response', seen.map(([, response]) => response)],
    ]);
  },
);

/** Sends a value, and holds it to come back where it was sent. */
async function echoes(door: Door, path: string, value: unknown): Promise<[object, object]> {
  const body = put({}, path.split('.'), value);
  const isPro = path === 'reasoning.mode' && value === 'pro'; // which Chat Completions does not know
  const model = isPro ? door.model.native(answers(message('ok'))) : door.model.script(says('ok'));
  const response = await create(door, { model, ...body });
  fits('Response', response);
  if (!unechoed.test(`${path}=${value}`)) assert.partialDeepStrictEqual(response, body, `${path}=${value}`);
  return [body, response];
}

function put(object: object, [name = '', ...rest]: string[], value: unknown): Record<string, unknown> {
  const members: Record<string, unknown> = { ...object };
  const inner = members[name];
  members[name] = rest.length === 0 ? value : put(typeof inner === 'object' && inner ? inner : {}, rest, value);
  return members;
}
