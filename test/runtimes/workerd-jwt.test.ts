import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startOwnWorker } from '../support/doors/own-worker.ts';
import { entryFor, newIssuerKey, openIssuer } from '../support/issuer.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const worker = `
import { verifyJwt } from '${ROOT}exports/jwt.ts';
import { createWorker } from '${ROOT}exports/worker.ts';

const { worker, BackgroundTurn } = createWorker({ verifyJwt });
export default worker;
export { BackgroundTurn };`;

test('tokens are checked on workerd, by keys of a real server', async (t) => {
  const names = ['ES256', 'RS256', 'PS256', 'EdDSA', 'ES384'] as const;
  const [es256, ...others] = await Promise.all([
    newIssuerKey('ES256', 'ES256'),
    ...names.slice(1).map((alg) => newIssuerKey(alg, alg)),
  ]);
  const issuer = await openIssuer([es256, ...others]);
  t.after(issuer.close);
  const started = await startOwnWorker('jwt', {
    source: worker,
    vars: { ANTIPHON_CONFIG: JSON.stringify({ auth: [entryFor(issuer)] }) },
  });
  t.after(() => started.dispose());
  const { origin } = await started.url;
  const ask = async (token: string | Promise<string>) => {
    const reply = await fetch(`${origin}/v1/models`, { headers: { authorization: `Bearer ${await token}` } });
    const body = (await reply.json()) as { error?: { message: string } };
    return `${reply.status} ${body.error?.message ?? ''}`;
  };
  // All at once, while nothing is known: they share what one of them fetches.
  const all = [es256, ...others].map((key) => ask(issuer.token({}, {}, key)));
  for (const status of await Promise.all(all)) assert.equal(status, '200 ');
  assert.equal(issuer.asked, 1);
  assert.match(await ask(issuer.token({ exp: 1 })), /^401 .*expired/);
  assert.match(await ask(issuer.token({ org: ['acme'] })), /^401 .*no name/);
  assert.match(await ask(issuer.token({}, {}, await newIssuerKey('ES256', 'ES256'))), /^401 .*signature/);
  assert.match(await ask((await issuer.token()).replace(/[^.]*$/, '')), /^401 /);
});
