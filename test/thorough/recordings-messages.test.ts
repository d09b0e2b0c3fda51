import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sealThought } from '../../handler/backend/anthropic/sealed-thought.ts';
import { type Json, normalised } from '../support/accumulate.ts';
import { messagesRecordings as recordings } from '../support/recorded.ts';
import { recordedBackend, sentBy } from '../support/recorded-backend.ts';

const { ask, streamOf, recorded } = recordedBackend('anthropic', recordings);
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
const calls =
  (name: string) =>
  (call_id: string, written: string, status = 'completed') => ({
    type: 'function_call',
    call_id,
    name,
    arguments: written,
    status,
  });
const weather = calls('get_weather');
const thinks = (thinking: string, signature: string) => ({
  type: 'reasoning',
  summary: [],
  content: thinking ? [{ type: 'reasoning_text', text: thinking }] : [],
  status: 'completed',
  ...(signature && { encrypted_content: sealThought({ type: 'thinking', thinking, signature }) }),
});
const tools = [{ type: 'function', name: 'get_weather' }];
const PARIS = '{"city": "Paris", "unit": "celsius"}';
const LONG = 'Hello! I am a tiny language model built by hand, so this answer never changes; here comes one smile: 🙂.';

interface Expected {
  asked?: object;
  output: Json[];
  reason?: 'max_output_tokens' | 'content_filter';
  /** Null where its server does not count. */
  tokens: [input: number, output: number, cached?: number, written?: number, reasoning?: number] | null;
}

/** What each stream has to give; `asked` is what its request asked for beside the text. */
const expected: Record<string, Expected> = {
  'llama.cpp/stream': { output: [message(LONG)], tokens: [33, 31] },
  'llama.cpp/length-stream': {
    output: [message('Hello! I am a tiny language model built by hand, so this answer never', 'incomplete')],
    reason: 'max_output_tokens',
    tokens: [33, 16, 32],
  },
  'llama.cpp/think-stream': {
    output: [thinks('The user said something short.', ''), message('Hello from our thinking model!')],
    tokens: [10, 15],
  },
  'llama.cpp/tool-stream': {
    asked: { tools },
    output: [weather('bWKtSsHwm84gfC3r3uhb9fwDFCPuovz6', PARIS)],
    tokens: [208, 10],
  },
  'llama.cpp/two-tools-stream': {
    asked: { tools },
    output: [
      weather('UjuTtzE1eEZvoMZyW1BW7fM96xcLAv49', PARIS),
      weather('', PARIS),
      weather('', PARIS),
      weather('', PARIS),
      weather('', PARIS, 'incomplete'),
    ],
    reason: 'max_output_tokens',
    tokens: [207, 48],
  },
  'llama.cpp/cut-call-stream': {
    asked: { tools },
    output: [weather('kMpoBQYa9FqnQsh29O81YDutjrp6wpH5', '{"city": "Par<tool_call>', 'incomplete')],
    reason: 'max_output_tokens',
    tokens: [179, 6, 178],
  },
  'llama.cpp-b11434/stream': { output: [message(LONG)], tokens: [35, 31, 34] },
  'llama.cpp-b11434/length-stream': {
    output: [message('Hello! I', 'incomplete')],
    reason: 'max_output_tokens',
    tokens: [35, 3, 34],
  },
  'llama.cpp-b11434/think-stream': {
    output: [thinks('The user said something short.', ''), message('Hello from our thinking model!')],
    tokens: [12, 15, 11],
  },
  'ollama/stream': { output: [message(LONG)], tokens: [10, 31] },
  'vllm/tool-stream': {
    asked: { tools },
    output: [weather('chatcmpl-tool-920636e82ad0fa58', PARIS)],
    tokens: [710, 10],
  },
  'made/text-stream': { output: [message('Good morning 🙂.')], tokens: [25, 15] },
  'made/tool-stream': {
    asked: { tools },
    output: [
      message('Let me look:'),
      weather('toolu_01Weather', '{"city": "Paris"}'),
      weather('toolu_02Weather', '{"city": "Rome"}'),
    ],
    tokens: [472, 89],
  },
  'made/think-stream': {
    output: [thinks('1071 = 2 × 462 + 147\n462 = 3 × 147 + 21', 'EqQBTWFkZUJ5SGFuZA=='), message('It is **21**.')],
    tokens: null,
  },
  'made/think-omitted-stream': {
    output: [thinks('', 'EqQBT21pdHRlZA=='), message('Yes.')],
    tokens: [30, 300, 0, 0, 290],
  },
  'made/redacted-stream': {
    output: [
      thinks('Hm.', 'EqQBU2lnbmVk'),
      {
        ...thinks('', ''),
        encrypted_content: sealThought({ type: 'redacted_thinking', data: 'EmwKAhgBRedacted' }),
      },
      message('So be it.'),
    ],
    tokens: [30, 9],
  },
  'made/cut-call-stream': {
    output: [
      message("I'll write it down."),
      calls('make_file')('toolu_01Cut', '{"filename": "a.txt", "lines": [\n"one",\n"two', 'incomplete'),
    ],
    reason: 'max_output_tokens',
    tokens: [450, 124],
  },
  'made/refusal-stream': { output: [], reason: 'content_filter', tokens: [20, 120, 0, 0, 67] },
  'made/refused-midway-stream': {
    output: [message('First you take', 'incomplete')],
    reason: 'content_filter',
    tokens: [20, 12],
  },
  'made/usage-stream': { output: [message('Hi')], tokens: [1_212, 6, 1_000, 200] },
  'made/server-tool-stream': { output: [message('Let me search. Found.')], tokens: [42, 9] },
  'made/context-window-stream': {
    output: [message('On and on', 'incomplete')],
    reason: 'max_output_tokens',
    tokens: [199_000, 1_000],
  },
  'made/new-kinds-stream': { output: [message('Still here.')], tokens: [5, 9] },
};

/** Sizes of the pieces that a stream arrives in, in bytes: they cut characters, lines and events anywhere. */
const SIZES = [1, 2, 3, 5, 7, 16, 31, 127, 509, 2_048];

const BROKEN = 'anthropic/made/overloaded-stream';

describe('streams of /v1/messages', () => {
  test('each one has its expectation', () => {
    const streams = [...recordings].filter(([, { isStream }]) => isStream).map(([name]) => name);
    const named = Object.keys(expected).map((name) => `anthropic/${name}`);
    assert.deepEqual(streams.sort(), [...named, BROKEN].sort());
  });

  for (const [short, { asked = {}, output, reason, tokens }] of Object.entries(expected)) {
    const name = `anthropic/${short}`;
    test(short, async () => {
      const { terminal } = await streamOf(name, asked);
      assert.equal(terminal.status, reason ? 'incomplete' : 'completed');
      assert.deepEqual(terminal.incomplete_details, reason ? { reason } : null);
      // Of several calls in one reply the first id is enough.
      const ids = output.map((item, index) => ({
        ...item,
        ...(item.call_id === '' && { call_id: terminal.output[index]?.call_id }),
      }));
      assert.deepEqual(bare(terminal.output), ids);
      const [input_tokens, output_tokens, cached_tokens = 0, cache_write_tokens = 0, reasoning_tokens = 0] = tokens ?? [
        0, 0,
      ];
      const usage = {
        input_tokens,
        input_tokens_details: { cached_tokens, cache_write_tokens },
        output_tokens,
        output_tokens_details: { reasoning_tokens },
        total_tokens: input_tokens + output_tokens,
      };
      assert.deepEqual(terminal.usage, tokens && usage);
      for (const { id } of terminal.output) assert.match(id, /^(msg|rs|fc)_[\da-f]{48}$/, 'the ids are ours');

      const whole = await ask(name, asked);
      assert.equal(whole.status, 200);
      const plain = normalised(terminal);
      assert.deepEqual(normalised(await whole.json()), plain);
      for (const size of SIZES) {
        assert.deepEqual(normalised((await streamOf(name, asked, [size])).terminal), plain, `pieces of ${size} bytes`);
      }
    });

    test(`${short}: what is said is passed on as it comes`, async () => {
      const { events } = await streamOf(name, asked);
      const deltas = (list: Json[]) =>
        list
          .filter(({ type }) => type.endsWith('delta'))
          .map(({ delta }) => deltaText(delta))
          .filter(Boolean);
      assert.deepEqual(deltas(events), deltas(sent(name).filter(ofClientTools())));
    });

    test(`${short}: broken off before it says why it stops, it fails`, async () => {
      const { body, ...rest } = recorded(name);
      const events = body.split('\n\n');
      const end = events.findIndex((event) => /"stop_reason": ?"/.test(event));
      for (const kept of [0, 1, 3, end]) {
        recordings.set('broken', { ...rest, body: events.slice(0, kept).join('\n\n') });
        const { terminal } = await streamOf('broken', asked);
        assert.equal(terminal.status, 'failed', `after ${kept} events`);
      }
      recordings.delete('broken');
    });
  }

  test('an error in a stream fails what was said so far, in words of ours', async () => {
    const { events, terminal } = await streamOf(BROKEN);
    assert.equal(terminal.status, 'failed');
    assert.deepEqual(bare(terminal.output), [message('Well', 'incomplete')]);
    assert.equal(terminal.error.code, 'server_error');
    assert.ok(!JSON.stringify(events).includes('Overloaded'));
  });
});

/** The text of a delta, of ours or of the server's. */
function deltaText(delta: Json): string {
  return typeof delta === 'string' ? delta : (delta.text ?? delta.thinking ?? delta.partial_json ?? '');
}

/** Accepts events of blocks that we pass on: calls of the server's own tools are left out. */
function ofClientTools() {
  const types = new Map<number, string>();
  return ({ index, content_block }: Json) => {
    if (content_block) types.set(index, content_block.type);
    return types.get(index) !== 'server_tool_use';
  };
}

describe('what is odd in them', () => {
  test('llama.cpp ends its blocks only at the end, and here each is done before the next', async () => {
    const name = 'anthropic/llama.cpp/two-tools-stream';
    const theirs = sent(name).filter(({ type }) => /^content_block_(start|stop)$/.test(type));
    assert.deepEqual(
      theirs.map(({ type }) => type.slice(14)),
      [...Array(5).fill('start'), ...Array(5).fill('stop')],
    );
    const { events } = await streamOf(name);
    const ours = events
      .filter(({ type }) => /item\.(added|done)$/.test(type))
      .map(({ type }) => type.split('.').at(-1));
    assert.deepEqual(ours, Array(5).fill(['added', 'done']).flat());
  });

  test('llama.cpp signs nothing, after the text has begun: there is nothing to send back', async () => {
    const name = 'anthropic/llama.cpp/think-stream';
    const at = (type: string) => sent(name).findIndex(({ delta }) => delta?.type === type);
    assert.ok(at('signature_delta') > at('text_delta'));
    const { terminal } = await streamOf(name);
    assert.ok(!('encrypted_content' in terminal.output[0]));
  });

  test('llama.cpp’s errors are not of the form of the API', () => {
    const error = JSON.parse(recorded('anthropic/llama.cpp/err-overflow').body);
    assert.deepEqual([error.type, error.error.code], [undefined, 400]);
  });
});
