import assert from 'node:assert/strict';
import type OpenAI from 'openai';
import type { Door } from '../support/doors/door.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { create } from './ask.ts';
import { ended } from './background.ts';
import { NEEDS_HEADERS, NEEDS_TEST_TOOL, promise } from './promise.ts';
import { contents, conversation, modelInput } from './state-ask.ts';

type Output = OpenAI.Responses.Response['output'];

const SUMMARY = 'user: Summary of the conversation so far:\n\nThey said hello.';
const userMessage = { type: 'message', id: 'msg_u1', role: 'user', content: 'Hello.' };
const question = { role: 'user', content: 'And now?' };

promise(
  'compaction.after',
  {
    says: 'after a compaction turns go on in the background, too, and with tools that are searched for',
    source: 'docs/compaction.md',
  },
  async (door) => {
    const model = door.model.script(says('They said hello.'), says('Fine.'), says('Well.'));
    const tools = [{ type: 'function', name: 'f', defer_loading: true }, { type: 'tool_search' }];
    const { id } = await create(door, { model, input: [userMessage, { type: 'compaction_trigger' }] });
    const second = await create(door, { model, previous_response_id: id, input: 'And now?', background: true });
    assert.equal((await ended(door, second.id)).status, 'completed');
    await create(door, { model, previous_response_id: second.id, input: 'And then?', tools });
    const lines = modelInput(door, model).filter((line) => !line.startsWith('system'));
    assert.deepEqual(lines, [SUMMARY, 'user: And now?', 'assistant: Fine.', 'user: And then?']);
  },
  NEEDS_HEADERS,
);

/** Ways to send items of the conversation again, and the lines that the model reads for each. */
const repeatedInputs: [(output: Output) => object[], string[]][] = [
  [([first]) => [{ type: 'item_reference', id: first?.id }], ['assistant: Hello, you.']],
  [(output) => [userMessage, ...output], ['user: Hello.', 'assistant: Hello, you.']],
  [
    // More than one statement asks for at a time.
    ([first]) => [...Array.from({ length: 120 }, (_, n) => ({ ...userMessage, id: `msg_n${n}` })), { ...first }],
    [...Array.from({ length: 120 }, () => 'user: Hello.'), 'assistant: Hello, you.'],
  ],
];

/** A conversation of one turn that the next turn compacts, after its own answer if it has one; `output` is that of the first. */
async function compactedConversation(door: Door, model: string, how: object): Promise<{ id: string; output: Output }> {
  const id = await conversation(door);
  const { output } = await create(door, { model, conversation: id, input: [userMessage] });
  await create(door, { model, conversation: id, ...how });
  return { id, output };
}

const ways: object[] = [
  { input: [{ type: 'compaction_trigger' }] },
  { input: 'x'.repeat(6_000), context_management: [{ type: 'compaction', compact_threshold: 1_000 }] },
];

promise(
  'compaction.repeats',
  {
    says: 'what a client repeats, or refers to, of what was summed up is shown to the model, and kept once',
    source: 'openai 7.57.0 types: ItemReference',
  },
  async (door) => {
    for (const how of ways) {
      for (const [repeats, shown] of repeatedInputs) {
        const answer = 'context_management' in how ? [says('That is long.')] : [];
        const model = door.model.script(says('Hello, you.'), ...answer, says('They said hello.'), says('Fine.'));
        const { id, output } = await compactedConversation(door, model, how);
        const before = await contents(door, id);
        const input = [...repeats(output), question];
        await create(door, { model, conversation: id, input });
        assert.deepEqual(modelInput(door, model).slice(-shown.length - 1), [...shown, 'user: And now?']);
        assert.equal(modelInput(door, model)[0], SUMMARY);
        const fresh = shown.length > 100 ? shown.slice(0, -1) : [];
        assert.deepEqual(
          await contents(door, id),
          [...before, ...fresh, 'user: And now?', 'assistant: Fine.'].slice(0, 100),
        );
      }
    }
  },
  NEEDS_HEADERS,
);

promise(
  'compaction.repeats-background',
  { says: 'so it is in the background, where a turn is planned anew', source: 'docs/state.md' },
  async (door) => {
    const add = callsFunctions({ name: 'add', args: '{"a":1,"b":2}' });
    const model = door.model.script(says('Hello, you.'), says('They said hello.'), add, says('Fine.'));
    const { id, output } = await compactedConversation(door, model, { input: [{ type: 'compaction_trigger' }] });
    const before = await contents(door, id);
    const input = [userMessage, ...output, question];
    const tools = [{ type: 'test_tool' }];
    const begun = await create(door, { model, conversation: id, input, tools, background: true });
    assert.equal((await ended(door, begun.id)).status, 'completed');
    assert.deepEqual(modelInput(door, model).slice(0, 4), [
      SUMMARY,
      'user: Hello.',
      'assistant: Hello, you.',
      'user: And now?',
    ]);
    const { data } = await door.client.responses.inputItems.list(begun.id);
    assert.equal(data.length, 1);
    assert.deepEqual((await contents(door, id)).slice(0, before.length + 1), [...before, 'user: And now?']);
  },
  { ...NEEDS_HEADERS, ...NEEDS_TEST_TOOL },
);
