import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startWorker } from '../support/doors/workerd.ts';
import { newFolder } from '../support/folder.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Calculates the expression that it is sent for a turn of 100 and 10 tokens. */
const worker = `
import { compileCel } from '${ROOT}exports/cel.ts';

const turn = {
  model: 'm', backend: 'chat', url_host: '', input_tokens: 100, cached_input_tokens: 0, cached_write_input_tokens: 0,
  output_tokens: 10, reasoning_tokens: 0, total_tokens: 110,
};

export default {
  async fetch(request) {
    try {
      return Response.json(compileCel(await request.text())(turn));
    } catch (error) {
      return Response.json(error.message);
    }
  },
};`;

test('expressions of costs run on workerd, without Node’s modules', async (t) => {
  const folder = newFolder();
  const main = join(folder, 'worker.mjs');
  await writeFile(main, worker);
  const config = join(folder, 'wrangler.json');
  await writeFile(config, JSON.stringify({ name: 'cel', main, compatibility_date: '2026-10-01' }));
  const started = await startWorker({ config });
  t.after(() => started.dispose());
  const { origin } = await started.url;
  const calculated = async (body: string) => (await fetch(origin, { method: 'POST', body })).json();
  assert.equal(await calculated('input_tokens + 4u * output_tokens'), 140);
  assert.match(String(await calculated('input_tokens + 4 * output_tokens')), /int \* uint.*write 4u/);
});
