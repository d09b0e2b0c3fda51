import { before, describe, type TestContext, test } from 'node:test';
import { installNodeClients } from '../clients/install.ts';
import { followGuide } from '../support/guide.ts';
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
    await followGuide(t, page, { url: model.url, name: model.script(...scripts) }, { packages });
  }

  test('an agent in five minutes', (t) => follow(t, 'agent.md', weather, snow, says('Yes, a warm one.')));
  test('the AI SDK', (t) => follow(t, 'ai-sdk.md', weather, snow));
  test('LangChain', (t) => follow(t, 'langchain.md', weather, snow));
  test('Codex', (t) => follow(t, 'codex.md', says('Hel', 'lo!')));
});
