import { globSync } from 'node:fs';
import { runCommand } from './run-command.ts';

// The fast tests, in three processes that each run their files in themselves: a process for each file would spend more on
// starting than on testing.

const ARGS = ['--import', './test/support/must-end.ts', '--test', '--test-isolation=none', '--test-timeout=300000'];

/** The promises are two halves, which take as long as all other files together. */
const files = globSync('test/*.test.ts').sort();
const [first = '', second = ''] = files.filter((file) => file.includes('in-process-'));
const others = files.filter((file) => file !== first && file !== second);
const groups = [[first], [second], others];

const passed = await Promise.all(
  groups.map(async (group) => {
    const { passed, text } = await runCommand(process.execPath, [...ARGS, ...group]);
    process.stdout.write(text); // each in one piece
    return passed;
  }),
);
process.exitCode = passed.every(Boolean) ? 0 : 1;
