import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventsOf, type Json, normalised } from '../support/accumulate.ts';
import { responsesRecordings as recordings } from '../support/recorded.ts';
import { recordedBackend, sentBy } from '../support/recorded-backend.ts';

const { ask, streamOf, recorded } = recordedBackend('responses', recordings);

const sent = (name: string) => sentBy(recorded(name));

/** Items without the ids that we make; a call and its output keep their `call_id`. */
function bare(output: Json[]): Json[] {
  return output.map(({ id, ...item }) => item);
}

const message = (text: string, status = 'completed') => ({
  type: 'message',
  role: 'assistant',
  content: [{ type: 'output_text', text, annotations: [], logprobs: [] }],
  status,
});
const weather = (call_id: string, written: string, status = 'completed') => ({
  type: 'function_call',
  call_id,
  name: 'get_weather',
  arguments: written,
  status,
});
const tools = [{ type: 'function', name: 'get_weather' }];
const PARIS = '{"city": "Paris", "unit": "celsius"}';
const thought = { type: 'reasoning', summary: [], content: [], status: 'completed' };

const LONG = 'Hello! I am a tiny language model built by hand, so this answer never changes; here comes one smile: 🙂.';
const THOUGHT = 'The user said something short.';
const ANSWER = 'Hello from our thinking model!';

/** The streams that were cut were asked for 3 or 4 tokens. The API takes no fewer than these, so they count as many. */
const FEWEST = 16;
for (const [name, recording] of recordings) {
  recordings.set(name, {
    ...recording,
    body: recording.body.replace(/"output_tokens":[34]\b/, `"output_tokens":${FEWEST}`),
  });
}

/** What each recorded stream has to give; `asked` is what its request asked for beside the text. */
const expected: Record<
  string,
  { asked?: object; output: Json[]; tokens: [input: number, output: number, cached: number] }
> = {
  'llama.cpp/responses-stream': { output: [message(LONG)], tokens: [35, 31, 34] },
  'llama.cpp/responses-length-stream': {
    asked: { max_output_tokens: FEWEST },
    output: [message('Hello! I am', 'incomplete')],
    tokens: [35, FEWEST, 0],
  },
  'llama.cpp/responses-think-stream': {
    output: [{ ...thought, content: [{ type: 'reasoning_text', text: THOUGHT }] }, message(ANSWER)],
    tokens: [12, 15, 11],
  },
  'llama.cpp/responses-tool-stream': {
    asked: { tools },
    output: [weather('call_pI7tDd06TZ2rf9XPK43buTct5kbEXvQA', PARIS)],
    tokens: [218, 10, 217],
  },
  'llama.cpp-router/responses-stream': {
    asked: { max_output_tokens: FEWEST },
    output: [message('Hello! I', 'incomplete')],
    tokens: [33, FEWEST, 26],
  },
  'llama.cpp-wheel/responses-stream': {
    asked: { max_output_tokens: FEWEST },
    output: [message('<tool_call>\n{"name": "tarplace', 'incomplete')],
    tokens: [33, FEWEST, 21],
  },
  // Neither recording has the request's max_output_tokens: a call that breaks off counts as truncated.
  'xllamacpp/responses-cut-call-stream': {
    asked: { tools },
    output: [weather('call_eMWMaQTBc6FaNavrf6h4SSdxm2p78e7x', '{"city":"', 'incomplete')],
    tokens: [220, 16, 0],
  },
  'xllamacpp/responses-two-calls-stream': {
    asked: { tools },
    output: [
      weather('call_dZ0Mx24DLLfSFlkaOBRPevRA1l2gDY8E', PARIS),
      weather('call_avZegEMj1UcHlFsyggNWnwZG3AElecO8', PARIS),
      weather('call_jwSWa5NcrJMzmnLRVx4n6RgqUd9dx5i6', '{"ci', 'incomplete'),
    ],
    tokens: [216, 20, 0],
  },
  'ollama/responses-stream': { output: [message(LONG)], tokens: [12, 31, 0] },
  'ollama/responses-length-stream': {
    asked: { max_output_tokens: FEWEST },
    output: [message('Hello! I', 'incomplete')],
    tokens: [12, FEWEST, 0],
  },
  'ollama/responses-think-stream': {
    output: [
      { ...thought, summary: [{ type: 'summary_text', text: THOUGHT }], encrypted_content: THOUGHT },
      message(ANSWER),
    ],
    tokens: [12, 15, 0],
  },
  'vllm/responses-stream': {
    output: [message('Hello! I am a tiny model served by vLLM, so this answer never changes.')],
    tokens: [100, 18, 0],
  },
  'vllm/responses-length-stream': {
    asked: { max_output_tokens: FEWEST },
    output: [message('Hello! I', 'incomplete')],
    tokens: [100, FEWEST, 0],
  },
};

/** Sizes of the pieces that a stream arrives in, in bytes: they cut characters, lines and events anywhere. */
const SIZES = [1, 2, 3, 5, 7, 11, 16, 31, 64, 127, 256, 509, 1_021, 2_048, 4_093];

describe('recorded streams of /v1/responses', () => {
  test('each one has its expectation', () => {
    const streams = [...recordings].filter(([, { isStream }]) => isStream).map(([name]) => name);
    assert.deepEqual(streams.sort(), Object.keys(expected).sort());
  });

  for (const [name, { asked = {}, output, tokens }] of Object.entries(expected)) {
    test(name, async () => {
      const { terminal } = await streamOf(name, asked);
      const cut = output.at(-1).status === 'incomplete';
      assert.equal(terminal.status, cut ? 'incomplete' : 'completed');
      assert.deepEqual(terminal.incomplete_details, cut ? { reason: 'max_output_tokens' } : null);
      assert.deepEqual(bare(terminal.output), output);
      const [input_tokens, output_tokens, cached_tokens] = tokens;
      assert.deepEqual(terminal.usage, {
        input_tokens,
        input_tokens_details: { cached_tokens, cache_write_tokens: 0 },
        output_tokens,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: input_tokens + output_tokens,
      });
      for (const { id } of terminal.output) assert.match(id, /^(msg|rs|fc)_[\da-f]{48}$/, 'the ids are ours');

      const whole = await ask(name, asked);
      assert.equal(whole.status, 200);
      const plain = normalised(terminal);
      assert.deepEqual(normalised(await whole.json()), plain);
      for (const size of SIZES) {
        assert.deepEqual(normalised((await streamOf(name, asked, [size])).terminal), plain, `pieces of ${size} bytes`);
      }
    });

    test(`${name}: what is said is passed on as it comes`, async () => {
      const { events } = await streamOf(name, asked);
      const deltas = (list: Json[]) =>
        list.filter(({ type }) => type.endsWith('.delta')).map(({ type, delta }) => [type, delta]);
      assert.deepEqual(deltas(events), deltas(sent(name)));
    });

    test(`${name}: broken off before its end, it fails`, async () => {
      const { body, ...rest } = recorded(name);
      const events = body.split('\n\n');
      for (const kept of [0, 1, 3, events.length - 2]) {
        recordings.set('made/broken', { ...rest, body: events.slice(0, kept).join('\n\n') });
        const { terminal } = await streamOf('made/broken', asked);
        assert.equal(terminal.status, 'failed', `after ${kept} events`);
      }
      recordings.delete('made/broken');
    });
  }
});

describe('recorded reasoning, to those who ask for a summary', () => {
  const asked = { reasoning: { summary: 'auto' } };
  const summary = [{ type: 'summary_text', text: THOUGHT }];
  for (const [name, encrypted] of [
    ['llama.cpp/responses-think-stream', {}], // gives it raw
    ['ollama/responses-think-stream', { encrypted_content: THOUGHT }], // calls it a summary
  ] as const) {
    test(name, async () => {
      const { terminal } = await streamOf(name, asked);
      assert.deepEqual(bare(terminal.output), [{ ...thought, summary, ...encrypted }, message(ANSWER)]);
      assert.deepEqual(normalised(await (await ask(name, asked)).json()), normalised(terminal));
    });
  }
});

describe('what is odd in them', () => {
  test('llama.cpp counts neither items, parts nor events', () => {
    for (const event of sent('llama.cpp/responses-think-stream')) {
      for (const name of ['output_index', 'content_index', 'sequence_number']) assert.ok(!(name in event));
    }
  });

  test('llama.cpp ends reasoning after the message has spoken, and here it ends before', async () => {
    const order = (events: Json[]) =>
      events
        .filter(({ type }) => /item\.(added|done)$|output_text\.delta$/.test(type))
        .map(({ type, item }) => `${type.replace(/response\.(output_)?/, '')} ${item?.type ?? ''}`.trim())
        .filter((line, index, lines) => line !== lines[index - 1]);
    const theirs = order(sent('llama.cpp/responses-think-stream'));
    assert.deepEqual(theirs.slice(-3), ['text.delta', 'item.done reasoning', 'item.done message']);
    const { events } = await streamOf('llama.cpp/responses-think-stream');
    assert.deepEqual(order(events), [
      'item.added reasoning',
      'item.done reasoning',
      'item.added message',
      'text.delta',
      'item.done message',
    ]);
  });

  test('llama.cpp says completed of a call whose arguments break off', () => {
    const { response } = sent('xllamacpp/responses-cut-call-stream').at(-1);
    assert.deepEqual([response.status, response.output[0].status], ['completed', 'completed']);
    assert.throws(() => JSON.parse(response.output[0].arguments));
  });

  test('llama.cpp has all its calls done at the end, and here each is done before the next', async () => {
    const name = 'xllamacpp/responses-two-calls-stream';
    const turns = (events: Json[]) =>
      events.filter(({ type }) => /item\.(added|done)$/.test(type)).map(({ type }) => type.split('.').at(-1));
    assert.deepEqual(turns(sent(name)), ['added', 'added', 'added', 'done', 'done', 'done']);
    assert.deepEqual(turns((await streamOf(name)).events), ['added', 'done', 'added', 'done', 'added', 'done']);
  });

  test('llama.cpp and Ollama begin no part of reasoning, llama.cpp ends no arguments', async () => {
    const types = (events: Json[]) => new Set(events.map(({ type }) => type));
    const think = 'llama.cpp/responses-think-stream';
    assert.ok(!types(sent(think)).has('response.reasoning_text.done'));
    assert.ok(types((await streamOf(think)).events).has('response.reasoning_text.done'));
    const summary = 'ollama/responses-think-stream';
    assert.ok(!types(sent(summary)).has('response.reasoning_summary_part.added'));
    const ours = types((await streamOf(summary)).events);
    for (const end of ['part.added', 'text.done', 'part.done'])
      assert.ok(ours.has(`response.reasoning_summary_${end}`));
    const tool = 'llama.cpp/responses-tool-stream';
    assert.ok(!types(sent(tool)).has('response.function_call_arguments.done'));
    assert.ok(types((await streamOf(tool)).events).has('response.function_call_arguments.done'));
  });

  test('llama.cpp and Ollama say completed of a response that was cut, vLLM gives the reason in response.completed', () => {
    for (const [name, status, reason] of [
      ['llama.cpp/responses-length-stream', 'completed', undefined],
      ['ollama/responses-length-stream', 'completed', undefined],
      ['vllm/responses-length-stream', 'incomplete', 'max_output_tokens'],
    ] as const) {
      const { type, response } = sent(name).at(-1);
      assert.equal(type, 'response.completed');
      assert.equal(response.status, status);
      assert.equal(response.incomplete_details?.reason, reason);
    }
  });

  test('Ollama keeps reasoning in plain text where sealed content belongs', () => {
    const { item } = sent('ollama/responses-think-stream').find(({ type }) => type === 'response.output_item.done');
    assert.equal(item.encrypted_content, item.summary[0].text);
  });

  test('vLLM gives an item another id in the end, and members that are none of the API’s', async () => {
    const name = 'vllm/responses-stream';
    const [done, completed] = sent(name).slice(-2);
    assert.notEqual(done.item.id, completed.response.output[0].id);
    assert.ok('summary' in done.item && 'kv_transfer_params' in completed.response);
    assert.equal(done.item.content[0].logprobs, null);
    const { terminal } = await streamOf(name);
    assert.ok(!('summary' in terminal.output[0]) && !('kv_transfer_params' in terminal));
  });

  test('none of them sends [DONE], and here every stream ends with it', async () => {
    for (const name of Object.keys(expected)) {
      assert.ok(!recorded(name).body.includes('[DONE]'));
      eventsOf(await (await ask(name, { stream: true })).text());
    }
  });
});

describe('recorded errors of /v1/responses', () => {
  for (const [name, recording] of recordings) {
    if (recording.isStream) continue;
    test(name, async () => {
      const [status, code, param] = name.includes('overflow')
        ? [400, 'context_length_exceeded', 'input']
        : [404, 'model_not_found', 'model'];
      const whole = await ask(name);
      assert.equal(whole.status, status);
      const text = await whole.text();
      const { error } = JSON.parse(text);
      assert.deepEqual([error.code, error.param], [code, param]);
      assert.ok(!text.includes(JSON.parse(recording.body).error.message), 'says nothing of what the backend said');
      const streamed = await ask(name, { stream: true });
      assert.equal(streamed.status, status);
      assert.equal(await streamed.text(), text);
    });
  }
});
