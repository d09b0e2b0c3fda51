import assert from 'node:assert/strict';
import type { Json } from '../support/accumulate.ts';
import { post } from '../support/doors/door.ts';
import { hangs, type Script, says, type Turn } from '../support/model/scripted.ts';
import { messageEvents } from '../support/model/scripted-messages.ts';
import { encoded, eventsOf } from '../support/model/scripted-responses.ts';
import { callOf, refuses, stream } from './ask.ts';
import { promise } from './promise.ts';

/** Between two words, in milliseconds: far less than silence may last. */
const PAUSE = 300;

promise(
  'limit.idle-at-once',
  { says: 'a backend that is silent from the start is given up: 500', source: 'docs/limits.md' },
  async (door) => {
    const model = door.model.script(hangs('').script);
    await refuses(await post(door, { model, input: 'Hi' }), { status: 500, code: 500, message: /silent/ });
    await callOf(door, model).closed;
  },
);

promise(
  'limit.idle-midway',
  { says: 'a backend that falls silent is given up: one terminal event', source: 'docs/limits.md' },
  async (door) => {
    const model = door.model.script(hangs('Hel').script);
    const { final } = await stream(door, { model });
    assert.equal(final.status, 'failed');
    assert.match(final.error?.message ?? '', /silent/);
    assert.partialDeepStrictEqual(final.output, [{ status: 'incomplete', content: [{ text: 'Hel' }] }]);
    await callOf(door, model).closed;
  },
);

promise(
  'limit.idle-spoken',
  { says: 'a slow backend that speaks now and then is not given up', source: 'docs/configuration.md' },
  async (door) => {
    const model = door.model.script(async (turn) => {
      // Longer in all than silence may last.
      for (let word = 0; word < 16; word++) {
        await turn.text('x');
        await turn.sleep(PAUSE);
      }
      await turn.finish();
    });
    const { final } = await stream(door, { model });
    assert.equal(final.status, 'completed');
  },
);

const INPUT = 'a patch of many words that takes the model longer to write than silence may last';

/** Sends events, and waits before each that is a piece of a call. */
async function slowly(turn: Turn, events: readonly Json[]): Promise<void> {
  for (const event of events) {
    if (/delta$/.test(event.type) && (event.delta.partial_json ?? event.delta)) await turn.sleep(PAUSE);
    await turn.raw(encoded(event));
  }
  turn.end();
}

/** Writes a call of this name in pieces. */
const writes = (name: string, args: string): Script => {
  return async (turn) => {
    await turn.delta({ tool_calls: [{ index: 0, id: 'c1', function: { name, arguments: '' } }] });
    for (const piece of args.split(/(?= )/)) {
      await turn.sleep(PAUSE);
      await turn.delta({ tool_calls: [{ index: 0, function: { arguments: piece } }] });
    }
    await turn.finish('tool_calls');
  };
};

promise(
  'limit.idle-writing',
  {
    says: 'nor is one whose model writes for long what nobody sees until it is whole, in any protocol',
    source: 'clients: Codex writes long patches as custom calls',
  },
  async (door) => {
    const args = JSON.stringify({ input: INPUT });
    const item = { type: 'custom_tool_call', call_id: 'c1', name: 'patch' };
    const [done, ...rest] = eventsOf([{ ...item, input: INPUT }]).reverse();
    const deltas = INPUT.split(/(?= )/).map((delta) => {
      return { type: 'response.custom_tool_call_input.delta', item_id: 'custom_tool_call_0', delta };
    });
    const [whole, ...begun] = rest;
    const native = [...begun.reverse(), ...deltas, whole, done].map((event) => ({ ...event, sequence_number: 0 }));
    const models = [
      door.model.script(writes('patch', args)),
      door.model.native((turn) => slowly(turn, native)),
      door.model.anthropic((turn) =>
        slowly(turn, messageEvents([{ type: 'tool_use', id: 'c1', name: 'patch', input: args }])),
      ),
    ];
    const tools = [{ type: 'custom', name: 'patch' }];
    const search = { tools: [{ type: 'tool_search' }, { type: 'function', name: 'f', defer_loading: true }] };
    const searching = stream(door, {
      model: door.model.script(writes('tool_search', JSON.stringify({ query: INPUT })), says('ok')),
      ...search,
    });
    for (const { final } of await Promise.all(models.map((model) => stream(door, { model, tools })))) {
      assert.equal(final.status, 'completed', final.error?.message);
      assert.partialDeepStrictEqual(final.output, [{ ...item, input: INPUT }]);
    }
    const { final } = await searching;
    assert.equal(final.status, 'completed', final.error?.message);
  },
);

/** Speaks for ever, a word at a time. */
const babbles: Script = async (turn) => {
  let open = true;
  turn.closed.then(() => {
    open = false;
  });
  while (open) {
    await turn.text('x');
    await turn.sleep(100);
  }
};

promise(
  'limit.turn',
  { says: 'a turn past its deadline is given up: 500, one terminal event', source: 'docs/limits.md' },
  async (door) => {
    const model = door.model.script(babbles);
    const [reply, { final }] = await Promise.all([post(door, { model, input: 'Hi' }), stream(door, { model })]);
    await refuses(reply, { status: 500, code: 500, message: /longer than/ });
    assert.equal(final.status, 'failed');
    assert.match(final.error?.message ?? '', /longer than/);
    for (const call of door.model.calls(model)) await call.closed;
  },
);

/** Says 2 MiB, more than the reply may be. */
const floods: Script = async (turn) => {
  for (let piece = 0; piece < 32; piece++) await turn.text('x'.repeat(64 * 1024));
  await turn.finish();
};

promise(
  'limit.reply',
  { says: 'a reply past its limit is given up: 500', source: 'docs/configuration.md' },
  async (door) => {
    const model = door.model.script(floods);
    await refuses(await post(door, { model, input: 'Hi' }), { status: 500, code: 500, message: /reply grew larger/ });
    await callOf(door, model).closed;
  },
);

promise(
  'limit.reply-streamed',
  {
    says: 'a streamed reply past its limit is given up: one terminal event',
    source: 'docs/configuration.md',
  },
  async (door) => {
    const model = door.model.script(floods);
    const { final } = await stream(door, { model });
    assert.equal(final.status, 'failed');
    assert.match(final.error?.message ?? '', /reply grew larger/);
    await callOf(door, model).closed;
  },
);
