import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { launch } from '../../envoy/child.ts';
import { configFor } from '../../envoy/config.ts';
import { DEFAULT_VERSION } from '../../envoy/download.ts';
import { findEnvoy } from '../../envoy/find.ts';
import { accepts } from '../../envoy/ports.ts';
import { until } from '../promises/state-ask.ts';
import { newFolder } from '../support/folder.ts';
import { type Script, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';
import { startCommand, writeConfig } from '../support/product.ts';

/** Words of a reply, one a second. */
const WORDS = 16;

/** A new request comes this often, in milliseconds. */
const PACE = 250;

/** How often each of the processes is replaced. */
const ROUNDS = Number(process.env.ROUNDS ?? 2);

const speaks: Script = async (turn) => {
  for (let word = 0; word < WORDS; word++) {
    await turn.text(`${word} `);
    await turn.sleep(1_000);
  }
  await turn.finish();
};

test('two processes behind one Envoy are replaced one after the other, and of the requests of 16 s none fails', async (t) => {
  const dir = newFolder();
  const model = await startScriptedModel();
  t.after(() => model.close());
  const name = model.script(speaks);
  const models = [{ match: '*', backend: 'chat', url: model.url }];
  const config = await writeConfig(dir, { database: `sqlite:${join(dir, 'a.db')}`, models, limits: { drain: '25s' } });
  const ports = [await freePort(), await freePort()];
  const start = async (port = 0) => {
    const product = await startCommand(['-no-envoy', '-log-level', 'warn', '-config', config, '-port', `${port}`]);
    t.after(() => product.kill('SIGKILL'));
    assert.match(product.stderr(), /is ready/, product.stderr());
    return product;
  };
  const products = [await start(ports[0]), await start(ports[1])];
  const origin = await startBalancing(t, ports);

  const asked: Promise<string>[] = [];
  let asking = true;
  const load = (async () => {
    for (let n = 0; asking; n++) {
      asked.push(ask(origin, { model: name, input: 'Hi', stream: n % 2 === 0 }));
      await sleep(PACE);
    }
  })();
  await sleep(2_000);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, product] of products.entries()) {
      product.kill('SIGTERM');
      assert.equal(await product.exited, 0, product.stderr());
      assert.doesNotMatch(product.stdout(), /turns are ended/);
      products[index] = await start(ports[index]);
      await sleep(5_000); // until Envoy has seen that it is there
    }
  }
  asking = false;
  await load;
  const failures = (await Promise.all(asked)).filter((failure) => failure !== '');
  t.diagnostic(JSON.stringify({ requests: asked.length, failed: failures.length, replaced: 2 * ROUNDS }));
  assert.ok(asked.length > 50 * ROUNDS, 'the load was one');
  assert.deepEqual(failures, []);
});

/** Our configuration of Envoy with an endpoint for each port. */
async function startBalancing(t: { after(fn: () => Promise<void>): void }, ports: readonly number[]): Promise<string> {
  const envoyPort = await freePort();
  const addresses = { host: '127.0.0.1', envoyPort, grpcPort: ports[0] ?? 0 };
  const config = JSON.parse(await configFor('streamed', addresses, DEFAULT_VERSION));
  const [cluster] = config.static_resources.clusters;
  cluster.load_assignment.endpoints[0].lb_endpoints = ports.map((port_value) => ({
    endpoint: { address: { socket_address: { address: '127.0.0.1', port_value } } },
  }));
  const { path } = await findEnvoy({ version: DEFAULT_VERSION });
  const envoy = launch(path, [
    '--config-yaml',
    JSON.stringify(config),
    '--disable-hot-restart',
    '--log-level',
    'error',
  ]);
  t.after(envoy.stop);
  await until(() => accepts('127.0.0.1', envoyPort));
  await sleep(3_000); // its first health checks
  return `http://127.0.0.1:${envoyPort}`;
}

/** What is wrong with the reply; nothing, if it is whole. */
async function ask(origin: string, body: { stream: boolean; model: string; input: string }): Promise<string> {
  try {
    const headers = { 'content-type': 'application/json' };
    const reply = await fetch(`${origin}/v1/responses`, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await reply.text();
    const whole = body.stream
      ? /response\.completed.*data: \[DONE\]\n\n$/s.test(text)
      : /"status":"completed"/.test(text);
    return reply.status === 200 && whole && text.includes(` ${WORDS - 1} `)
      ? ''
      : `${reply.status} ${text.slice(-300)}`;
  } catch (error) {
    return String(error);
  }
}
