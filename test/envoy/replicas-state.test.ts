import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '../promises/state-ask.ts';
import { type Script, says } from '../support/model/scripted.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { type Replicas, startReplicas } from '../support/replicas.ts';
import { checkStream, parseStream } from '../support/sse.ts';

/** What is asked of one of the processes: the reply, and its body as JSON. */
interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what was sent without a schema
  body: any;
}

/** A model that says something, and waits. */
function held(): { script: Script; begun: Promise<void>; closed: Promise<void>; release(): void } {
  const [begun, closed, goOn] = [0, 1, 2].map(() => Promise.withResolvers<void>());
  return {
    async script(turn) {
      void turn.closed.then(closed?.resolve);
      await turn.text('one ');
      begun?.resolve();
      await Promise.race([goOn?.promise, turn.closed]);
      await turn.text('two');
      await turn.finish();
    },
    begun: begun?.promise ?? Promise.resolve(),
    closed: closed?.promise ?? Promise.resolve(),
    release: () => goOn?.resolve(),
  };
}

for (const kind of ['SQLite', 'PostgreSQL'] as const) {
  describe(`three processes behind one Envoy, on one ${kind}`, () => {
    let server: PostgresServer | undefined;
    let replicas: Replicas;
    let keys: string[];
    const closers: (() => Promise<void>)[] = [];
    before(async () => {
      if (kind === 'PostgreSQL') server = await startPostgres();
      const config = {
        ...(server && { database: await server.newDatabase() }),
        limits: { lease: '1s' },
        costs: [{ match: 'refusing-*', cel: 'total_tokens' }],
        tenants: { default: { budgets: [{ amount: 30 * 18, window: '30d' }] } },
      };
      replicas = await startReplicas({ after: (close) => closers.unshift(close) }, 3, config);
      keys = await replicas.affinities();
    });
    after(async () => {
      for (const close of closers) await close();
      await server?.stop();
    });

    /** Asks the process with this index. */
    async function at(index: number, method: string, path: string, body?: object, more = {}): Promise<Answer> {
      const { status, headers, text } = await open(index, method, path, body, more);
      return { status, headers, body: JSON.parse(await text) };
    }
    async function open(index: number, method: string, path: string, body?: object, more = {}) {
      const headers = {
        'content-type': 'application/json',
        'x-session-affinity': keys[index] ?? '',
        ...more,
      };
      const reply = await fetch(`${replicas.origin}/v1${path}`, {
        method,
        headers,
        ...(body && { body: JSON.stringify(body) }),
      });
      return { status: reply.status, headers: reply.headers, text: reply.text() };
    }
    const model = (script: Script) => replicas.model.script(script);

    test('what one has made the others read, continue and delete', async () => {
      const first = await at(0, 'POST', '/responses', { model: model(says('Hello')), input: 'Hi' });
      assert.equal(first.status, 200, JSON.stringify(first.body));
      const { id } = first.body;
      assert.deepEqual((await at(1, 'GET', `/responses/${id}`)).body, first.body);
      const name = model(says('Again'));
      const next = await at(2, 'POST', '/responses', { model: name, input: 'And?', previous_response_id: id });
      assert.equal(next.body.status, 'completed', JSON.stringify(next.body));
      const told: { content: string }[] = replicas.model.calls(name)[0]?.body.messages;
      assert.deepEqual(
        told.map(({ content }) => content),
        ['Hi', 'Hello', 'And?'],
      );
      assert.equal((await at(1, 'DELETE', `/responses/${next.body.id}`)).status, 200);
      for (const index of [0, 1, 2]) assert.equal((await at(index, 'GET', `/responses/${next.body.id}`)).status, 404);
    });

    test('a background turn of one is followed by the second and cancelled by the third', async () => {
      const turn = held();
      const { body: queued } = await at(0, 'POST', '/responses', {
        model: model(turn.script),
        input: 'Hi',
        background: true,
      });
      assert.equal(queued.status, 'queued');
      await turn.begun;
      const tail = await open(1, 'GET', `/responses/${queued.id}?stream=true&starting_after=1`);
      const { body: cancelled } = await at(2, 'POST', `/responses/${queued.id}/cancel`);
      assert.equal(cancelled.status, 'cancelled');
      await turn.closed; // the call of the process that has the turn
      const events = await tail.text;
      assert.match(events, /^event: .*\ndata: .*"sequence_number":2[,}]/);
      assert.match(events, /event: response\.failed\n.*"status":"cancelled".*\n\ndata: \[DONE\]\n\n$/);
      assert.equal((await at(0, 'GET', `/responses/${queued.id}`)).body.status, 'cancelled');
    });

    test('the events of a turn of one are read live and again by the others, the same bytes', async () => {
      const turn = held();
      const { body } = await at(0, 'POST', '/responses', { model: model(turn.script), input: 'Hi', background: true });
      await turn.begun;
      const live = await open(1, 'GET', `/responses/${body.id}?stream=true`);
      turn.release();
      const text = await live.text;
      checkStream(parseStream(text));
      assert.match(text, /"text":"one two"/);
      assert.equal(await (await open(2, 'GET', `/responses/${body.id}?stream=true`)).text, text);
    });

    test('a conversation that one has is locked for the others, and free when it has ended', async () => {
      const { body: conversation } = await at(0, 'POST', '/conversations', {});
      const turn = held();
      const ask = (index: number, name: string) =>
        at(index, 'POST', '/responses', { model: name, input: 'Hi', conversation: conversation.id });
      const first = ask(0, model(turn.script));
      await turn.begun;
      for (const index of [1, 2]) {
        const { status, body } = await ask(index, model(says('No')));
        assert.deepEqual([status, body.error?.code], [400, 'conversation_locked'], JSON.stringify(body));
      }
      turn.release();
      assert.equal((await first).body.status, 'completed');
      assert.equal((await ask(2, model(says('Yes')))).body.status, 'completed');
      assert.equal((await at(1, 'GET', `/conversations/${conversation.id}/items`)).body.data.length, 4);
    });

    test('an Idempotency-Key is one for all', async () => {
      const turn = held();
      const name = model(turn.script);
      const ask = (index: number, input = 'Hi') =>
        at(index, 'POST', '/responses', { model: name, input }, { 'idempotency-key': `k-${kind}` });
      const first = ask(0);
      await turn.begun;
      assert.deepEqual((await ask(1)).body.error?.code, 'idempotency_in_progress');
      assert.equal((await ask(2, 'Ho')).status, 422);
      turn.release();
      const made = (await first).body;
      for (const index of [0, 1, 2]) {
        const { headers, body } = await ask(index);
        assert.deepEqual(body, made);
        assert.equal(headers.get('idempotent-replayed'), 'true');
      }
      assert.equal(replicas.model.calls(name).length, 1);
    });

    test('a budget is one for all', async () => {
      const name = replicas.model.refusing(says('Hello')); // 18 tokens
      const statuses: number[] = [];
      for (let n = 0; n < 60; n++) {
        statuses.push((await at(n % 3, 'POST', '/responses', { model: name, input: 'Hi' })).status);
      }
      const made = statuses.filter((status) => status === 200).length;
      assert.ok(made <= 31 && made > 20, `${made} of 30`);
      assert.deepEqual([...new Set(statuses.slice(-9))], [429]);
    });

    test('a background turn whose process is killed goes on in another', async () => {
      const made: number[] = [];
      const name = model(async (call) => {
        made.push(Number(call.headers['x-replica']));
        if (made.length > 1) return says('three')(call);
        await call.closed; // it has said nothing yet
      });
      const { body } = await at(0, 'POST', '/responses', { model: name, input: 'Hi', background: true });
      await until(() => made.length === 1);
      const [first = 0] = made; // mostly the one that was asked, but another may have been looking for work just then
      replicas.products[first]?.kill('SIGKILL');
      const [second = 0, third = 0] = [0, 1, 2].filter((index) => index !== first);
      const tail = await open(second, 'GET', `/responses/${body.id}?stream=true`);
      const text = await tail.text;
      checkStream(parseStream(text));
      assert.match(text, /event: response\.completed/);
      assert.equal((await at(third, 'GET', `/responses/${body.id}`)).body.output[0].content[0].text, 'three');
      assert.notEqual(made[1], first);
      await replicas.start(first);
    });
  });
}
