import { globSync } from 'node:fs';
import { runCommand } from './run-command.ts';

// The fast tests, in three processes that each run their files in themselves: a process for each file would spend more on
// starting than on testing.

const ARGS = ['--import', './test/support/must-end.ts', '--test', '--test-isolation=none', '--test-timeout=300000'];

/** The promises are two halves, which keep a core busy each; the other files are dealt out so that all end at about the same time. */
const files = globSync('test/*.test.ts').sort();
const [first = '', second = ''] = files.filter((file) => file.includes('in-process-'));
const others = files.filter((file) => file !== first && file !== second);
const groups = [
  [first],
  [second, ...others.filter((_, index) => index % 3 === 0)],
  others.filter((_, index) => index % 3 !== 0),
];

const passed = await Promise.all(
  groups.map(async (group) => {
    const { passed, text } = await runCommand(process.execPath, [...ARGS, ...group]);
    process.stdout.write(text); // each in one piece
    return passed;
  }),
);
process.exitCode = passed.every(Boolean) ? 0 : 1;
