import assert from 'node:assert/strict';
import type { Door } from '../support/doors/door.ts';
import type { Script } from '../support/model/scripted.ts';
import { sendsMessage } from '../support/model/scripted-messages.ts';
import { sendsEvents } from '../support/model/scripted-responses.ts';
import { create, fails, stream } from './ask.ts';
import { promise } from './promise.ts';

const tools = [{ type: 'function', name: 'f' }];
const OSLO = '{"city":"Oslo"}';
const BERGEN = '{"city":"Bergen"}';
const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

/** A model of each protocol that calls `f` twice, and does not tell the calls apart as its protocol has it. */
function callingTwice(door: Door): string[] {
  const block = (id: string, partial_json: string) => [
    { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id, name: 'f', input: {} } },
    { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json } },
    { type: 'content_block_stop', index: 0 },
  ];
  const item = { type: 'function_call', name: 'f', arguments: '' };
  const delta = 'response.function_call_arguments.delta';
  return [
    door.model.script(async (turn) => {
      for (const [id, args] of Object.entries({ a: OSLO, b: BERGEN })) {
        await turn.delta({ tool_calls: [{ index: 0, id, function: { name: 'f', arguments: args } }] });
      }
      await turn.finish('tool_calls');
    }),
    door.model.anthropic(
      sendsMessage([
        ...block('a', OSLO),
        ...block('b', BERGEN),
        { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: {} },
        { type: 'message_stop' },
      ]),
    ),
    door.model.native(
      sendsEvents([
        { type: 'response.output_item.added', output_index: 0, item: { ...item, id: 'i1', call_id: 'a' } },
        { type: 'response.output_item.added', output_index: 1, item: { ...item, id: 'i2', call_id: 'b' } },
        { type: delta, output_index: 1, item_id: 'i3', delta: BERGEN },
        { type: delta, output_index: 0, item_id: 'i4', delta: OSLO },
        { type: 'response.completed', response: { status: 'completed', output: [] } },
      ]),
    ),
  ];
}

promise(
  'backend.calls-apart',
  {
    says: 'calls are told apart by index, id, name and whole arguments together, as far as a server gives them',
    source: 'docs/backends.md',
  },
  async (door) => {
    for (const model of callingTwice(door)) {
      const expected = [
        { type: 'function_call', call_id: 'a', name: 'f', arguments: OSLO, status: 'completed' },
        { type: 'function_call', call_id: 'b', name: 'f', arguments: BERGEN, status: 'completed' },
      ];
      assert.partialDeepStrictEqual((await create(door, { model, tools })).output, expected);
      assert.partialDeepStrictEqual((await stream(door, { model, tools })).final.output, expected);
    }
  },
);

promise(
  'backend.gave-up',
  {
    says: 'an answer that its server gave up is a failure, whatever the word for that, and its open call is incomplete',
    source: 'docs/backends.md',
  },
  async (door) => {
    for (const reason of ['abort', 'network_error', 'MALFORMED_FUNCTION_CALL']) {
      const gaveUp: Script = async (turn) => {
        await turn.delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{"city":"Os' } }] });
        await turn.finish(reason);
      };
      const { streamed } = await fails(door, gaveUp, { status: 500, code: 500 });
      assert.partialDeepStrictEqual(streamed.final.output, [{ type: 'function_call', status: 'incomplete' }]);
    }
  },
);

promise(
  'backend.not-understood',
  { says: 'an answer of which nothing was understood is a failure, and never empty', source: 'docs/backends.md' },
  async (door) => {
    const said = [{ content: [{ type: 'hologram', data: 'x' }] }, { hologram_content: 'x' }];
    for (const delta of said) {
      const strange: Script = async (turn) => {
        await turn.delta(delta);
        await turn.finish();
      };
      await fails(door, strange, { status: 500, code: 500 });
    }
    const { output } = await create(door, { model: door.model.script((turn) => turn.finish()) });
    assert.deepEqual(output, [], 'what says nothing is understood');
  },
);

promise(
  'backend.after-end',
  {
    says: 'what comes after the end of an answer spoils nothing: a reset, an error, a connection that stays open',
    source: 'docs/backends.md',
  },
  async (door) => {
    const after: Record<string, Script> = {
      reset: (turn) => turn.cut(),
      error: (turn) => turn.raw('data: {"error":{"message":"too late","code":500}}\n\n'),
      open: async (turn) => {
        await turn.closed;
      },
    };
    await Promise.all(
      Object.entries(after).map(async ([name, then]) => {
        const model = door.model.script(async (turn) => {
          await turn.text('Hi');
          await turn.delta({}, 'stop');
          await turn.raw(`data: ${JSON.stringify({ choices: [], usage: USAGE })}\n\n`);
          await turn.sleep(20); // a reset takes along what is on its way
          await then(turn);
        });
        const { final } = await stream(door, { model });
        assert.equal(final.status, 'completed', name);
        assert.equal(final.usage?.total_tokens, 15, name);
        assert.partialDeepStrictEqual(final.output, [{ content: [{ text: 'Hi' }] }]);
      }),
    );
  },
);
