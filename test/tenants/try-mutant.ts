import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { mutants } from './mutants.ts';

// One process for each mutant: `node try-mutant.ts NUMBER FILE`, where the file has what two callers heard that were compared with
// each alone. It exits with 1 where they hear anything else of the mutant.

const [number = '', file = ''] = process.argv.slice(2);
const mutant = mutants()[Number(number)];
if (!mutant) throw new Error(`there is no mutant ${number}`);
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    return url.endsWith(`/${mutant.file}`) ? { ...loaded, source: mutant.source } : loaded;
  },
});
await import('./same-ids.ts');
const { compareWith } = await import('./compare.ts');
const { everything, meetings } = await import('./steps.ts');
const { memoryDatabase } = await import('./databases.ts');

const setting = { isolation: 'tenant', sameIds: true, open: memoryDatabase } as const;
try {
  const expected = JSON.parse(readFileSync(file, 'utf8'));
  for (const [n, steps] of [...meetings, everything].entries()) await compareWith(expected[n], steps, setting);
} catch (error) {
  console.log(String(error).slice(0, 1_000));
  process.exit(1);
}
process.exit(0);
