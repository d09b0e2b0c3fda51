import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { startProduct } from '../../shim/product.ts';
import { until } from '../promises/state-ask.ts';
import { ALERTS, hasPrometheus, readAlerts, readDashboard } from '../support/deploy.ts';
import { newFolder } from '../support/folder.ts';
import { callsFunctions, replies, sends, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';
import { testTool } from '../support/test-tool.ts';

const skip = !hasPrometheus() && 'there is no Prometheus here: apt-get install --no-install-recommends prometheus';

/** Series that promtool plays to the alerts, and which of them it has to hear. */
const RULES = new URL('../fixtures/alerts.test.yaml', import.meta.url).pathname;

const usage = {
  ...{ prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
  prompt_tokens_details: { cached_tokens: 5 },
  completion_tokens_details: { reasoning_tokens: 3 },
};

/** A value of a series: NaN, or a number. */
interface Sample {
  metric: Record<string, string>;
  value: number;
}

/** A Prometheus that scrapes this port twice a second. */
async function startPrometheus(t: TestContext, scraped: number) {
  const folder = newFolder();
  const config = join(folder, 'prometheus.yml');
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
      rule_files: [ALERTS],
      scrape_configs: [{ job_name: 'antiphon', static_configs: [{ targets: [`127.0.0.1:${scraped}`] }] }],
    }),
  );
  const port = await freePort();
  const flags = { 'config.file': config, 'storage.tsdb.path': join(folder, 'data') };
  const args = Object.entries({ ...flags, 'web.listen-address': `127.0.0.1:${port}` }).map(([k, v]) => `--${k}=${v}`);
  const child = spawn('prometheus', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const exited = once(child, 'exit').then(() => {
    throw new Error(`Prometheus has ended:\n${said}`);
  });
  exited.catch(() => {});
  t.after(async () => {
    child.kill();
    await exited.catch(() => {});
  });
  const get = async (path: string) => {
    const reply = await Promise.race([fetch(`http://127.0.0.1:${port}/api/v1/${path}`), exited]);
    const { status, data, error } = Object(await reply.json());
    assert.equal(status, 'success', `${path}: ${error}`);
    return data;
  };
  return {
    async query(expr: string): Promise<Sample[]> {
      const { resultType, result } = await get(`query?${new URLSearchParams({ query: expr })}`);
      assert.equal(resultType, 'vector', expr);
      return result.map((sample: { metric: Sample['metric']; value: [number, string] }) => ({
        metric: sample.metric,
        value: Number(sample.value[1]),
      }));
    },
    /** The names of the alerts whose condition holds. */
    async alerts(): Promise<string[]> {
      const { alerts } = await get('alerts');
      return alerts.map(({ labels }: { labels: { alertname: string } }) => labels.alertname);
    },
    /** Resolves once it serves. */
    ready: () => until(async () => (await get('status/runtimeinfo').catch(() => undefined)) !== undefined),
  };
}

test('each expression of the dashboard and of the alerts gives a series in a real Prometheus', { skip }, async (t) => {
  const model = await startScriptedModel();
  t.after(() => model.close());
  const adminPort = await freePort();
  const metrics = `http://127.0.0.1:${adminPort}/metrics`;
  let dropped = 0;
  const product = await startProduct({
    flags: { port: await freePort(), httpPort: await freePort(), adminPort, noEnvoy: true },
    tools: [testTool],
    droppedLines: () => dropped,
    config: {
      database: 'sqlite::memory:',
      models: [{ match: 'scripted-*', backend: 'chat', url: model.url }],
      webhooks: [{ url: model.hooksUrl, secret: `whsec_${Buffer.alloc(32, 'x').toString('base64')}` }],
    },
  });
  t.after(() => product.stop());
  const ask = async (name: string, body: object = {}) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const asked = { model: name, input: 'Hi', ...body };
    const reply = await fetch(`${product.http}/v1/responses`, { ...init, body: JSON.stringify(asked) });
    return reply.text();
  };
  const answer = sends([{ content: 'a' }, { content: 'b' }], 'stop', usage);
  const call = callsFunctions({ name: 'add', args: '{"a":2,"b":3}', id: 'c1' });
  const answers = model.script(answer);
  const calls = model.script((turn) => (turn.body.messages.at(-1).role === 'tool' ? answer : call)(turn));
  const fails = model.script(replies(500, { error: { message: 'no' } }));
  const refuses = model.script(replies(429, { error: { message: 'no' } }));
  const breaksOff = model.script(async (turn) => {
    await turn.text('Hel');
    turn.cut();
  });
  /** Traffic of each kind; the line that is dropped is the last of it. */
  const traffic = async () => {
    await ask(answers);
    await ask(answers, { stream: true });
    await ask(calls, { tools: [{ type: 'test_tool' }] });
    await ask(fails);
    await ask(refuses);
    await ask(breaksOff, { stream: true });
    await ask(answers, { input: 5 });
    const hooks = model.hooks.length;
    const { id } = JSON.parse(await ask(answers, { background: true }));
    await until(() => model.hooks.slice(hooks).some(({ body }) => body.includes(id)));
    await assert.rejects(product.reload({ retentoin: '1d' }), /retention/);
    dropped++;
  };
  const prometheus = await startPrometheus(t, adminPort);
  await prometheus.ready();
  await until(async () => (await prometheus.query('up{job="antiphon"} == 1')).length === 1);
  // Twice, and seen in between: what Prometheus sees for the first time is no increase.
  for (const times of [1, 2]) {
    await traffic();
    await until(async () => (await prometheus.query(`antiphon_log_dropped_total == ${times}`)).length === 1);
  }
  const { panels, variables } = readDashboard();
  const times = { $__rate_interval: '1m', $__range: '1h' };
  const values = [
    ...Object.entries(times),
    ...variables.flatMap(({ name, allValue }) => (allValue ? [[`$${name}`, allValue] as const] : [])),
  ];
  const shown = panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => {
      const filled = values.reduce((text, [name, value]) => text.replaceAll(name, value), expr);
      return [title, filled] as const;
    }),
  );
  const conditions = readAlerts().map(({ alert, expr }) => {
    const decides = / (==|<|>) ([\d.]+)$/;
    assert.match(expr, decides, `${alert} ends with what decides`);
    return [alert, expr.replace(decides, ' $1 bool $2')] as const;
  });
  for (const [place, expr] of [...shown, ...conditions]) {
    assert.ok(!expr.includes('$'), `${place}: ${expr}`);
    const samples = await prometheus.query(expr);
    assert.ok(
      samples.some(({ value }) => !Number.isNaN(value)),
      `${place} has no series: ${expr}`,
    );
  }
  for (const { name, query } of variables.filter(({ query }) => typeof query !== 'string')) {
    const [, series = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(Object(query).query) ?? [];
    const filled = values.reduce((text, [name, value]) => text.replaceAll(name, value), series);
    assert.ok(
      (await prometheus.query(filled)).some(({ metric }) => metric[label]),
      name,
    );
  }
  const told = async () => new Set(await prometheus.alerts());
  await until(async () => isDeepStrictEqual(await told(), new Set(HOLDING)));
  execFileSync('promtool', ['check', 'metrics'], { input: await (await fetch(metrics)).text(), stdio: 'pipe' });
});

/** The alerts whose conditions that traffic meets. */
const HOLDING = ['AntiphonErrors', 'AntiphonTurnsFail', 'AntiphonReloadRefused', 'AntiphonLogDropped'];

test('promtool takes the alerts, and each comes when it should and not before', { skip }, () => {
  execFileSync('promtool', ['check', 'rules', ALERTS], { stdio: 'pipe' });
  execFileSync('promtool', ['test', 'rules', RULES], { stdio: 'pipe' });
});
