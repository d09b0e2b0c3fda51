import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import '../tenants/same-ids.ts';
import { newFolder } from '../support/folder.ts';
import { type Mutant, mutants } from '../tenants/mutants.ts';
import { pieces } from '../tenants/survivors.ts';

// Loaded after the ids were changed, which static imports are not.
const { compareWithAlone } = await import('../tenants/compare.ts');
const { memoryDatabase } = await import('../tenants/databases.ts');
const { everything, meetings } = await import('../tenants/steps.ts');

/** Mutants tried at a time. */
const AT_ONCE = 2;

/** A mutant that takes so long, in milliseconds, waits for what never comes: a turn of the other one, say. */
const TOO_LONG = 120_000;

const isOf = ({ file, text }: Mutant) => pieces.some((one) => one.file === file && one.text === text);

/** Whether the two callers notice that the tenant is missing there. */
async function isNoticed(number: number, expected: string): Promise<boolean> {
  const script = join(import.meta.dirname, '../tenants/try-mutant.ts');
  const child = spawn(process.execPath, [script, String(number), expected], { stdio: 'ignore' });
  const timer = setTimeout(() => child.kill('SIGKILL'), TOO_LONG);
  const [code] = await once(child, 'exit');
  clearTimeout(timer);
  return code !== 0;
}

// All others are noticed by test/tenant-statements.test.ts.
test('a piece of a statement without its tenant is noticed by two callers with the same ids, each of them', {
  timeout: 3_600_000,
}, async (t) => {
  const setting = { isolation: 'tenant', sameIds: true, open: memoryDatabase } as const;
  const heard: unknown[] = [];
  for (const steps of [...meetings, everything]) heard.push(await compareWithAlone(steps, setting));
  const expected = join(newFolder(), 'expected.json');
  writeFileSync(expected, JSON.stringify(heard));
  const waiting = [...mutants().entries()].filter(([, mutant]) => isOf(mutant));
  t.diagnostic(`${waiting.length} mutants`);
  const unnoticed: string[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [number, { file, line, text }] = next;
      if (!(await isNoticed(number, expected))) unnoticed.push(`${file}:${line} ${text}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  assert.deepEqual(unnoticed, []);
});
