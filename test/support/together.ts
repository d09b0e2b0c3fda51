// Files of tests in one process, from the command line: a process for each would spend more on starting than on testing.
// The runner's own way, `--test --test-isolation=none`, loads `node:test` before all else, `promise-hooks.ts` included.
for (const file of process.argv.slice(2)) await import(new URL(`../../${file}`, import.meta.url).href);
