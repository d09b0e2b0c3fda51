import assert from 'node:assert/strict';
import { PageProcesses } from '../../shim/pages/page-processes.ts';
import { endlessPdf, pdf } from '../support/pdf.ts';

// Run by Deno and by Bun: pages are reduced in processes there as well.

const processes = new PageProcesses({ timeout: 2_000 });
const who = { id: 'a' };
const going = new AbortController().signal;
const read = (bytes: Uint8Array) => processes.reduce({ kind: 'pdf', url: 'http://x/a.pdf', bytes }, who, going);
const html = { kind: 'html' as const, url: 'http://x/', bytes: new TextEncoder().encode('<p>Snow fell.') };

assert.match((await read(pdf('Rain fell.'))).text, /Rain fell\./);
await assert.rejects(read(endlessPdf()), /The page takes too long to read/);
assert.deepEqual(processes.pids, []);
assert.equal((await processes.reduce(html, who, going)).text, 'Snow fell.');
await processes.close();
assert.deepEqual(processes.pids, []);
