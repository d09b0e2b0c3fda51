import assert from 'node:assert/strict';
import { clientTools } from '../clients/client-tools.ts';
import { clientContract } from '../clients/contract.ts';
import { openForClients } from '../clients/door.ts';
import { nodeClient } from '../clients/open.ts';
import { start } from '../clients/run.ts';
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

  /** What is wrong is told at once where the configuration has `errors: openai`, which answers 400. */
  async 'unprocessable-openai'() {
    const door = await openForClients({ errors: 'openai' });
    try {
      const model = door.model.script();
      const { error } = await start(await open(), 'unprocessable', door, model).outcome;
      assert.match(error?.message ?? '', /max_output_tokens/);
      assert.equal(door.sent(model).length, 1);
    } finally {
      await door.close();
    }
  },
};

const skips = {
  'turns-conversation': 'LangChain has no way to name a conversation',
  unprocessable: 'LangChain asks again six times after a 422, for a minute and a half; it knows that a 400 is final',
};
clientContract(open, 'LangChain', { skips }, own);
