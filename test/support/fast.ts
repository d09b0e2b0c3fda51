import { globSync } from 'node:fs';
import { runCommand } from './run-command.ts';

// The fast tests, in three processes that each run their files in themselves.

const ARGS = [
  ...['--import', './test/support/must-end.ts', '--test-isolation=none', '--test-timeout=300000'],
  'test/support/together.ts',
];

/** The promises are two halves, which take as long as all other files together. */
const halves = globSync('test/in-process/fast-*.test.ts').map((file) => [file]);
const groups = [...halves, globSync('test/*.test.ts').sort()];

const passed = await Promise.all(
  groups.map(async (group) => {
    const { passed, text } = await runCommand(process.execPath, [...ARGS, ...group]);
    process.stdout.write(text); // each in one piece
    return passed;
  }),
);
process.exitCode = passed.every(Boolean) ? 0 : 1;
