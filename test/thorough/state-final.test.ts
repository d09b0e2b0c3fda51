import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { ask, begin, contents, conversation, longReply, stored, until } from '../promises/state-ask.ts';
import { post } from '../support/doors/door.ts';
import type { InProcess } from '../support/doors/in-process.ts';
import { newFolder } from '../support/folder.ts';
import { says, startScriptedModel } from '../support/model/scripted.ts';
import { processes } from '../support/processes.ts';
import { startCommand, writeConfig } from '../support/product.ts';

const STOPPED = { code: 'server_error', message: 'The server that made this response has stopped.' };
const key = 'a key';

/** A way in which another client learns that nobody makes a turn any more. */
type Learns = (door: InProcess, turn: Awaited<ReturnType<typeof beginTurn>>) => Promise<boolean>;

const ways: Record<string, Learns> = {
  'reads it': async (door, { id }) => (await stored(door, id)).status === 'failed',
  'goes on from it': async (door, { id, model }) => {
    const reply = await post(door, { model, input: 'Hi', previous_response_id: id });
    return (await reply.text()).includes('previous_response_id names is failed');
  },
  'takes its conversation': async (door, { conversation, model }) =>
    (await post(door, { model, input: 'mine', conversation })).ok,
  'adds to its conversation': async (door, { conversation }) => {
    const items = [{ role: 'user', content: 'mine' }];
    return (await ask(door, 'POST', `/v1/conversations/${conversation}/items`, { items })).ok;
  },
  'asks again with its key': async (door, { body }) =>
    (await post(door, body, { headers: { 'idempotency-key': key } })).ok,
  'ends what has died': async (door, { id }) => {
    await door.sweep();
    return (await stored(door, id)).status === 'failed';
  },
};

/** A turn that is being made by the first process, in a conversation and with a key. */
async function beginTurn(first: InProcess) {
  const { script, release } = longReply('Hel');
  const id = await conversation(first);
  const body = { model: first.model.script(script, says('yours')), input: 'Hi', conversation: id };
  const { id: response, whole } = await begin(first, body, { 'idempotency-key': key });
  return {
    conversation: id,
    id: response,
    body: { ...body, stream: true },
    model: first.model.script(says('mine')),
    whole,
    release,
  };
}

describe('failed is final', { concurrency: 4 }, () => {
  for (const [way, learns] of Object.entries(ways)) {
    test(`a turn that has failed for a client who ${way} stays so when its process wakes up`, async (t) => {
      const { first, second, pause, goOn } = await processes(t);
      const turn = await beginTurn(first);
      pause();
      await until(() => learns(second, turn));
      const failed = await stored(second, turn.id);
      assert.deepEqual([failed.status, failed.error], ['failed', STOPPED]);
      turn.release();
      goOn();
      const { events, final } = await turn.whole;
      assert.deepEqual(
        events.slice(-2).map(({ type }) => type),
        ['error', 'response.failed'],
      );
      assert.deepEqual(final, failed, 'its client hears what others have read');
      for (const door of [first, second]) assert.deepEqual(await stored(door, turn.id), failed);
      assert.ok(!(await contents(second, turn.conversation)).includes('user: Hi'));
    });
  }
});

/** Sets the clock of this machine forward, or back; that of `performance` goes on. */
function jump(t: TestContext, by: number): void {
  const { now } = Date;
  Date.now = () => now() + by;
  t.after(() => {
    Date.now = now;
  });
}

for (const [what, by] of [
  ['forward', 3_600_000],
  ['back', -3_600_000],
] as const) {
  test(`a clock that is set ${what} ends no turn, and a process that dies then is found out`, async (t) => {
    const { first, second, die } = await processes(t);
    const living = longReply('Hel');
    const dying = longReply('Hel');
    const turn = await begin(first, { model: first.model.script(living.script) });
    const other = await begin(first, { model: first.model.script(dying.script) });
    jump(t, by);
    for (let looks = 0; looks < 30; looks++) {
      await second.sweep();
      assert.equal((await stored(second, turn.id)).status, 'in_progress');
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    living.release();
    assert.equal((await turn.whole).final.status, 'completed');
    die();
    await until(async () => (await stored(second, other.id)).status === 'failed');
    dying.release();
    assert.equal((await other.whole).final.status, 'failed');
  });
}

test('a process that is stopped by a signal, and goes on, tells its client what others have read', async (t) => {
  const dir = newFolder();
  const model = await startScriptedModel();
  const models = [{ match: '*', backend: 'chat', url: model.url }];
  const config = await writeConfig(dir, { database: `sqlite:${dir}/a.db`, models, limits: { lease: '500ms' } });
  const flags = ['-no-envoy', '-log-level', 'error', '-config', config];
  const [one, two] = [await startCommand(flags), await startCommand(flags)];
  t.after(async () => {
    for (const product of [one, two]) {
      product.kill('SIGCONT');
      product.kill('SIGKILL');
      await product.exited;
    }
    await model.close();
  });
  const { script, release } = longReply('Hel');
  const at = (product: typeof one) => ({
    fetch: (path: string, init?: RequestInit) => fetch(product.http + path, init),
  });
  const turn = await begin(at(one), { model: model.script(script) });
  one.kill('SIGSTOP');
  const get = (product: typeof one) => stored(at(product), turn.id);
  await until(async () => (await get(two)).status === 'failed');
  one.kill('SIGCONT');
  release();
  const { final } = await turn.whole;
  assert.equal(final.status, 'failed');
  for (const product of [one, two]) assert.deepEqual(await get(product), final);
});
