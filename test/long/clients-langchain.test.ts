import assert from 'node:assert/strict';
import { clientTools } from '../clients/client-tools.ts';
import { clientContract } from '../clients/contract.ts';
import { nodeClient } from '../clients/open.ts';
import { type Stage, scenarios, twoTurns } from '../clients/scenarios.ts';
import { sends } from '../support/model/scripted.ts';

const open = () => nodeClient('langchain.mjs');

/** Reasoning that the client shows to its user. */
async function shown({ start }: Stage) {
  const { client } = start(sends([{ reasoning_content: 'H' }, { reasoning_content: 'm.' }, { content: 'Hello' }]));
  assert.deepEqual(await client.outcome, { result: { text: 'Hello', reasoning: 'Hm.' } });
}

const own = {
  async 'turns-replay-stream'(stage: Stage) {
    const { stream, input } = await twoTurns(stage);
    assert.deepEqual([stream, input.length], [true, 3]);
  },

  async 'turns-replay-zdr'(stage: Stage) {
    const { store, input } = await twoTurns(stage);
    assert.deepEqual([store, input.length], [false, 3]);
  },

  'reasoning-stream': scenarios.reasoning,
  'reasoning-summed': scenarios.reasoning,
  'reasoning-summed-stream': scenarios.reasoning,
  'reasoning-shown': shown,
  'reasoning-shown-stream': shown,
  custom: clientTools.custom,
};

const skips = {
  'turns-conversation': 'LangChain has no way to name a conversation',
};
clientContract(open, 'LangChain', { skips }, own);
