import assert from 'node:assert/strict';
import { agentScenarios } from '../clients/agents.ts';
import { clientTools } from '../clients/client-tools.ts';
import { clientContract } from '../clients/contract.ts';
import { heard } from '../clients/heard.ts';
import { hostedReplays } from '../clients/hosted.ts';
import { nodeClient } from '../clients/open.ts';
import { CALL, ROUND, type Stage } from '../clients/scenarios.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';

const own = {
  ...hostedReplays,
  ...agentScenarios,
  shell: clientTools.shell,
  'apply-patch': clientTools['apply-patch'],

  async 'tool-chain-later'({ door, start }: Stage) {
    const { model, client } = start(says('one'), callsFunctions(CALL), says('Warm.'));
    assert.deepEqual(await client.outcome, { result: { text: 'Warm.' } });
    assert.deepEqual(heard(door, model), ['user: A', 'assistant: one', 'user: Weather?', ...ROUND]);
    const inputs = door.sent(model).map(({ body }) => body.input.length);
    assert.deepEqual(inputs, [1, 1, 1]);
  },
};

const skips = { 'tool-chain': 'a run goes on from a response that it is told, and its first turn has none' };
clientContract(() => nodeClient('agents.mjs'), '@openai/agents', { skips }, own);
