import '../promises/all.ts';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { quarter, runPromises } from '../promises/promise.ts';
import { openRuntime, type Runtime, start } from '../support/doors/runtime.ts';

/** Tries what must hold on a runtime that is neither Node nor workerd. */
export function runtimeSuite(name: Runtime['name'], runtime: Runtime | undefined): void {
  if (!runtime) {
    test(name, { skip: `the npm package ${name} has no binary for this machine` });
    return;
  }
  runPromises((hosted) => openRuntime(runtime, hosted), name, undefined, quarter(name === 'deno' ? 2 : 3));
  passes(runtime, 'test', 'test/thorough/database.test.ts', 'SQLite keeps what every database must keep');
  passes(runtime, 'test', 'test/thorough/decompress.test.ts', 'bodies are decompressed in slices, within bounds');
  passes(
    runtime,
    'start',
    'test/runtimes/page-reducer.ts',
    'pages are reduced in processes, which end with a page that has no end',
  );
  passes(runtime, 'run', 'test/runtimes/given-up.ts', 'a model call that is given up ends, whatever was collected');
}

function passes(runtime: Runtime, what: keyof Runtime['args'], file: string, says: string): void {
  test(`${runtime.name}: ${says}`, { timeout: 120_000 }, async (t) => {
    const child = start(runtime, what, file, { signal: t.signal });
    const said: Buffer[] = [];
    child.stdout.on('data', (chunk) => said.push(chunk));
    child.stderr.on('data', (chunk) => said.push(chunk));
    const [code] = await once(child, 'close');
    assert.equal(code, 0, Buffer.concat(said).toString());
  });
}
