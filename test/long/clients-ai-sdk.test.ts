import assert from 'node:assert/strict';
import { clientTools } from '../clients/client-tools.ts';
import { clientContract } from '../clients/contract.ts';
import { hostedReplays, streamedReplays, webReplayBare, webReplayCarried } from '../clients/hosted.ts';
import { mcpApproval, mcpApprovalRefused, mcpReplay } from '../clients/mcp.ts';
import { nodeClient } from '../clients/open.ts';
import { type Stage, scenarios, toolRound, twoTurns } from '../clients/scenarios.ts';
import { sends } from '../support/model/scripted.ts';

const LOGPROB = { token: 'Hello', logprob: -0.25, top_logprobs: [{ token: 'Hello', logprob: -0.25 }] };

const own = {
  ...clientTools,
  ...hostedReplays,
  ...streamedReplays,

  async 'web-replay-stateless'(stage: Stage) {
    await webReplayBare(stage);
  },

  'web-replay-carried': webReplayCarried,

  async 'mcp-replay'(stage: Stage) {
    await mcpReplay(stage);
  },

  async 'mcp-replay-stream'(stage: Stage) {
    assert.equal((await mcpReplay(stage)).stream, true);
  },

  async 'mcp-replay-stateless'(stage: Stage) {
    const { store } = await mcpReplay(stage, false); // it sends back none of what a server ran
    assert.equal(store, false);
  },

  async 'mcp-approval'(stage: Stage) {
    await mcpApproval(stage);
  },

  async 'mcp-approval-chain'(stage: Stage) {
    await mcpApproval(stage, ['Ann it is.']);
  },

  async 'mcp-approval-stateless'(stage: Stage) {
    await mcpApprovalRefused(stage);
  },

  async 'turns-replay-stateless'(stage: Stage) {
    const { store, input } = await twoTurns(stage);
    assert.equal(store, false);
    assert.equal(input.length, 3);
  },

  async 'tool-stateless'(stage: Stage) {
    assert.equal((await toolRound(stage)).store, false);
  },

  async 'reasoning-shown'({ start }: Stage) {
    const { client } = start(sends([{ reasoning_content: 'Hm.' }, { content: 'Hello' }]));
    assert.deepEqual(await client.outcome, { result: { text: 'Hello', reasoning: 'Hm.' } });
  },

  async 'reasoning-shown-stream'({ start }: Stage) {
    const gate = Promise.withResolvers<void>();
    const { client } = start(async (turn) => {
      await turn.delta({ reasoning_content: 'H' });
      await gate.promise;
      await turn.delta({ reasoning_content: 'm.' });
      await turn.text('Hello');
      await turn.finish();
    });
    assert.equal(await client.seen(), 'H');
    gate.resolve();
    assert.deepEqual([await client.seen(), await client.seen()], ['m.', 'Hello']);
    assert.deepEqual(await client.outcome, { result: { text: 'Hello', reasoning: 'Hm.' } });
  },

  'reasoning-summed': scenarios.reasoning,
  'reasoning-summed-encrypted': scenarios['reasoning-encrypted'],

  async logprobs({ door, start }: Stage) {
    const { model, client } = start(async (turn) => {
      const [choice] = [{ index: 0, delta: { content: 'Hello' }, logprobs: { content: [LOGPROB] } }];
      await turn.raw(`data: ${JSON.stringify({ choices: [choice] })}\n\n`);
      await turn.finish();
    });
    assert.deepEqual(await client.outcome, { result: { text: 'Hello', logprobs: [[LOGPROB]] } });
    assert.equal(door.model.calls(model)[0]?.body.top_logprobs, 2);
    assert.deepEqual(door.sent(model)[0]?.body.include, ['message.output_text.logprobs']);
  },
};

const skips = { 'tool-chain': 'the loop of the SDK replays the items of its steps' };
clientContract(() => nodeClient('ai-sdk.mjs'), 'AI SDK', { skips }, own);
