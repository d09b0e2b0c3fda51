import assert from 'node:assert/strict';
import { type Door, post } from '../support/doors/door.ts';
import { says } from '../support/model/scripted.ts';
import { NEEDS_SOCKET, withSocket } from '../support/socket.ts';
import { refuses } from './ask.ts';
import { promise, type Skips } from './promise.ts';

// `limits` of the entries of `models` under test: a minute may end in between, and a new one begin, but no second one.
const REQUESTS = 3;
const TRIES = 2 * REQUESTS + 1;
const TOKENS = 120;

const source = 'OpenAI: Rate limits';

const NEEDS_LIMITS: Skips = {
  workerd: 'workerd-limits.test.ts tries it: the worker as it is deployed carries no limits',
};

/** What is left, by OpenAI's headers. */
function left({ headers }: Response, kind: 'requests' | 'tokens'): number {
  assert.match(headers.get(`x-ratelimit-reset-${kind}`) ?? '', /^([1-9]|[1-5]\d|60)s$/);
  return Number(headers.get(`x-ratelimit-remaining-${kind}`) ?? Number.NaN);
}

promise(
  'allowance.requests',
  { says: 'past `requestsPerMinute` a create is 429, and until then headers say what is left', source },
  async (door) => {
    const model = door.model.counting('limited', {}, says('ok'));
    const first = await post(door, { model, input: 'Hi', stream: true });
    assert.equal(first.status, 200);
    assert.equal(first.headers.get('x-ratelimit-limit-requests'), String(REQUESTS));
    assert.equal(left(first, 'requests'), REQUESTS - 1);
    await first.text();
    for (let tries = 1; ; tries++) {
      assert.ok(tries < TRIES, 'it is refused');
      const reply = await post(door, { model, input: 'Hi' });
      if (reply.status === 200) {
        assert.ok(left(reply, 'requests') < REQUESTS);
        await reply.text();
        continue;
      }
      const seconds = Number(reply.headers.get('retry-after'));
      assert.ok(seconds >= 1 && seconds <= 60, String(seconds));
      assert.equal(reply.headers.get('x-should-retry'), 'true');
      assert.equal(left(reply, 'requests'), 0);
      const message =
        /^Rate limit reached: all who use this model, .* may use 3 requests per minute\. Please try again in \d+s\.$/;
      await refuses(reply, { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded', message });
      assert.equal(door.model.calls(model).length, tries, 'the model is not called');
      return;
    }
  },
  NEEDS_LIMITS,
);

promise(
  'allowance.socket',
  {
    says: 'over a WebSocket that is an `error` event with its status and headers, and what it went on from is kept',
    source,
  },
  (door) =>
    withSocket(door, async (socket) => {
      const model = door.model.counting('limited-socket', {}, says('ok'));
      const { final } = await socket.create({ model, store: false });
      for (let tries = 1; ; tries++) {
        assert.ok(tries < TRIES, 'it is refused');
        socket.send({ type: 'response.create', model, input: 'Hi', store: false, previous_response_id: final.id });
        const event = await socket.next();
        if (event.type !== 'error') {
          await socket.events();
          continue;
        }
        const { status, error } = event;
        assert.deepEqual([status, error.type, error.code], [429, 'rate_limit_error', 'rate_limit_exceeded']);
        assert.match(error.headers['retry-after'], /^\d+$/);
        assert.equal(error.headers['x-ratelimit-remaining-requests'], '0');
        break;
      }
      const free = { model: door.model.script(says('ok')), previous_response_id: final.id };
      assert.equal((await socket.create(free)).final.status, 'completed');
    }),
  { ...NEEDS_SOCKET, ...NEEDS_LIMITS },
);

promise(
  'allowance.tokens',
  {
    says: '`tokensPerMinute` counts what servers say, and what is larger than all of it is not to be tried again',
    source,
  },
  async (door) => {
    const model = door.model.counting('frugal', {}, says('ok'));
    const reply = await post(door, { model, input: 'Hi' });
    const { usage } = (await reply.json()) as { usage: { total_tokens: number } };
    assert.equal(reply.headers.get('x-ratelimit-limit-tokens'), String(TOKENS));
    assert.equal(left(reply, 'tokens'), TOKENS - usage.total_tokens);
    const large = await post(door, { model, input: 'a lot '.repeat(TOKENS) });
    assert.deepEqual([large.headers.get('x-should-retry'), large.headers.get('retry-after')], ['false', null]);
    const message = /^Request too large: .* may use 120 tokens per minute, and this one needs some \d{3}\.$/;
    await refuses(large, { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded', message });
    await isRefusedInTheEnd(door, model);
  },
  NEEDS_LIMITS,
);

/** Asks until what is left is less than a turn is estimated to need. */
async function isRefusedInTheEnd(door: Door, model: string): Promise<void> {
  const most = (2 * TOKENS) / 18 + 2;
  for (let tries = 0; tries < most; tries++) {
    const reply = await post(door, { model, input: 'Hi' });
    await reply.text();
    if (reply.status === 429) return;
  }
  assert.fail('it is refused');
}
