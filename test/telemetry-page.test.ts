import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { telemetryPage } from './support/telemetry-page.ts';

test('docs/telemetry.md has every name that the tables have', () => {
  const page = readFileSync(new URL('../docs/telemetry.md', import.meta.url), 'utf8');
  assert.equal(page, telemetryPage(), 'run: node test/support/telemetry-page.ts');
});
