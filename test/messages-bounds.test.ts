import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anthropic } from '../handler/backend/anthropic/index.ts';
import type { Transport } from '../handler/transport.ts';
import { anyServer, modelCall } from './support/backend-contract.ts';

const OK = `event: message_start
data: {"type":"message_start","message":{"id":"msg_1","role":"assistant","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}

event: message_stop
data: {"type":"message_stop"}

`;
const REFUSED = JSON.stringify({
  type: 'error',
  error: { type: 'invalid_request_error', message: 'max_tokens: 64000 > 100, which is the maximum allowed' },
});

test('the output bounds of a thousand models are remembered: their names come from clients', async () => {
  let sent = 0;
  const transport: Transport = async (_, { body = '{}' }) => {
    sent++;
    const refused = JSON.parse(String(body)).max_tokens > 100;
    return {
      status: refused ? 400 : 200,
      header: () => null,
      body: (async function* () {
        yield new TextEncoder().encode(refused ? REFUSED : OK);
      })(),
    };
  };
  const backend = anthropic('http://models.test/v1', undefined, transport);
  const requestsFor = async (model: string) => {
    sent = 0;
    for await (const _ of backend.prepare(modelCall({ model }), anyServer).stream(new AbortController().signal));
    return sent;
  };
  for (let n = 0; n <= 1_000; n++) assert.equal(await requestsFor(`model-${n}`), 2);
  assert.equal(await requestsFor('model-1000'), 1, 'what was learned last');
  assert.equal(await requestsFor('model-1'), 1, 'the first of a thousand');
  assert.equal(await requestsFor('model-0'), 2, 'the one before');
});
