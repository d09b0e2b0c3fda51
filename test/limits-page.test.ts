import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { defaultLimits, fixedLimits } from '../handler/limits.ts';
import { limitsPage } from './support/limits-page.ts';

const PAGE = readFileSync(new URL('../docs/limits.md', import.meta.url), 'utf8');

test('docs/limits.md says what limits.ts says', () => {
  assert.equal(PAGE, limitsPage(), 'run: node test/support/limits-page.ts');
});

test('docs/limits.md has every limit there is', () => {
  for (const name of [...Object.keys(defaultLimits), ...Object.keys(fixedLimits)]) {
    assert.match(PAGE, new RegExp(`^\\| \`${name}\` \\| [^|]+ \\| [^|]+ \\| [^|]+ \\|`, 'm'), name);
  }
});

test('docs/limits.md has no sum that was left to the reader', () => {
  assert.doesNotMatch(PAGE, /\| \d+ \d+ \|/);
});
