import { before, describe, test } from 'node:test';
import { installNodeClients } from '../clients/install.ts';
import { followGuide } from '../support/guide.ts';
import { startGuideServices } from '../support/guide-services.ts';
import { askDirectly } from './direct.ts';
import { findTarget, NO_TARGET, type Target } from './target.ts';

const target = await findTarget(process.env);

/** Why the server cannot be asked what guides ask; undefined where it can. A llama.cpp whose model insists on another function's name answers 500. */
async function refusalOf(target: Target): Promise<string | undefined> {
  const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
  const { status, refusal } = await askDirectly(target, 'chat', {
    input: 'What is the weather in Oslo?',
    tools: [{ type: 'function', name: 'weather', description: 'The weather in a city.', parameters, strict: false }],
  });
  return status === 200 ? undefined : `asked itself for what guides ask, the server answers ${status}: ${refusal}`;
}

const refusal = target && (await refusalOf(target));
if (!target) test('guides on a real model server', { skip: NO_TARGET }, () => {});
else
  describe(`guides on ${target.model} at ${target.url}`, { skip: refusal ?? false }, () => {
    let packages = '';
    before(async () => {
      packages = (await installNodeClients()).replace(/\/\.bin$/, '');
    });
    // What a real model says is its own: the commands have to succeed.
    for (const page of ['agent.md', 'ai-sdk.md', 'langchain.md'])
      test(page, { timeout: 600_000 }, async (t) => {
        const { web, mcp } = await startGuideServices(t);
        const model = { url: target.url, name: target.model, search: web.origin, mcp: mcp.url };
        await followGuide(t, page, model, { compares: false, packages });
      });
  });
