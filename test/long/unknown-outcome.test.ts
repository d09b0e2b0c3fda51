import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommand } from '../support/run-command.ts';

for (const database of ['unknown', 'postgres-cut']) {
  for (const file of ['test/in-process/fast-1.test.ts', 'test/in-process/fast-2.test.ts']) {
    test(`promises hold on a database that loses the answers to writes: ${database}, ${file}`, async () => {
      const options = ['--import', './test/support/must-end.ts', '--test-isolation=none', '--test-timeout=300000'];
      const command = [process.execPath, ...options, '--test', file];
      const { passed, text } = await runCommand('env', [`TEST_DATABASE=${database}`, ...command]);
      assert.ok(passed, text);
    });
  }
}
