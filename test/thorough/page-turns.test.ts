import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { until } from '../promises/state-ask.ts';
import { newFolder } from '../support/folder.ts';
import { callsFunctions, says, startScriptedModel } from '../support/model/scripted.ts';
import { endlessPdf } from '../support/pdf.ts';
import { startCommand, writeConfig } from '../support/product.ts';
import { startScriptedWeb } from '../support/scripted-web.ts';

/** How many processes one has started; undefined where that cannot be asked. */
function children(pid: number): number | undefined {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).length;
  } catch {
    return undefined;
  }
}

test('while pages are read that have no end, other turns go on; no process is started before there is a page, and none is left', async (t) => {
  const [model, web] = await Promise.all([startScriptedModel(), startScriptedWeb()]);
  t.after(() => Promise.all([model.close(), web.close()]));
  const config = await writeConfig(newFolder(), {
    auth: 'none',
    models: [{ match: '*', backend: 'chat', url: model.url }],
    hosted: { web_search: { provider: 'searxng', url: web.origin } },
    egress: { allow: ['127.0.0.1'] },
  });
  const product = await startCommand(['-no-envoy', '-config', config]);
  t.after(() => product.kill('SIGKILL'));
  const ended: string[] = [];
  const ask = async (name: string, body: object) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const reply = await fetch(`${product.http}/v1/responses`, init);
    ended.push(name);
    // biome-ignore lint/suspicious/noExplicitAny: items with a member of ours
    return (await reply.json()) as any;
  };
  const other = () => ask('other', { model: model.script(says('Hi')), input: 'Hi' });
  await other();
  assert.equal(children(product.pid) ?? 0, 0);
  const hostile = ['/a', '/b'].map((path) => {
    const url = web.page(path, { title: '', snippet: '', body: endlessPdf(), type: 'application/pdf' });
    const opens = callsFunctions({ name: 'open_page', args: JSON.stringify({ page: url }), id: 'c1' });
    return ask('hostile', { model: model.script(opens, says('ok')), input: url, tools: [{ type: 'web_search' }] });
  });
  await until(() => web.requests('/a').length + web.requests('/b').length === 2);
  await until(() => (children(product.pid) ?? 2) === 2);
  for (let turn = 0; turn < 20; turn++) await other();
  assert.deepEqual(new Set(ended), new Set(['other']));
  for (const { status, output } of await Promise.all(hostile)) {
    assert.deepEqual([status, output[0].status], ['completed', 'failed']);
    assert.equal(output[0].function.output, 'The page takes too long to read.');
  }
  await until(() => (children(product.pid) ?? 0) === 0);
  product.kill('SIGTERM');
  assert.equal(await product.exited, 0);
});
