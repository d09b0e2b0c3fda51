import assert from 'node:assert/strict';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { heard } from './heard.ts';
import { type Stage, twoTurns } from './scenarios.ts';

/** What only the Agents SDKs do: sessions of their own, and agents that hand over. */
export const agentScenarios = {
  async 'turns-session'(stage: Stage) {
    const { conversation = null, input } = await twoTurns(stage);
    assert.equal(conversation, null, 'a session keeps its items in a conversation, and sends them all');
    assert.equal(input.length, 3);
  },

  async 'turns-memory'(stage: Stage) {
    assert.equal((await twoTurns(stage)).input.length, 3);
  },

  async handoff({ door, start }: Stage) {
    const name = 'transfer_to_Italian';
    const { model, client } = start(async (turn) => {
      const offered = turn.body.tools[0].function.name;
      assert.equal(offered.toLowerCase(), name.toLowerCase());
      await callsFunctions({ name: offered, args: '{}', id: 'call_h' })(turn);
    }, says('Ciao a te'));
    assert.deepEqual(await client.outcome, { result: { text: 'Ciao a te' } });
    const [user, call, output = ''] = heard(door, model);
    assert.equal(user, 'user: Ciao');
    assert.match(call ?? '', /^assistant: transfer_to_italian \{\} #call_h$/i);
    assert.match(output, /^tool call_h: .*Italian/);
  },
};
