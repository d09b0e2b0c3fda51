import assert from 'node:assert/strict';
import { type Door, post } from '../support/doors/door.ts';
import { replies } from '../support/model/scripted.ts';
import { create } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { conversation, longReply } from './state-ask.ts';

/** Asserts that a reply is an error with this `x-should-retry`; null for none. */
async function shouldRetry(reply: Response, status: number, header: string | null): Promise<void> {
  assert.equal(reply.status, status, await reply.text());
  assert.equal(reply.headers.get('x-should-retry'), header, `${status}`);
}

const broken = (door: Door, status: number) => door.model.script(replies(status, {}));

promise(
  'retry.never',
  { says: 'what trying again cannot mend says so: x-should-retry is false', source: 'docs/errors.md' },
  async (door) => {
    await shouldRetry(await post(door, '{'), 400, 'false');
    await shouldRetry(await post(door, '[]'), 422, 'false');
    await shouldRetry(await post(door, {}), 422, 'false');
    await shouldRetry(await post(door, { model: 'nobody-knows', input: 'Hi' }), 404, 'false');
    await shouldRetry(
      await post(door, { model: 'demo', input: 'Hi', previous_response_id: 'resp_none' }),
      400,
      'false',
    );
    await shouldRetry(await post(door, ' '.repeat(32 * 1024 * 1024 + 1)), 413, 'false');
    const overflow = door.model.script(replies(400, { error: { code: 'context_length_exceeded' } }));
    await shouldRetry(await post(door, { model: overflow, input: 'Hi' }), 400, 'false');
    await shouldRetry(await post(door, { model: broken(door, 401), input: 'Hi' }), 500, 'false');
  },
);

promise(
  'retry.never-by-path',
  { says: 'so do unknown paths, methods and encodings', source: 'docs/errors.md' },
  async (door) => {
    await shouldRetry(await door.fetch('/v1/nothing'), 404, 'false');
    await shouldRetry(await door.fetch('/v1/responses/resp_none'), 404, 'false');
    await shouldRetry(await door.fetch('/v1/responses', { method: 'PUT' }), 405, 'false');
    await shouldRetry(await post(door, '{}', { headers: { 'content-type': 'text/plain' } }), 415, 'false');
    await shouldRetry(await post(door, 'x', { headers: { 'content-encoding': 'zstd' } }), 400, 'false');
  },
  NEEDS_HEADERS,
);

promise(
  'retry.perhaps',
  { says: 'a rate limit, and a backend that is down, leave it to the client', source: 'docs/errors.md' },
  async (door) => {
    await shouldRetry(await post(door, { model: broken(door, 429), input: 'Hi' }), 429, null);
    await shouldRetry(await post(door, { model: broken(door, 500), input: 'Hi' }), 500, null);
    await shouldRetry(await post(door, { model: 'down', input: 'Hi' }), 500, null);
  },
);

promise(
  'retry.perhaps-later',
  { says: 'so does a conversation that is locked', source: 'docs/errors.md' },
  async (door) => {
    const id = await conversation(door);
    const { script, begun, release } = longReply();
    const model = door.model.script(script);
    const running = create(door, { model, conversation: id });
    await begun;
    await shouldRetry(await post(door, { model: 'demo', input: 'Hi', conversation: id }), 400, null);
    release();
    await running;
  },
  NEEDS_HEADERS,
);
