import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readFile, rename, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fixedLimits } from '../../handler/index.ts';
import { auditCommand } from '../../shim/audit/command.ts';
import { AuditFile } from '../../shim/audit/file.ts';
import { FIRST, hashOf } from '../../shim/audit/line.ts';
import { openAudit } from '../../shim/audit/open.ts';
import { openAuditQueue } from '../../shim/audit/queue.ts';
import { verifyAudit } from '../../shim/audit/verify.ts';
import { until } from '../promises/state-ask.ts';
import { newFolder } from '../support/folder.ts';

const WRITER = new URL('../support/audit-writer.ts', import.meta.url).pathname;

/** A file of some events. */
async function written(count = 6) {
  const path = join(newFolder(), 'log/audit.jsonl');
  const file = new AuditFile(path);
  for (let at = 0; at < count; at++) await file.append([{ action: 'read', object: `resp_${at}` }]);
  file.close();
  return path;
}

async function lines(path: string): Promise<string[]> {
  return (await readFile(path, 'utf8')).trimEnd().split('\n');
}

async function more(path: string, ...objects: string[]) {
  const file = new AuditFile(path);
  await file.append(objects.map((object) => ({ action: 'read', object })));
  file.close();
}

describe('the chain of a file', () => {
  test('has the hash of the line before in each line, and is the owner’s alone', async () => {
    const path = await written();
    let before = FIRST;
    for (const line of await lines(path)) {
      assert.equal(JSON.parse(line).previous, before);
      before = hashOf(line);
    }
    assert.deepEqual(await verifyAudit([path]), { lines: 6, problems: [], notes: [], head: before });
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });

  const attacks: Record<string, (lines: string[]) => string[]> = {
    'a changed line': (all) => all.map((line, at) => (at === 2 ? line.replace('resp_2', 'resp_9') : line)),
    'one changed character': (all) => all.map((line, at) => (at === 2 ? line.replace('read', 'Read') : line)),
    'a space more': (all) => all.map((line, at) => (at === 2 ? `${line} ` : line)),
    'a removed line': (all) => all.filter((_, at) => at !== 2),
    'the first line removed, and its hash forged': (all) => [
      (all[1] ?? '').replace(/"previous":"\w+"/, `"previous":"${FIRST}"`),
      ...all.slice(2),
    ],
    'an inserted line': (all) => all.toSpliced(2, 0, `{"action":"read","previous":"${FIRST}"}`),
    'an inserted line that fits the one before': (all) =>
      all.toSpliced(2, 0, `{"action":"read","previous":"${hashOf(all[1] ?? '')}"}`),
    'an empty line': (all) => all.toSpliced(2, 0, ''),
    'lines that changed places': (all) => [...all.slice(0, 2), all[3] ?? '', all[2] ?? '', ...all.slice(4)],
    'a line twice': (all) => all.toSpliced(2, 0, all[2] ?? ''),
    'a line that is none': (all) => all.map((line, at) => (at === 2 ? 'x' : line)),
    'other line breaks': (all) => all.map((line) => `${line}\r`),
    'a changed last line': (all) => all.map((line, at) => (at === 5 ? line.replace('resp_5', 'resp_9') : line)),
    'a removed last line': (all) => all.slice(0, -1),
    'nothing left': () => [],
  };
  for (const [name, attack] of Object.entries(attacks)) {
    test(`is broken by ${name}, also where the log goes on`, async () => {
      const path = await written();
      await writeFile(
        path,
        attack(await lines(path))
          .map((line) => `${line}\n`)
          .join(''),
      );
      const printed: string[] = [];
      assert.equal(await auditCommand(['verify', path], (line) => printed.push(line)), 1, printed.join('\n'));
      assert.match(printed.at(-1) ?? '', /the chain is broken/);
    });
  }

  test('goes on after a restart, and after a rotation by rename, whoever runs then', async () => {
    const path = await written(2);
    await more(path, 'a');
    await rename(path, `${path}.1`);
    await more(path, 'b', 'c');
    await rename(path, `${path}.2`);
    const running = new AuditFile(path);
    await running.append([{ action: 'read', object: 'd' }]);
    await rename(path, `${path}.3`);
    await running.append([{ action: 'read', object: 'e' }]);
    running.close();
    const all = [`${path}.1`, `${path}.2`, `${path}.3`, path];
    const { lines, problems, notes } = await verifyAudit(all);
    assert.deepEqual({ lines, problems, notes }, { lines: 7, problems: [], notes: [] });
    // Without one of the files it is broken, and one alone says what it goes on from.
    assert.match((await verifyAudit(all.toSpliced(1, 1))).problems.join(), /does not follow/);
    assert.match((await verifyAudit([path])).notes.join(), /goes on from a line that is not in these files/);
  });

  test('tells a torn line apart, at the end and once it has gone on', async () => {
    const path = await written(3);
    await appendFile(path, '{"time":"2026');
    const torn = await verifyAudit([path]);
    assert.deepEqual([torn.lines, torn.problems.length, torn.notes.length], [4, 0, 1]);
    assert.match(torn.notes.join(), /audit.jsonl:4: is torn/);
    await more(path, 'a', 'b');
    assert.equal((await lines(path))[3], '{"time":"2026');
    const { lines: count, problems, notes } = await verifyAudit([path]);
    assert.deepEqual([count, problems, notes.length], [6, [], 1]);
    assert.match(notes.join(), /audit.jsonl:4: is torn.*the chain goes on/);
    // What is torn is in the chain as well.
    await writeFile(path, (await readFile(path, 'utf8')).replace('{"time":"2026\n', '{"time":"2027\n'));
    assert.match((await verifyAudit([path])).problems.join(), /:5: does not follow/);
  });

  test('goes on in an empty file, and from a last line of any length', async () => {
    const path = await written(2);
    await truncate(path, 0); // as a rotation that copies
    await more(path, 'x'.repeat(100_000));
    await more(path, 'after');
    const { lines, problems } = await verifyAudit([path]);
    assert.deepEqual([lines, problems], [2, []]);
  });
});

describe('several processes', () => {
  test('append to one file, and keep one chain', async () => {
    const path = await written(1);
    const writers = ['a', 'b', 'c'].map((name) =>
      spawn(process.execPath, [WRITER, path, name, '40'], { stdio: ['ignore', 'ignore', 'inherit'] }),
    );
    const codes = await Promise.all(writers.map(async (writer) => (await once(writer, 'exit'))[0]));
    assert.deepEqual(codes, [0, 0, 0]);
    const { lines: count, problems, notes } = await verifyAudit([path]);
    assert.deepEqual([count, problems, notes], [121, [], []]);
  });

  test('that are killed lose nothing that was on the disk, and leave no lock', async () => {
    const path = await written(1);
    const told: string[] = [];
    for (let round = 0; round < 4; round++) {
      const writer = spawn(process.execPath, [WRITER, path, `r${round}`, '100000']);
      let out = '';
      writer.stdout.on('data', (chunk) => {
        out += chunk;
      });
      await until(() => out.length > 50 * (round + 1));
      writer.kill('SIGKILL');
      await once(writer, 'close');
      told.push(...out.split('\n').slice(0, -1));
    }
    await more(path, 'after');
    const { problems } = await verifyAudit([path]);
    assert.deepEqual(problems, []);
    const kept = new Set((await lines(path)).flatMap((line) => /"object":"([^"]+)"/.exec(line)?.[1] ?? []));
    assert.deepEqual(
      told.filter((object) => !kept.has(object)),
      [],
    );
  });
});

describe('the queue before it', () => {
  test('keeps all that comes at once, and bounds refusals, of one network and of all, with their count', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const kept: { action: string; refusals?: number; peer?: string | undefined }[] = [];
    const queue = openAuditQueue(
      async (events) => void kept.push(...events),
      () => {},
    );
    for (let at = 0; at < 5_000; at++) queue.audit({ action: 'deleted', object: `${at}` });
    for (let at = 0; at < 5_000; at++) queue.audit({ action: 'refused', peer: '192.0.2.1' });
    for (let at = 0; at < 5_000; at++) queue.audit({ action: 'refused', peer: `198.51.${at >> 8}.${at & 255}` });
    t.mock.timers.tick(1_000);
    queue.audit({ action: 'refused', peer: '192.0.2.1' });
    const closed = queue.close(1_000);
    await closed;
    const of = (action: string) => kept.filter((event) => event.action === action);
    assert.equal(of('deleted').length, 5_000);
    const { auditRefusals, auditRefusalsPerNetwork } = fixedLimits;
    assert.equal(of('refused').length, auditRefusals + 1);
    assert.equal(of('refused').filter(({ peer }) => peer === '192.0.2.1').length, auditRefusalsPerNetwork + 1);
    assert.deepEqual(
      of('left_out').map(({ refusals }) => refusals),
      [10_000 - auditRefusals],
    );
    assert.equal(queue.lost, 10_000 - auditRefusals);
  });

  test('tries again what could not be written, says so once, and counts what did not fit', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { auditWaiting, auditRetry } = fixedLimits;
    const kept: object[] = [];
    const troubles: boolean[] = [];
    let isFull = true;
    let tries = 0;
    const queue = openAuditQueue(
      async (events) => {
        tries++;
        if (isFull) throw new Error('no space left on device');
        kept.push(...events);
      },
      (holds) => troubles.push(holds),
    );
    for (let at = 0; at < auditWaiting + 7; at++) queue.audit({ action: 'read', object: `${at}` });
    const settled = () => new Promise(setImmediate);
    for (let at = 1; at <= 3; at++) {
      await settled();
      assert.equal(tries, at);
      if (at === 3) isFull = false;
      t.mock.timers.tick(auditRetry);
    }
    await settled();
    await queue.close(1_000);
    assert.deepEqual(troubles, [true, false]);
    assert.equal(kept.length, auditWaiting + 1);
    assert.deepEqual(
      kept.filter((event) => 'events' in event && event.events),
      [kept.find((event) => 'events' in event)],
    );
    assert.equal(queue.lost, 7);
  });

  test('ends in a bounded time where nothing can be written', async () => {
    const queue = openAuditQueue(
      async () => {
        throw new Error('no');
      },
      () => {},
    );
    queue.audit({ action: 'read' });
    await queue.close(60_000);
    assert.equal(queue.lost, 1);
    const stuck = openAuditQueue(
      () => new Promise(() => {}),
      () => {},
    );
    stuck.audit({ action: 'read' });
    await stuck.close(1);
  });
});

test('a file that cannot be written is told at start, with the key and its cause', async () => {
  const folder = newFolder();
  await assert.rejects(
    openAudit(`file:${folder}`, () => {}),
    /^Error: audit: .* cannot be written: EISDIR/,
  );
  await writeFile(join(folder, 'file'), '');
  await assert.rejects(
    openAudit(`file:${join(folder, 'file/audit.jsonl')}`, () => {}),
    /^Error: audit: .*cannot be written/,
  );
});
