import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { PageProcesses } from '../../shim/pages/page-processes.ts';
import { until } from '../promises/state-ask.ts';
import { endlessPdf, onePage, pdf, pdfOf } from '../support/pdf.ts';

const going = new AbortController().signal;
const asHtml = (text: string) => ({ kind: 'html' as const, url: 'http://x/y', bytes: new TextEncoder().encode(text) });
const asPdf = (bytes: Uint8Array) => ({ kind: 'pdf' as const, url: 'http://x/a.pdf', bytes });
const endless = asPdf(endlessPdf());
const SLOW = /^PageFailure: The page takes too long to read\.$/;
const LARGE = /^PageFailure: The page needs too much memory to be read\.$/;

/** Whether a process is there. */
function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a process that reduces pages', () => {
  test('is started when the first page comes, reads one after the other, and ends when there is nothing to do', async (t) => {
    const processes = new PageProcesses({ idle: 50 });
    t.after(() => processes.close());
    assert.deepEqual(processes.pids, []);
    const page = await processes.reduce(asHtml('<title>T</title><p>Snow <a href="/z">here</a>'), { id: 'a' }, going);
    assert.deepEqual(page, {
      url: 'http://x/y',
      title: 'T',
      text: 'Snow here',
      links: [{ url: 'http://x/z', text: 'here' }],
    });
    const [pid = 0, ...others] = processes.pids;
    assert.deepEqual(others, []);
    assert.match((await processes.reduce(asPdf(pdf('Rain fell.')), { id: 'a' }, going)).text, /Rain fell\./);
    assert.deepEqual(processes.pids, [pid]);
    await assert.rejects(processes.reduce(asPdf(pdf('')), { id: 'a' }, going), /has no text: its pages are images/);
    await until(() => !lives(pid));
    await until(() => processes.pids.length === 0);
    assert.match((await processes.reduce(asHtml('<p>Again'), { id: 'a' }, going)).text, /Again/);
  });

  test('is ended with a page that takes too long, and pages that wait are read, those of other callers first', async (t) => {
    const processes = new PageProcesses();
    t.after(() => processes.close());
    const ended: string[] = [];
    const read = async (name: string, page: Parameters<PageProcesses['reduce']>[0], id: string) => {
      const said = await processes.reduce(page, { id }, going).then(({ text }) => text, String);
      ended.push(name);
      return said;
    };
    const first = [read('a1', endless, 'a'), read('a2', endless, 'a'), read('a3', endless, 'a')];
    const waiting = [read('a4', asHtml('<p>Of a'), 'a'), read('b1', asHtml('<p>Of b'), 'b')];
    await until(() => processes.pids.length === 2);
    for (const said of await Promise.all(first)) assert.match(said, SLOW);
    assert.deepEqual(await Promise.all(waiting), ['Of a', 'Of b']);
    assert.ok(ended.indexOf('b1') < ended.indexOf('a3') && ended.indexOf('b1') < ended.indexOf('a4'), ended.join());
  });

  test('is ended with a page that takes too much memory, in its heap or beside it, and this one goes on', async (t) => {
    const processes = new PageProcesses();
    t.after(() => processes.close());
    const page = (data: string | Uint8Array) =>
      asPdf(pdfOf(onePage({ dict: '/Filter /FlateDecode', data: deflateSync(data) })));
    const [beside, heap] = [Buffer.alloc(600 * 1024 * 1024, ' '), `BT (${'a'.repeat(100 * 1024 * 1024)}) Tj ET`];
    for (const bomb of [beside, heap]) await assert.rejects(processes.reduce(page(bomb), { id: 'a' }, going), LARGE);
    assert.match((await processes.reduce(asHtml('<p>Again'), { id: 'a' }, going)).text, /Again/);
  });

  test('is ended when whoever waits leaves; what waits for a place leaves it', async (t) => {
    const processes = new PageProcesses();
    t.after(() => processes.close());
    const leaving = new AbortController();
    const read = () => processes.reduce(endless, { id: 'a' }, leaving.signal).then(String, String);
    const all = Array.from({ length: 4 }, read);
    await until(() => processes.pids.length === 2);
    const pids = processes.pids;
    leaving.abort(new Error('left'));
    assert.deepEqual(await Promise.all(all), Array(4).fill('Error: left'));
    for (const pid of pids) await until(() => !lives(pid ?? 0));
  });

  test('and no more pages wait than a process should hold', async (t) => {
    const processes = new PageProcesses();
    const all = Array.from({ length: 40 }, () => processes.reduce(endless, { id: 'a' }, going).then(String, String));
    t.after(() => Promise.all([processes.close(), ...all]));
    assert.match(await Promise.race(all), /Too many pages are being read/);
  });

  test('ends at close, and with a process that is killed while it is busy', async () => {
    const processes = new PageProcesses();
    const reading = processes.reduce(endless, { id: 'a' }, going);
    await until(() => processes.pids.length === 1);
    const [pid = 0] = processes.pids;
    await Promise.all([processes.close(), assert.rejects(reading, /The server is stopping/)]);
    assert.ok(!lives(pid));

    const program = `
      import { PageProcesses } from '${new URL('../../shim/pages/page-processes.ts', import.meta.url)}';
      import { endlessPdf } from '${new URL('../support/pdf.ts', import.meta.url)}';
      const processes = new PageProcesses();
      await processes.reduce({ kind: 'html', url: 'http://x/', bytes: Buffer.from('x') }, { id: 'a' }, new AbortController().signal);
      processes.reduce({ kind: 'pdf', url: 'http://x/', bytes: endlessPdf() }, { id: 'a' }, new AbortController().signal);
      setTimeout(() => console.log(processes.pids[0]), 500); // by then it reads`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [told] = await once(parent.stdout, 'data');
    const child = Number(told);
    assert.ok(lives(child));
    parent.kill('SIGKILL');
    await until(() => !lives(child));
  });
});
