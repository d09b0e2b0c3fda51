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

  /** A function that the server runs: the SDK takes its call for what it is, and sends it back in the next turn. */
  async 'served-function'({ door, start }: Stage) {
    const { model, client } = start(
      callsFunctions({ name: 'clock', args: '{}', id: 'call_c' }),
      says('Noon.'),
      says('Still.'),
    );
    assert.deepEqual(await client.outcome, { result: { texts: ['Noon.', 'Still.'] } });
    const [first, second, ...others] = door.sent(model);
    assert.equal(others.length, 0, 'the SDK has nothing to run');
    assert.deepEqual(first?.body.tools, [{ type: 'function', name: 'clock' }]);
    assert.ok(second?.body.input.some(({ type }: { type: string }) => type === 'mcp_call'));
    const told = door.model
      .calls(model)
      .map(({ body }) => body.messages.filter(({ role }: { role: string }) => role === 'tool'));
    assert.deepEqual(
      told[2]?.map(({ content }: { content: string }) => content),
      told[1]?.map(({ content }: { content: string }) => content),
    );
    assert.equal(told[1]?.length, 1);
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
