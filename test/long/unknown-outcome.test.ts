import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommand } from '../support/run-command.ts';

for (const file of ['test/in-process-1.test.ts', 'test/in-process-2.test.ts']) {
  test(`promises hold on a database that loses the answers to writes: ${file}`, async () => {
    const args = ['--import', './test/support/must-end.ts', '--test', '--test-isolation=none', '--test-timeout=300000'];
    const { passed, text } = await runCommand('env', ['TEST_DATABASE=unknown', process.execPath, ...args, file]);
    assert.ok(passed, text);
  });
}
