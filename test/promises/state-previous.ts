import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import { type Script, says } from '../support/model/scripted.ts';
import { create, stream, unprocessable } from './ask.ts';
import { NEEDS_LIVE, promise } from './promise.ts';
import { begin, longReply, turnRefused, until } from './state-ask.ts';

const param = 'previous_response_id';
const notFound = { status: 400, code: 'previous_response_not_found', param };
const notUsable = (message: RegExp) => ({ status: 400, code: 'previous_response_not_usable', param, message });

promise(
  'previous.unknown',
  {
    says: 'an unknown previous_response_id is 400 previous_response_not_found',
    source: 'docs/edge-cases.md: 3 (Bamboo-agent#513)',
  },
  async (door) => {
    const ids = [
      '',
      'x'.repeat(3000),
      'resp_nobody',
      `resp_${'0'.repeat(48)}`,
      'a/../b',
      'resp_\u0000',
      '👍 \ud800',
      "'; DROP TABLE items --",
    ];
    for (const id of ids) {
      await turnRefused(door, { [param]: id }, notFound);
      await turnRefused(door, { [param]: id, stream: true, store: false }, notFound);
    }
  },
);

promise(
  'previous.unstored',
  { says: 'a response with store: false cannot be continued', source: 'docs/edge-cases.md: 3 (smg#916)' },
  async (door) => {
    const { id } = await create(door, { model: door.model.script(says('Hello')), store: false });
    await turnRefused(door, { [param]: id }, notFound);
  },
);

promise(
  'previous.running',
  { says: 'a running response cannot be continued until it has ended', source: 'docs/state.md' },
  async (door) => {
    const { script, begun, release } = longReply();
    const running = await begin(door, { model: door.model.script(script) });
    await begun;
    await turnRefused(door, { [param]: running.id }, notUsable(/in_progress/));
    release();
    await running.whole;
    await create(door, { model: door.model.script(says('now')), [param]: running.id });
  },
  NEEDS_LIVE,
);

promise('previous.failed', { says: 'a failed response cannot be continued', source: 'docs/state.md' }, async (door) => {
  const breaksOff: Script = async (turn) => {
    await turn.text('Hel');
    await turn.sleep(5);
    turn.cut();
  };
  const { final } = await stream(door, { model: door.model.script(breaksOff) });
  assert.equal(final.status, 'failed');
  await turnRefused(door, { [param]: final.id }, notUsable(/failed/));
});

promise(
  'previous.cancelled',
  { says: 'a cancelled response cannot be continued', source: 'docs/state.md' },
  async (door) => {
    const { script, begun } = longReply();
    const running = await begin(door, { model: door.model.script(script) });
    await begun;
    running.leave();
    const model = door.model.script(says('never'));
    await until(async () => {
      const reply = await post(door, { model, input: 'Hi', [param]: running.id });
      return !(await reply.text()).includes('in_progress');
    });
    await turnRefused(door, { [param]: running.id }, notUsable(/cancelled/));
  },
  NEEDS_LIVE,
);

promise(
  'previous.type',
  { says: 'a previous_response_id that is no string is 422', source: 'openai 7.57.0 types: ResponseCreateParams' },
  async (door) => {
    for (const value of [7, true, {}, ['resp_1']]) await unprocessable(door, { [param]: value }, param);
  },
);

promise(
  'previous.with-conversation',
  {
    says: 'previous_response_id and conversation together are 400',
    source: 'docs/edge-cases.md: 8 (praxis-proxy/ai#840)',
  },
  async (door) => {
    const { id } = await create(door, { model: door.model.script(says('Hello')) });
    for (const previous of [id, 'resp_nobody']) {
      for (const conversation of ['conv_nobody', { id: 'conv_nobody' }]) {
        await turnRefused(door, { [param]: previous, conversation }, { status: 400, code: null, param });
      }
    }
  },
);
