import assert from 'node:assert/strict';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { takesBack } from '../support/round-trip.ts';
import { create } from './ask.ts';
import { promise } from './promise.ts';

promise(
  'replay.whatever',
  {
    says: "whatever a model says, its output is taken back by id and in Codex's, the AI SDK's and pydantic-ai's way of sending it, and goes to the model's server in a form that any takes",
    source: 'docs/edge-cases.md: 21 (vllm#54224)',
  },
  async (door) => {
    // Of more seeds: `thorough/round-trip.test.ts`, without a door.
    const protocols = ['chat', 'responses', 'anthropic'] as const;
    const followUps = await Promise.all(protocols.map((protocol, seed) => takesBack(door, protocol, seed)));
    for (const count of followUps) assert.ok(count > 4, `${followUps} follow-ups`);
  },
);

promise(
  'replay.odd-names',
  {
    says: 'a call whose name holds control markers of its format, or a namespace as code has it, is one of the tool that is meant; a name that no tool has is given out as one that clients may send back',
    source: 'clients: the names of functions that they may send',
  },
  async (door) => {
    const query = { type: 'function', name: 'query' };
    const tools = [
      { type: 'function', name: 'f' },
      { type: 'namespace', name: 'db', description: '', tools: [query] },
    ];
    for (const [written, name, namespace] of [
      ['f<|channel|>commentary', 'f'],
      ['f<|constrain|>json', 'f'],
      ['commentary to=functions.f', 'f'],
      ['functions.f:0', 'f'],
      ['db.query', 'query', 'db'],
      ['<|channel|>', '__channel__'],
      ['a.b', 'a_b'],
      ['x'.repeat(70), 'x'.repeat(64)],
    ] as const) {
      const model = door.model.script(callsFunctions({ name: written, args: '{}', id: 'c1' }), says('ok'));
      const { output } = await create(door, { model, tools });
      const [call] = output;
      assert.ok(call?.type === 'function_call', written);
      assert.deepEqual([call.name, call.namespace], [name, namespace], written);
      const answer = { type: 'function_call_output', call_id: 'c1', output: 'done' };
      await create(door, { model, tools, input: [{ role: 'user', content: 'Hi' }, ...output, answer] });
    }
  },
);
