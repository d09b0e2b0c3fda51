import assert from 'node:assert/strict';
import { eventData } from '../../handler/events/sse.ts';
import { ask, type Case, many, speaking } from './scene.ts';

const encoder = new TextEncoder();
const tool = { type: 'function', name: 'f' };
const custom = { type: 'custom', name: 'p' };

const chunk = (delta: object) => ({ choices: [{ delta }] });
const call = (index: number, written: string, name = 'f') =>
  chunk({ tool_calls: [{ index, id: `c${index}`, function: { name, arguments: written } }] });
const citation = (n: number) => ({
  type: 'url_citation',
  url: `http://x/${n}`,
  title: 't',
  start_index: 0,
  end_index: 1,
});
const item = (type: string, id: string, more: object = {}) => ({
  type: 'response.output_item.added',
  item: { type, id, ...more },
});

/** What a model can make long, in each protocol, where it is one whose reply is read in pieces. */
export const replies: Case[] = [
  {
    says: 'a line that comes in pieces of 4 KiB',
    size: 1024 * 1024,
    run: async (_, n) => {
      for await (const data of eventData(inPieces(n))) assert.equal(data[0]?.length, n);
    },
  },
  {
    says: 'texts, each in an event of its own',
    size: 1_000,
    run: (scene, n) => ask(scene, { script: speaking(many(n, () => chunk({ content: 'word ' }))) }),
  },
  {
    says: 'texts in which many stop sequences nearly come',
    size: 1_000,
    run: (scene, n) =>
      ask(scene, {
        path: '/v1/messages',
        max_tokens: 100,
        messages: [{ role: 'user', content: 'x' }],
        stop_sequences: many(64, (at) => `${'a'.repeat(900)}${at}`),
        script: speaking(many(n, () => chunk({ content: 'aaaaaaaaaa' }))),
      }),
  },
  {
    says: 'arguments of a call, in fragments',
    size: 2_000,
    run: (scene, n) =>
      ask(scene, {
        tools: [tool],
        script: speaking([call(0, '{"a":"'), ...many(n, () => call(0, 'x'.repeat(20))), call(0, '"}')]),
      }),
  },
  {
    says: 'arguments of a call that is written as a text, in fragments and whole',
    size: 2_000,
    run: async (scene, n) => {
      const texts = ['{"name":"f","arguments":{"a":"', ...many(n, () => 'x'.repeat(20)), '"}}', ...many(n, () => '}')];
      for (const pieces of [texts, [texts.join('')]])
        await ask(scene, {
          kind: 'written',
          tools: [tool],
          tool_choice: 'required',
          script: speaking(pieces.map((content) => chunk({ content }))),
        });
    },
  },
  {
    says: 'texts that may become a call for long',
    size: 20_000,
    run: async (scene, n) => {
      for (const text of [' '.repeat(n), `{${' '.repeat(n)}`, `{"name":"${'\\'.repeat(n)}`])
        await ask(scene, { kind: 'written', tools: [tool], script: speaking([chunk({ content: text })]) });
    },
  },
  {
    says: 'arguments of a call that is held until it is whole',
    size: 2_000,
    run: (scene, n) =>
      ask(scene, {
        tools: [custom],
        script: speaking([call(0, '{"input":"', 'p'), ...many(n, () => call(0, 'x'.repeat(20))), call(0, '"}')]),
      }),
  },
  {
    says: 'fragments of another call while long arguments are open',
    size: 1_000,
    run: (scene, n) =>
      ask(scene, {
        tools: [tool],
        script: speaking([
          call(0, `{"a":"${'x'.repeat(200 * n)}`),
          call(1, '{"a":"'),
          ...many(n, () => call(1, 'x')),
          call(1, '"}'),
          call(0, '"}'),
        ]),
      }),
  },
  {
    says: 'fragments of two calls in turns',
    size: 1_000,
    run: (scene, n) =>
      ask(scene, {
        tools: [tool],
        script: speaking([
          ...[0, 1].map((index) => call(index, '{"a":"')),
          ...many(2 * n, (at) => call(at % 2, 'x'.repeat(100))),
          ...[0, 1].map((index) => call(index, '"}')),
        ]),
      }),
  },
  {
    says: 'calls',
    size: 64,
    run: (scene, n) => ask(scene, { tools: [tool], script: speaking(many(n, (index) => call(index, '{}'))) }),
  },
  {
    says: 'items',
    size: 125,
    run: (scene, n) =>
      ask(scene, { script: speaking(many(n, (at) => chunk(at % 2 ? { reasoning: 'x' } : { content: 'x' }))) }),
  },
  {
    says: 'parts of a message',
    size: 125,
    run: (scene, n) =>
      ask(scene, { script: speaking(many(n, (at) => chunk(at % 2 ? { refusal: 'x' } : { content: 'x' }))) }),
  },
  {
    says: 'citations',
    size: 1_000,
    run: (scene, n) =>
      ask(scene, {
        script: speaking([
          chunk({ content: 'x' }),
          ...many(n, (at) => chunk({ annotations: [{ type: 'url_citation', url_citation: citation(at) }] })),
        ]),
      }),
  },
  {
    says: 'log probabilities',
    size: 4_000,
    run: (scene, n) => {
      const content = many(n, () => ({ token: 'x', logprob: 0, bytes: [120] }));
      return ask(scene, {
        top_logprobs: 1,
        script: speaking([{ choices: [{ delta: { content: 'x' }, logprobs: { content } }] }]),
      });
    },
  },
  {
    says: 'the type of an error',
    size: 256 * 1024,
    run: (scene, n) =>
      ask(scene, { script: speaking([{ error: { type: 'model '.repeat(n / 6), code: 404 } }]), fails: true }),
  },
  {
    says: 'signatures of long thinking',
    size: 500,
    run: (scene, n) =>
      ask(scene, {
        kind: 'anthropic',
        script: speaking([
          { type: 'content_block_start', index: 0, content_block: { type: 'thinking' } },
          { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'x'.repeat(300 * n) } },
          ...many(n, () => ({
            type: 'content_block_delta',
            index: 0,
            delta: { type: 'signature_delta', signature: 's' },
          })),
          { type: 'message_delta', delta: { stop_reason: 'end_turn' } },
          { type: 'message_stop' },
        ]),
      }),
  },
  {
    says: 'deltas of items that were never added, beside many that were',
    size: 100,
    run: (scene, n) =>
      ask(scene, {
        kind: 'native',
        script: speaking([
          ...many(n, (at) => item('message', `m${at}`)),
          ...many(20 * n, () => ({ type: 'response.output_text.delta', item_id: 'other', delta: 'x' })),
          ending([]),
        ]),
      }),
  },
  {
    says: 'items that end under other ids',
    size: 100,
    run: (scene, n) => {
      const text = 'x'.repeat(1_000);
      return ask(scene, {
        kind: 'native',
        script: speaking([
          ...many(n, (at) => ({ type: 'response.output_text.delta', item_id: `m${at}`, delta: `${text}${at}` })),
          ending(
            many(n, (at) => ({
              type: 'message',
              id: `o${at}`,
              content: [{ type: 'output_text', text: `${text}${at}` }],
            })),
          ),
        ]),
      });
    },
  },
  {
    says: 'long arguments that are said to be whole again and again',
    size: 500,
    run: (scene, n) =>
      ask(scene, {
        kind: 'native',
        tools: [tool],
        script: speaking([
          item('function_call', 'f', { call_id: 'c', name: 'f' }),
          { type: 'response.function_call_arguments.delta', item_id: 'f', delta: `{${' '.repeat(300 * n)}}` },
          ...many(n, () => ({ type: 'response.function_call_arguments.done', item_id: 'f', arguments: '{}' })),
          ending([]),
        ]),
      }),
  },
];

function ending(output: object[]): object {
  return { type: 'response.completed', response: { output } };
}

/** The bytes of an event whose data is so long: not from a server, since what it writes comes together in larger pieces. */
async function* inPieces(length: number): AsyncGenerator<Uint8Array> {
  const piece = encoder.encode('x'.repeat(4096));
  yield encoder.encode('data: ');
  for (let at = 0; at < length; at += piece.length) yield piece;
  yield encoder.encode('\n\n');
}
