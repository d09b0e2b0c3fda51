import assert from 'node:assert/strict';
import { clientContract } from '../clients/contract.ts';
import { nodeClient } from '../clients/open.ts';
import { type Scenarios, scenarios, twoTurns } from '../clients/scenarios.ts';
import { replies, says } from '../support/model/scripted.ts';

// Anthropic's own SDK, in front of a model whose server speaks Chat Completions.

const own: Scenarios = {
  'stream-helper': scenarios.stream,
  'tool-runner': scenarios.tool,
  'reasoning-stream': scenarios.reasoning,

  async 'turns-replay'(stage) {
    const { messages, store } = await twoTurns(stage);
    assert.deepEqual([messages.length, store], [3, undefined]);
  },

  async unprocessable({ door, start }) {
    const { model, client } = start();
    const { error } = await client.outcome;
    assert.deepEqual([error?.name, error?.status], ['BadRequestError', 400]);
    assert.match(error?.message ?? '', /temperature must be at most 1/);
    assert.equal(door.sent(model).length, 1, 'what is wrong is not sent again');
  },

  async count({ start }) {
    const { result } = await start(says('Hi')).client.outcome;
    assert.ok(result.input_tokens > 0);
  },

  async models({ start }) {
    const { model, client } = start(says('Hi'));
    const { result } = await client.outcome;
    assert.ok(result.ids.includes(`model ${model}`) || result.ids.length >= 3, JSON.stringify(result));
    assert.equal(`model ${result.id}`, result.ids[0]);
  },

  async faults({ start }) {
    const busy = replies(429, {}, { 'retry-after': '0' });
    const { client } = start(busy, replies(500, {}));
    assert.deepEqual((await client.outcome).result, [
      ['NotFoundError', 404, 'not_found_error', 'string'],
      ['BadRequestError', 400, 'invalid_request_error', 'string'],
      ['RateLimitError', 429, 'rate_limit_error', 'string'],
      ['InternalServerError', 500, 'api_error', 'string'],
      ['NotFoundError', 404, 'not_found_error', 'string'],
    ]);
  },
};

const STATE = 'a message is never stored: its client sends all that was said';
const skips = {
  'turns-chain': STATE,
  'turns-conversation': STATE,
  'tool-chain': STATE,
  'reasoning-encrypted': 'its signatures are that: see reasoning',
};
clientContract(() => nodeClient('anthropic.mjs'), '@anthropic-ai/sdk (npm)', { skips }, own);
