import assert from 'node:assert/strict';
import { before, describe, type TestContext, test } from 'node:test';
import { installNodeClients } from '../clients/install.ts';
import { followGuide } from '../support/guide.ts';
import { callsFunctions, type Script, says, startScriptedModel } from '../support/model/scripted.ts';
import type { ScriptedWeb } from '../support/scripted-web.ts';
import { startSnowyWeb } from '../support/web-scene.ts';

const weather = callsFunctions({ name: 'weather', args: '{"city":"Oslo"}' });
const snow = says('It snows in Oslo, ', 'at -3 degrees.');

describe('the guide for', () => {
  let packages = '';
  before(async () => {
    packages = (await installNodeClients()).replace(/\/\.bin$/, '');
  });

  async function follow(t: TestContext, page: string, ...scripts: Script[]): Promise<ScriptedWeb> {
    const model = await startScriptedModel();
    const web = await startSnowyWeb();
    t.after(() => Promise.all([model.close(), web.close()]));
    const name = model.script(...scripts);
    await followGuide(t, page, { url: model.url, name, search: web.origin }, { packages });
    return web;
  }

  test('an agent in five minutes', async (t) => {
    const searches = callsFunctions({ name: 'web_search', args: '{"query":"last snow in Oslo"}' });
    const web = await follow(t, 'agent.md', weather, snow, searches, says('On 12 March 2031 【1】.'));
    assert.deepEqual(
      web.requests('/search').map(({ url }) => url.searchParams.get('q')),
      ['last snow in Oslo'],
    );
  });
  test('the AI SDK', async (t) => void (await follow(t, 'ai-sdk.md', weather, snow)));
  test('LangChain', async (t) => void (await follow(t, 'langchain.md', weather, snow)));
  test('Codex', async (t) => void (await follow(t, 'codex.md', says('Hel', 'lo!'))));
});
