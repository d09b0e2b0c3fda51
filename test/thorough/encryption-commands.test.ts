import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import { startProduct } from '../../shim/product.ts';
import { secrets } from '../../shim/secrets.ts';
import { tenants } from '../../shim/tenants.ts';
import { until } from '../promises/state-ask.ts';
import { K1, K2 } from '../support/encrypted.ts';
import { decisions } from '../support/encrypted-columns.ts';
import { newFolder } from '../support/folder.ts';
import { says, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';

/** A product on an encrypted database in a file, and the commands on it. */
async function open(t: TestContext) {
  const model = await startScriptedModel();
  const name = model.script(says('Yes.'));
  const folder = newFolder();
  const [file, path, port] = [join(folder, 'a.yaml'), join(folder, 'a.db'), await freePort()];
  const write = (config: object) =>
    writeFile(
      file,
      JSON.stringify({
        listen: { grpc: 'off', http: `127.0.0.1:${port}`, envoy: 'off', admin: 'off' },
        models: [{ match: '*', backend: 'chat', url: model.url }],
        database: `sqlite:${path}`,
        secrets: [K1],
        encryptAtRest: true,
        ...config,
      }),
    );
  await write({});
  let product: Awaited<ReturnType<typeof startProduct>> | undefined;
  const start = async () => {
    product = await startProduct({ flags: { config: file }, env: {} });
    return product;
  };
  const stop = async () => {
    await product?.stop();
    product = undefined;
  };
  t.after(async () => {
    await stop();
    await model.close();
  });
  const said: string[] = [];
  const printed: string[] = [];
  const say = (line: string) => void said.push(line);
  const run = {
    tenants: (...args: string[]) =>
      tenants([...args, '-config', file], {}, { print: (line) => void printed.push(line), say }),
    secrets: (...args: string[]) => secrets([...args, '-config', file], {}, say),
  };
  const send = async (method: string, at: string, body?: object) => {
    const headers = { 'content-type': 'application/json' };
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const reply = await fetch(`http://127.0.0.1:${port}/v1${at}`, init);
    // biome-ignore lint/suspicious/noExplicitAny: tests reach into replies without a schema
    return { status: reply.status, json: (await reply.json()) as any };
  };
  const turn = async (input: string, previous?: string): Promise<string> => {
    const { status, json } = await send('POST', '/responses', { model: name, input, previous_response_id: previous });
    assert.equal(status, 200, JSON.stringify(json));
    return json.id;
  };
  const query = (sql: string) => {
    const connection = new DatabaseSync(path, { readOnly: true });
    try {
      return connection.prepare(sql).all();
    } finally {
      connection.close();
    }
  };
  const isInFiles = (word: string) =>
    ['', '-wal', '-shm'].some((end) => existsSync(path + end) && readFileSync(path + end, 'latin1').includes(word));
  return { folder, write, start, stop, run, said, printed, send, turn, query, isInFiles };
}

describe('the commands on an encrypted database', () => {
  test('tenants export gives plain text, and tenants shred makes it unreadable for servers that run', async (t) => {
    const all = await open(t);
    await all.start();
    const id = await all.turn('the first words');
    const output = join(all.folder, 'export.jsonl');
    await all.run.tenants('export', 'default', '-output', output);
    assert.match(await readFile(output, 'utf8'), /the first words/);
    assert.ok(!all.isInFiles('the first words'));
    const wrapped = String(all.query('SELECT wrapped FROM tenant_keys')[0]?.wrapped);
    assert.ok(all.isInFiles(wrapped));
    await assert.rejects(all.run.tenants('shred', 'nobody', '-yes'), /the tenant nobody has no key/);
    await all.run.tenants('shred', 'default', '-yes');
    assert.match(all.said.join('\n'), /dropped of the tenant default: 1 keys; servers stop using them within 5 s/);
    assert.ok(!all.isInFiles(wrapped), 'nothing of the key is in the files');
    while ((await all.send('GET', `/responses/${id}`)).status !== 410) await new Promise((r) => setTimeout(r, 100));
    const { status, json } = await all.send('POST', '/responses', { model: 'm', input: 'x', previous_response_id: id });
    assert.deepEqual([status, json.error.code], [410, 'tenant_key_dropped']);
    await all.run.tenants('shred', 'default', '-yes'); // it may be run again
    const later = await all.turn('the words since');
    await all.run.tenants('export', 'default', '-output', `${output}.2`);
    assert.deepEqual(
      (await readFile(`${output}.2`, 'utf8'))
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).response.id),
      [later],
    );
    assert.match(all.said.join('\n'), /something cannot be read, and is not among it: its key was dropped/);
    await all.run.tenants('delete', 'default', '-yes');
    assert.deepEqual(all.query('SELECT * FROM responses'), []);
    assert.deepEqual(all.query('SELECT * FROM tenant_keys'), []);
  });

  test('tenants delete leaves nothing of its key', async (t) => {
    const all = await open(t);
    await all.start();
    await all.turn('the first words');
    const wrapped = String(all.query('SELECT wrapped FROM tenant_keys')[0]?.wrapped);
    await all.run.tenants('delete', 'default', '-yes');
    await all.stop(); // which writes the log back
    assert.ok(!all.isInFiles(wrapped));
  });

  test('tenants rotate makes another key, and only where something is encrypted', async (t) => {
    const all = await open(t);
    await all.start();
    const first = await all.turn('the first words');
    await all.run.tenants('rotate', 'default');
    assert.equal(all.query('SELECT id FROM tenant_keys').length, 2);
    await all.stop();
    await all.start();
    await all.turn('more', first);
    await all.write({ encryptAtRest: false });
    await assert.rejects(all.run.tenants('rotate', 'default'), /`encryptAtRest` is off/);
    await all.run.tenants('list');
    assert.match(all.printed.join('\n'), /default/);
  });

  test('secrets rotate wraps all anew beside a server that runs, and the old secret may go', async (t) => {
    const all = await open(t);
    const product = await all.start();
    const first = await all.turn('the first words');
    await all.write({ secrets: [K2] });
    await assert.rejects(product.reload(), /a\.yaml:1:\d+: secrets lacks k1/, 'a secret that is still needed');
    await all.write({ secrets: [K2, K1] });
    await product.reload();
    await all.turn('more', first);
    await all.run.secrets('rotate');
    assert.match(all.said.join('\n'), /1 keys of tenants that k1 had wrapped are wrapped anew/);
    await all.write({ secrets: [K2] });
    await product.reload();
    await all.turn('more', first);
    await all.stop();
    await all.start();
    assert.match(JSON.stringify((await all.send('GET', `/responses/${first}/input_items`)).json), /the first words/);
    await all.stop();
    for (const [config, wrong] of [
      [{ secrets: [K1] }, /a\.yaml:1:\d+: secrets lacks k2/],
      [{ secrets: [{ ...K1, id: 'k2' }] }, /a\.yaml:1:\d+: secrets has another key for k2/],
      [{ secrets: [], encryptAtRest: false }, /secrets is needed: something in the database is encrypted/],
      [{ secrets: [] }, /a\.yaml:1:\d+: encryptAtRest needs one of `secrets`/],
    ] as const) {
      await all.write(config);
      await assert.rejects(all.start(), wrong);
    }
    // What needs no key goes without it, what needs one says so.
    await all.write({ secrets: [], encryptAtRest: false });
    await assert.rejects(all.run.tenants('export', 'default'), /secrets is needed/);
    await assert.rejects(all.run.secrets('rotate'), /no `secrets`/);
    await all.run.tenants('delete', 'default', '-yes');
    await all.start();
  });

  test('secrets rotate encrypts what was stored before, beside a server that runs, and it is read as before', async (t) => {
    const all = await open(t);
    await all.write({ encryptAtRest: false });
    await all.start();
    const ids: string[] = [];
    // More than one slice, a text in pieces, a conversation, and events of a background turn.
    for (let n = 0; n < 110; n++) ids.push(await all.turn(`canary ${n}`, ids.at(-1)));
    ids.push(await all.turn(`canary ${'snow '.repeat(80_000)}`, ids.at(-1)));
    const { json } = await all.send('POST', '/conversations', { metadata: { about: 'canary of metadata' } });
    const background = { model: 'any', input: 'canary in the background', background: true };
    const { id } = (await all.send('POST', '/responses', background)).json;
    await until(async () => !/queued|progress/.test((await all.send('GET', `/responses/${id}`)).json.status));
    await all.run.secrets('rotate');
    assert.ok(!all.said.join('\n').includes('were plain'), 'it is off');
    await all.stop();
    await all.write({});
    await all.start();
    await all.run.secrets('rotate');
    assert.match(all.said.join('\n'), /\d{3} texts were plain/);
    for (const [column, { encrypted }] of decisions()) {
      if (!encrypted) continue;
      const [table, name] = column.split('.');
      assert.deepEqual(all.query(`SELECT ${name} FROM ${table} WHERE ${name} >= ' ' LIMIT 1`), [], column);
    }
    await all.turn('more', ids.at(-1));
    for (const [at, word] of [
      [0, /canary 0/],
      [-1, /canary (snow ){80000}/],
    ] as const)
      assert.match(JSON.stringify((await all.send('GET', `/responses/${ids.at(at)}/input_items`)).json), word);
    assert.match(JSON.stringify((await all.send('GET', `/conversations/${json.id}`)).json), /canary of metadata/);
    const told = all.said.length;
    await all.run.secrets('rotate');
    assert.ok(!all.said.slice(told).join('\n').includes('were plain'), 'there is nothing more');
  });

  test('a wrong argument of secrets is an Error that says what is wrong', async () => {
    for (const [args, wrong] of [
      [[], 'secrets needs one of rotate (see secrets -help)'],
      [['rotat'], `"rotat" is none of secrets' one of rotate: did you mean rotate? (see secrets -help)`],
      [['rotate', 'k1'], 'unexpected argument "k1" (see secrets -help)'],
      [['rotate', '-conf', 'x'], 'unknown flag -conf: did you mean -config? (see secrets -help)'],
      [['rotate', '-config'], 'flag -config needs a value'],
      [['rotate', '-config=x', 'y'], 'unexpected argument "y" (see secrets -help)'],
    ] as const) {
      await assert.rejects(
        secrets(args, {}, () => {}),
        { message: wrong },
      );
    }
  });
});
