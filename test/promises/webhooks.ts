import assert from 'node:assert/strict';
import { type Door, testWebhookSecret } from '../support/doors/door.ts';
import { replies, says, sends } from '../support/model/scripted.ts';
import { create } from './ask.ts';
import { begin, ended } from './background.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { have, longReply, until } from './state-ask.ts';

/** The webhook of a response, verified by the official client. */
async function deliveryOf(door: Door, id: string) {
  const found = () => door.model.hooks.find(({ body }) => body.includes(id));
  await until(async () => found() !== undefined);
  const { headers, body } = found() ?? assert.fail('it was delivered');
  return door.client.webhooks.unwrap(body, new Headers(headers as Record<string, string>), testWebhookSecret);
}

promise(
  'webhooks.signed',
  {
    says: 'every end of a background response is delivered, signed so that webhooks.unwrap verifies it',
    source: 'docs/background.md',
  },
  async (door) => {
    const { script, begun } = longReply();
    const cancelled = await begin(door, script);
    await begun;
    await have(door, 'POST', `/v1/responses/${cancelled.id}/cancel`);
    const ends = {
      cancelled,
      completed: await begin(door, says('ok')),
      failed: await begin(door, replies(500, 'no')),
      incomplete: await begin(door, sends([{ content: 'Hel' }], 'length')),
    };
    for (const [status, { id }] of Object.entries(ends)) {
      assert.equal((await ended(door, id)).status, status);
      const event = await deliveryOf(door, id);
      assert.match(event.id, /^evt_\w+$/);
      assert.ok(Math.abs(event.created_at - Date.now() / 1000) < 60);
      const { id: _, created_at: __, ...rest } = event;
      assert.deepEqual(rest, { object: 'event', type: `response.${status}`, data: { id } });
    }
  },
  NEEDS_HEADERS,
);

promise(
  'webhooks.foreground',
  { says: 'a foreground response has no webhook', source: 'docs/background.md' },
  async (door) => {
    const { id } = await create(door, { model: door.model.script(says('ok')) });
    const later = await begin(door, says('ok'));
    await deliveryOf(door, later.id);
    assert.ok(!door.model.hooks.some(({ body }) => body.includes(id)));
  },
);
