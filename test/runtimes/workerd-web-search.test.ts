import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type OpenAI from 'openai';
import { startOwnWorker } from '../support/doors/own-worker.ts';
import { startScriptedModel } from '../support/model/scripted.ts';
import { startSnowyWeb } from '../support/web-scene.ts';
import { assertWalked, walkTheWeb } from '../support/web-walk.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const worker = `
import { openWebSearch } from '${ROOT}exports/web-search.ts';
import { createWorker } from '${ROOT}exports/worker.ts';

const { worker, BackgroundTurn } = createWorker({ openTools: [openWebSearch] });
export default worker;
export { BackgroundTurn };`;

test('on workerd a model searches the web, and reads pages and PDF files', async (t) => {
  const [model, web] = await Promise.all([startScriptedModel(), startSnowyWeb()]);
  t.after(() => Promise.all([model.close(), web.close()]));
  const config = {
    auth: 'none',
    models: [{ match: '*', backend: 'chat', url: model.url }],
    hosted: { web_search: { provider: 'searxng', url: web.origin } },
    egress: { allow: ['127.0.0.1'] },
  };
  const vars = { ANTIPHON_CONFIG: JSON.stringify(config) };
  const started = await startOwnWorker('web-search', { source: worker, vars, compat: true });
  t.after(() => started.dispose());
  const { origin } = await started.url;
  const walked = await walkTheWeb(model, web, async (body) => {
    const headers = { 'content-type': 'application/json' };
    const reply = await fetch(`${origin}/v1/responses`, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await reply.json()) as OpenAI.Responses.Response;
  });
  assertWalked(walked, web);
});
