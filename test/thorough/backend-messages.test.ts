import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { isAboutThinking } from '../../handler/backend/anthropic/failure.ts';
import { anthropic } from '../../handler/backend/anthropic/index.ts';
import { failureInStream, failureOf } from '../../handler/backend/server/failure.ts';
import { createTransport } from '../../shim/transport.ts';
import { scriptedSubject, tryBackend } from '../support/backend-contract.ts';
import { type Block, errorOf, messageEvents, sendsMessage, tells, text } from '../support/model/scripted-messages.ts';
import { encoded } from '../support/model/scripted-responses.ts';
import { freePort } from '../support/ports.ts';

const call: Block = { type: 'tool_use', id: 'toolu_1', name: 'f', input: '{"a": 1}' };
const thought: Block = { type: 'thinking', thinking: 'First this.', signature: 'c2lnbmVk' };
const redacted: Block = { type: 'redacted_thinking', data: 'c2VhbGVk' };

const begun = messageEvents([text('Well')])
  .slice(0, 4)
  .map(encoded)
  .join('');

tryBackend('anthropic', () =>
  scriptedSubject((url, transport) => anthropic(url, 'key', transport), {
    good: [tells(text('Hello world')), tells(call, text('Done'), thought), tells()],
    cut: sendsMessage(messageEvents([text('cut')], { stop_reason: 'max_tokens' })),
    counted: sendsMessage(
      messageEvents([text('Yes')], {
        usage: {
          input_tokens: 6,
          cache_read_input_tokens: 3,
          cache_creation_input_tokens: 2,
          output_tokens: 7,
          output_tokens_details: { thinking_tokens: 5 },
        },
      }),
    ),
    talkative: tells(thought, redacted, text('Yes'), call, { ...call, id: 'toolu_2', input: '' }),
    async endless(turn) {
      await turn.raw(begun);
      await turn.closed;
    },
    async failing(turn) {
      await turn.raw(begun);
      turn.cut();
    },
    async leftOpen(turn) {
      for (const event of messageEvents([text('Well.')]).slice(0, -1)) await turn.raw(encoded(event));
      await turn.closed;
    },
    gaveUp: sendsMessage(
      messageEvents([{ type: 'tool_use', id: 'a', name: 'f', input: '{"a' }], { stop_reason: 'error' }).filter(
        ({ type }) => type !== 'content_block_stop',
      ),
    ),
    async brokenOff(turn) {
      await turn.raw(begun);
      turn.end();
    },
    manyCalls: tells(...Array.from({ length: 600 }, (_, n) => ({ ...call, id: `toolu_${n}` }))),
  }),
);

/** The failure for a reply of this status and body. */
async function failureFrom(status: number, body: object, header = (_name: string): string | null => null) {
  async function* bytes() {
    yield new TextEncoder().encode(JSON.stringify(body));
  }
  return failureOf({ status, header, body: bytes() });
}

test('failures are told apart by type and first words, and none of them is passed on', async () => {
  const rows: [status: number, type: string, message: string, kind: string, param: string | null][] = [
    [400, 'invalid_request_error', 'prompt is too long: 213462 tokens > 200000 maximum', 'context_length', 'input'],
    [
      400,
      'invalid_request_error',
      'input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000',
      'context_length',
      'input',
    ],
    [404, 'not_found_error', 'model: claude-99', 'model_not_found', 'model'],
    [404, 'not_found_error', 'Not Found', 'server', null],
    [401, 'authentication_error', 'invalid x-api-key', 'server', null],
    [403, 'permission_error', 'not yours', 'server', null],
    [413, 'request_too_large', 'Request exceeds the maximum allowed number of bytes.', 'too_large', null],
    [429, 'rate_limit_error', 'Number of request tokens has exceeded', 'rate_limit', null],
    [500, 'api_error', 'Internal server error', 'server', null],
    [529, 'overloaded_error', 'Overloaded', 'server', null],
    [400, 'invalid_request_error', '`temperature` is deprecated for this model.', 'model_refused', 'temperature'],
    [400, 'invalid_request_error', 'max_tokens: 70000 > 64000, which is', 'model_refused', 'max_output_tokens'],
    [400, 'invalid_request_error', 'output_config.format.schema: For', 'model_refused', 'text.format'],
    [400, 'invalid_request_error', '"thinking.type.disabled" is not supported', 'model_refused', 'reasoning.effort'],
    [400, 'invalid_request_error', 'adaptive thinking is not supported on this', 'model_refused', 'reasoning.effort'],
    [400, 'invalid_request_error', 'This model does not support effort level', 'model_refused', 'reasoning.effort'],
    [400, 'invalid_request_error', 'Thinking may not be enabled when tool_choice', 'model_refused', 'tool_choice'],
    [400, 'invalid_request_error', 'tools.0.custom.input_schema: JSON schema is', 'model_refused', 'tools'],
    [400, 'invalid_request_error', 'messages.0.content.1.image.source.base64: n', 'model_refused', 'input'],
    [400, 'invalid_request_error', 'Your credit balance is too low', 'quota', null],
  ];
  for (const [status, type, message, kind, param] of rows) {
    const failure = await failureFrom(status, errorOf(type, message));
    assert.deepEqual([failure.kind, failure.param], [kind, param], message);
    assert.ok(!failure.message.includes(message.slice(0, 12)), message);
  }
  const again = async (status: number, type: string) =>
    (await failureFrom(status, errorOf(type, ''))).headers['x-should-retry'] ?? 'perhaps';
  assert.equal(await again(529, 'overloaded_error'), 'perhaps');
  assert.equal(await again(401, 'authentication_error'), 'false');
  const limited = await failureFrom(429, errorOf('rate_limit_error', ''), (name) =>
    name === 'retry-after' ? '7' : null,
  );
  assert.equal(limited.headers['retry-after'], '7');
  assert.equal((await failureFrom(502, {})).kind, 'server');
});

test('an error in a stream is of the kind that its status would say', () => {
  const kind = (type: string, message = 'm') => failureInStream({ type, message }).kind;
  assert.equal(kind('overloaded_error', 'Overloaded'), 'server');
  assert.equal(kind('rate_limit_error'), 'rate_limit');
  assert.equal(kind('invalid_request_error', 'prompt is too long'), 'context_length');
  assert.equal(failureInStream({ type: 'overloaded_error' }).headers['x-should-retry'], undefined);
  assert.equal(failureInStream({ type: 'permission_error' }).headers['x-should-retry'], 'false');
});

test('a refusal of thinking is known from other refusals', async () => {
  const about = async (message: string) =>
    isAboutThinking(await failureFrom(400, errorOf('invalid_request_error', message)));
  for (const message of [
    'messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a different conversation.',
    'messages.5.content.2: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.',
    'messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`.',
  ]) {
    assert.equal(await about(message), true, message);
  }
  assert.equal(await about('"thinking.type.disabled" is not supported for this model.'), false);
  assert.equal(await about('messages.0.content.1: image is too large'), false);
});

test('a list of models is read to its last page', async () => {
  const asked: string[] = [];
  const pages: Record<string, object> = {
    '': { data: [{ id: 'a' }, { id: 'b/c' }], has_more: true, first_id: 'a', last_id: 'b/c' },
    'b/c': { data: [{ id: 'd' }], has_more: false, last_id: 'd' },
  };
  const server = createServer((req, res) => {
    asked.push(req.headers['anthropic-version'] as string, req.headers['x-api-key'] as string);
    assert.equal(req.headers.authorization, undefined);
    const { pathname, searchParams } = new URL(req.url ?? '', 'http://a');
    assert.equal(pathname, '/v1/models');
    res.end(JSON.stringify(pages[searchParams.get('after_id') ?? '']));
  });
  server.listen(await freePort(), '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : '';
  const { transport, close } = createTransport();
  const backend = anthropic(`http://127.0.0.1:${port}/v1/`, 'key', transport);
  const listed = await backend.models(AbortSignal.timeout(5_000));
  assert.deepEqual(
    listed.map((model) => (typeof model === 'string' ? model : model.id)),
    ['a', 'b/c', 'd'],
  );
  assert.deepEqual(asked, ['2023-06-01', 'key', '2023-06-01', 'key']);
  await close();
  server.close();
});
