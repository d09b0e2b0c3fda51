import './promise-hooks.ts';
import { setTimeout as sleep } from 'node:timers/promises';

const { after } = await import('node:test'); // after what changes its hooks

/** What tests leave open closes by itself within this, in milliseconds; what has not by then never will. */
const LIMIT = 20_000;

// Loaded before each file of tests: one whose test failed before it closed what it had opened would never end, and the
// runner would wait for it for ever.
// The runner's own process has no context, unless it runs the tests itself.
if (process.env.NODE_TEST_CONTEXT !== undefined || process.execArgv.includes('--test-isolation=none'))
  after(async () => {
    void sleep(LIMIT, undefined, { ref: false }).then(() => {
      process.stderr.write(`${process.argv[1]} has ended, and leaves open: ${process.getActiveResourcesInfo()}\n`);
      process.exit(1);
    });
  });
