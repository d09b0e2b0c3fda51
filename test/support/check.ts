import { runCommand } from './run-command.ts';

/** What must hold beside the tests: every part compiles in its own surroundings, and the sources are clean. */
const checks = [
  ['tsc', '-p', 'handler'],
  ['tsc', '-p', 'tsconfig.worker.json'],
  ['tsc', '-p', 'shim'],
  ['tsc', '-p', 'test'],
  ['tsc', '-p', 'test/types'],
  ['tsc', '-p', 'bench'],
  ['tsc', '-p', 'tsconfig.build.json', '--noEmit'], // the declarations, and with them the entry points
  ['biome', 'check', '.'],
  ['node', '--test', 'test/boundaries.test.ts'],
  ['node', 'test/support/promises-page.ts', '--check'],
];

/** Runs one check, prints how it went, and says whether it passed. */
async function run([name = '', ...args]: string[]): Promise<boolean> {
  const begun = performance.now();
  const { passed, text } = await runCommand(name === 'node' ? process.execPath : `node_modules/.bin/${name}`, args);
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${[name, ...args].join(' ')} (${seconds} s)`);
  if (!passed) console.log(text);
  return passed;
}

const passed = await Promise.all(checks.map(run));
process.exitCode = passed.every(Boolean) ? 0 : 1;
