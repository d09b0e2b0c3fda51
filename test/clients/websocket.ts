import assert from 'node:assert/strict';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { heard } from './heard.ts';
import { CALL, ROUND, type Stage } from './scenarios.ts';

/** A chain of unstored responses over one WebSocket: a warm-up, a call of a function, and what comes of it. */
export async function websocket({ door, start }: Stage): Promise<void> {
  const { model, client } = start(callsFunctions(CALL), says('Warm.'));
  const errors = ['previous_response_not_found'];
  assert.deepEqual(await client.outcome, { result: { text: 'Warm.', errors } });
  assert.deepEqual(heard(door, model), ['user: Weather?', ...ROUND]);
  const sent = door.sent(model);
  assert.ok(sent.every(({ method }) => method === 'WebSocket'));
  assert.deepEqual(
    sent.map(({ body }) => body.generate ?? true),
    [false, true, true, true],
  );
}
