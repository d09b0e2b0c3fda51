import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createHandler, parseConfig } from '../handler/index.ts';
import { create } from './promises/ask.ts';
import { testDatabase } from './support/doors/database.ts';
import { openInProcess } from './support/doors/in-process.ts';
import { type ScriptedModel, startScriptedModel } from './support/model/scripted.ts';
import type { ScriptedWeb } from './support/scripted-web.ts';
import { startSnowyWeb } from './support/web-scene.ts';
import { assertWalked, walkTheWeb } from './support/web-walk.ts';

let model: ScriptedModel;
let web: ScriptedWeb;
before(async () => {
  [model, web] = await Promise.all([startScriptedModel(), startSnowyWeb()]);
});
after(() => Promise.all([model.close(), web.close()]));

const configFor = (more: object = {}) =>
  parseConfig({
    models: [{ match: '*', backend: 'chat', url: model.url }],
    hosted: { web_search: { provider: 'searxng', url: web.origin } },
    ...more,
  });

test('the configuration names who searches, and its pages are loaded through the egress', async (t) => {
  const door = await openInProcess({ config: configFor({ egress: { allow: ['127.0.0.1'] } }) });
  t.after(door.close);
  assertWalked(await walkTheWeb(model, web, (body) => create(door, body)), web);
});

test('a private address is searched where the configuration names it, and opened for nobody', async (t) => {
  const door = await openInProcess({ config: configFor() });
  t.after(door.close);
  const before = web.requests('/snow').length;
  const { read } = await walkTheWeb(model, web, (body) => create(door, body));
  assert.match(read[0] ?? '', /【1】 All about snow/);
  assert.match(read[1] ?? '', /^The page cannot be opened: /);
  assert.equal(web.requests('/snow').length, before);
});

test('a handler without what opens it says which entry point has it', async (t) => {
  const database = await testDatabase();
  t.after(() => database.close());
  assert.throws(
    () => createHandler({ config: configFor(), database }),
    /hosted\.web_search needs openWebSearch, from antiphon\/web-search, among `openTools` of the root/,
  );
});
