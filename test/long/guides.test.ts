import assert from 'node:assert/strict';
import { before, describe, type TestContext, test } from 'node:test';
import { installNodeClients } from '../clients/install.ts';
import { followGuide } from '../support/guide.ts';
import { startGuideServices } from '../support/guide-services.ts';
import { callsFunctions, type Script, says, startScriptedModel } from '../support/model/scripted.ts';

const weather = callsFunctions({ name: 'weather', args: '{"city":"Oslo"}' });
const snow = says('It snows in Oslo, ', 'at -3 degrees.');

describe('the guide for', () => {
  let packages = '';
  before(async () => {
    packages = (await installNodeClients()).replace(/\/\.bin$/, '');
  });

  async function follow(t: TestContext, page: string, ...scripts: Script[]) {
    const model = await startScriptedModel();
    t.after(() => model.close());
    const { web, mcp } = await startGuideServices(t);
    const name = model.script(...scripts);
    await followGuide(t, page, { url: model.url, name, search: web.origin, mcp: mcp.url }, { packages });
    return { web, mcp };
  }

  test('an agent in five minutes', async (t) => {
    const searches = callsFunctions({ name: 'web_search', args: '{"query":"last snow in Oslo"}' });
    const echoes = callsFunctions({ name: 'mcp_everything__echo', args: '{"message":"bye"}' });
    const answers = [says('On 12 March 2031 【1】.'), echoes, says('It says: bye.')];
    const { web, mcp } = await follow(t, 'agent.md', weather, snow, searches, ...answers);
    assert.deepEqual(
      web.requests('/search').map(({ url }) => url.searchParams.get('q')),
      ['last snow in Oslo'],
    );
    assert.deepEqual(mcp.of('tools/call')[0]?.params.arguments, { message: 'bye' });
    assert.equal(mcp.sessions.size, 0);
  });
  test('the AI SDK', async (t) => void (await follow(t, 'ai-sdk.md', weather, snow)));
  test('LangChain', async (t) => void (await follow(t, 'langchain.md', weather, snow)));
  test('Codex', async (t) => void (await follow(t, 'codex.md', says('Hel', 'lo!'))));
});
