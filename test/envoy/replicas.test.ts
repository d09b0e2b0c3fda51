import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEnvoy } from '../../envoy/run.ts';
import { serveGrpc } from '../../shim/server.ts';
import { freePort } from '../support/ports.ts';
import { startReplicas } from '../support/replicas.ts';

const COUNT = 4;

/** Clients at a time; so many requests are in flight when a process is killed. */
const CLIENTS = 24;

for (const mode of ['streamed', 'buffered', 'original'] as const) {
  test(`x-session-affinity keeps to one of four processes, without it they share: ${mode}`, async (t) => {
    const limits = { body: 1024 * 1024, reply: 1024 * 1024, time: 60_000 };
    const held = Promise.withResolvers<void>();
    const processors = await Promise.all(
      Array.from({ length: COUNT }, async (_, index) => {
        const fetch = async (request: Request) => {
          if (request.url.endsWith('held')) await held.promise;
          return new Response(`${index}`);
        };
        const grpc = await serveGrpc({ address: `127.0.0.1:${await freePort()}`, fetch, limits, log: () => {} });
        t.after(grpc.close);
        return { grpcPort: grpc.port };
      }),
    );
    const envoy = await startEnvoy({ mode, envoyPort: await freePort(), processors });
    t.after(envoy.stop);
    // The original mode serves what has a body alone.
    const ask = async (value?: string, path = '/v1/responses') => {
      const headers = {
        'content-type': 'application/json',
        ...(value !== undefined && { 'x-session-affinity': value }),
      };
      const reply = await fetch(`${envoy.origin}${path}`, { method: 'POST', headers, body: '{}' });
      assert.equal(reply.status, 200);
      return reply.text();
    };
    const several = async (times: number, value: (n: number) => string | undefined) => {
      const seen = new Set<string>();
      for (let n = 0; n < times; n++) seen.add(await ask(value(n)));
      return seen.size;
    };
    for (const value of ['a', 'session/1|2', 'x'.repeat(50_000), '%REQ(authorization)%']) {
      assert.equal(await several(12, () => value), 1, value.slice(0, 30));
    }
    assert.equal(await several(60, (n) => `user-${n}`), COUNT);
    assert.equal(await several(60, () => undefined), COUNT);
    assert.equal(await several(60, () => ''), COUNT);
    if (mode === 'original') return held.resolve(); // it is told one path
    // One value does not have one process do all the work.
    const many = Array.from({ length: 40 }, () => ask('a', '/held'));
    const served = () =>
      envoy.admin('/clusters').then((text) => text.match(/^antiphon::.*rq_active::[1-9]\d*$/gm)?.length ?? 0);
    while ((await served()) < 2) await sleep(10);
    held.resolve();
    assert.ok(new Set(await Promise.all(many)).size > 1);
  });
}

test('one of four processes is killed under load: only what it had in flight fails, and it comes back', async (t) => {
  const replicas = await startReplicas(t, COUNT, { limits: { lease: '1s' } });
  const { origin, model, products } = replicas;
  const name = model.script(async (turn) => {
    for (let n = 0; n < 3; n++) {
      await turn.text('word ');
      await turn.sleep(20);
    }
    await turn.finish();
  });
  const asked: { began: number; failure: string }[] = [];
  const until = Promise.withResolvers<void>();
  let goal = 200;
  let reached = until.resolve;
  let isOver = false;
  const keepAsking = async (stream: boolean) => {
    while (!isOver) {
      const began = performance.now();
      asked.push({ began, failure: await ask(origin, { model: name, input: 'Hi', stream }) });
      if (asked.length >= goal) reached();
    }
  };
  const more = (requests: number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    goal = asked.length + requests;
    reached = resolve;
    return promise;
  };
  const clients = Array.from({ length: CLIENTS }, (_, n) => keepAsking(n % 2 === 0));
  await until.promise;
  products[1]?.kill('SIGKILL');
  await products[1]?.exited;
  const gone = performance.now();
  await more(500);
  await replicas.start(1);
  const isBack = () => replicas.admin('/stats').then((text) => text.includes('cluster.antiphon.membership_healthy: 4'));
  while (!(await isBack())) await sleep(50);
  await more(200);
  isOver = true;
  await Promise.all(clients);
  const failed = asked.filter(({ failure }) => failure !== '');
  t.diagnostic(JSON.stringify({ requests: asked.length, failed: failed.length }));
  assert.ok(failed.length > 0 && failed.length < CLIENTS, 'some were in flight there, and not all');
  assert.deepEqual(
    failed.filter(({ began }) => began > gone),
    [],
  );
  assert.match(products[1]?.stdout() ?? '', /"path":"\/v1\/responses"/);
});

/** What is wrong with the reply; nothing, if it is whole. */
async function ask(origin: string, body: { model: string; input: string; stream: boolean }): Promise<string> {
  try {
    const headers = { 'content-type': 'application/json' };
    const reply = await fetch(`${origin}/v1/responses`, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await reply.text();
    const ending = body.stream ? /response\.completed.*data: \[DONE\]\n\n$/s : /"status":"completed"/;
    return reply.status === 200 && ending.test(text) ? '' : `${reply.status} ${text.slice(-200)}`;
  } catch (error) {
    return String(error);
  }
}
