import assert from 'node:assert/strict';
import { post } from '../doors/door.ts';
import { hangs, type Script } from '../model/scripted.ts';
import { callOf, refuses, stream } from './ask.ts';
import { promise } from './promise.ts';

promise('limit.idle-at-once', async (door) => {
  const model = door.model.script(hangs('').script);
  await refuses(await post(door, { model, input: 'Hi' }), { status: 500, code: 500, message: /silent/ });
  await callOf(door, model).closed;
});

promise('limit.idle-midway', async (door) => {
  const model = door.model.script(hangs('Hel').script);
  const { final } = await stream(door, { model });
  assert.equal(final.status, 'failed');
  assert.match(final.error?.message ?? '', /silent/);
  assert.partialDeepStrictEqual(final.output, [{ status: 'incomplete', content: [{ text: 'Hel' }] }]);
  await callOf(door, model).closed;
});

promise('limit.idle-spoken', async (door) => {
  const model = door.model.script(async (turn) => {
    for (let word = 0; word < 6; word++) {
      await turn.text('x');
      await turn.sleep(200);
    }
    await turn.finish();
  });
  const { final } = await stream(door, { model });
  assert.equal(final.status, 'completed');
});

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

promise('limit.turn', async (door) => {
  const model = door.model.script(babbles);
  const [reply, { final }] = await Promise.all([post(door, { model, input: 'Hi' }), stream(door, { model })]);
  await refuses(reply, { status: 500, code: 500, message: /longer than/ });
  assert.equal(final.status, 'failed');
  assert.match(final.error?.message ?? '', /longer than/);
  for (const call of door.model.calls(model)) await call.closed;
});

/** Says 2 MiB, more than the reply may be. */
const floods: Script = async (turn) => {
  for (let piece = 0; piece < 32; piece++) await turn.text('x'.repeat(64 * 1024));
  await turn.finish();
};

promise('limit.reply', async (door) => {
  const model = door.model.script(floods);
  await refuses(await post(door, { model, input: 'Hi' }), { status: 500, code: 500, message: /reply grew larger/ });
  await callOf(door, model).closed;
});

promise('limit.reply-streamed', async (door) => {
  const model = door.model.script(floods);
  const { final } = await stream(door, { model });
  assert.equal(final.status, 'failed');
  assert.match(final.error?.message ?? '', /reply grew larger/);
  await callOf(door, model).closed;
});
