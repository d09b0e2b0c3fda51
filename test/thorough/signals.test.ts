import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fixedLimits } from '../../handler/index.ts';
import { until } from '../promises/state-ask.ts';
import type { Script } from '../support/model/scripted.ts';
import { startStopping } from '../support/stopping.ts';

/** Much that can go wrong here is something that never comes. */
const LIMIT = { timeout: 30_000 };

/** Says something, and then nothing. */
const silent: Script = async (turn) => {
  await turn.text('made ');
  await turn.closed;
};

/** A product with a stream that does not end, and the text of that. */
async function streaming(t: TestContext, limits: object) {
  const { model, start } = await startStopping(t, ['-no-envoy'], limits);
  const product = await start();
  const ask = () => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ model: model.script(silent), input: 'Hi', stream: true });
    return fetch(`${product.http}/v1/responses`, { method: 'POST', headers, body });
  };
  const reply = await ask();
  let ended = false;
  const text = reply.text().finally(() => {
    ended = true;
  });
  return { product, text, ended: () => ended };
}

test(
  'SIGHUP ends nothing; signals that come together are one wish to stop, and a later one ends what is in flight',
  LIMIT,
  async (t) => {
    const { product, text, ended } = await streaming(t, { drain: '1h' });
    product.kill('SIGHUP');
    product.kill('SIGINT');
    await until(() => /draining: 1 request, 3600 s at most; again to cut\n/.test(product.stderr()));
    for (const signal of ['SIGHUP', 'SIGTERM', 'SIGINT'] as const) product.kill(signal);
    await sleep(fixedLimits.signals);
    assert.ok(!ended());
    product.kill('SIGHUP');
    product.kill('SIGTERM');
    assert.match(await text, /"server_stopping"[\s\S]*event: response\.failed\n.*\n\ndata: \[DONE\]\n\n$/);
    assert.equal(await product.exited, 0);
    assert.equal(product.stderr().match(/draining/g)?.length, 1);
  },
);

test(
  'the HTTP listener lingers: it says that it is not ready and still serves, and is closed before the drain is over',
  LIMIT,
  async (t) => {
    const { product, text } = await streaming(t, { drain: '3s', linger: '1500ms' });
    product.kill('SIGTERM');
    await until(async () => (await fetch(`${product.http}/readyz`)).status === 503);
    const served = await fetch(`${product.http}/v1/models`);
    assert.equal(served.status, 200);
    assert.equal(served.headers.get('connection'), 'close');
    await served.text();
    await until(() =>
      fetch(`${product.http}/livez`).then(
        () => false,
        () => true,
      ),
    );
    assert.equal((await fetch(`${product.admin}/readyz`)).status, 503, 'the drain goes on');
    assert.match(await text, /"server_stopping"/);
    assert.equal(await product.exited, 0);
  },
);
