import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askBackends } from '../../shim/backends/ask.ts';
import { serve, transportFor } from '../support/list-servers.ts';

/** Much that can go wrong here is something that never comes. */
const LIMIT = { timeout: 60_000 };

test('servers that never end, or send without end, are given up, all at once', LIMIT, async (t) => {
  const slow = await serve(t, (_, res) => {
    res.write('{"object":"list","data":[');
    const timer = setInterval(() => res.write('{"id":"x"},'), 100);
    res.on('close', () => clearInterval(timer));
  });
  const flood = await serve(t, (_, res) => {
    const piece = Buffer.alloc(1 << 20, 'x');
    const pour = () => {
      while (!res.destroyed && res.write(piece));
    };
    res.on('drain', pour);
    pour();
  });
  const silent = await serve(t, () => {});
  const refusing = await serve(t, (_, res) => void res.writeHead(401).write('{"error":{"message":"Who are '));
  const models = [slow, flood, silent, refusing].map((origin) => {
    return { match: '*', backend: 'chat' as const, url: `${origin}/v1`, key: 'hush-hush' };
  });
  const reports = await askBackends(models, transportFor(t));
  const [ofSlow, ofFlood, ofSilent, ofRefusing] = reports.map(({ came }) => came);
  assert.equal(ofSlow, 'begins to answer, and does not end in time');
  assert.match(ofFlood ?? '', /^answers with what is no list of models \(x+\.\.\.\)$/);
  assert.equal(ofSilent, 'does not answer in time');
  assert.match(ofRefusing ?? '', /^refuses the key: 401/);
  for (const { came, warning } of reports) assert.ok(came.length < 300 && (warning ?? '').length < 600);
  assert.deepEqual(
    reports.map(({ isDead }) => isDead),
    [false, false, true, false],
  );
});
