import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openWebCipher } from '../../handler/encryption/web-cipher.ts';
import { type Config, parseConfig } from '../../handler/index.ts';
import { raw, read, sql, write } from '../../handler/state/database/sql.ts';
import { openNodeCipher } from '../../shim/node-cipher.ts';
import { bodies, K1, K2, logged, subject, TENANT, toldLast, turn } from '../support/encrypted.ts';
import { says } from '../support/model/scripted.ts';

describe('what is encrypted', () => {
  test('and what was stored before is read by whoever has the secret, on or off', async (t) => {
    const all = await subject(t);
    const name = all.model.script(says('Yes.'));
    const plain = await turn(await all.open({ encryptAtRest: false, secrets: [] }), name, 'first');
    assert.ok((await bodies(all.database, 'items')).every((body) => body.startsWith('{')));
    const encrypted = await turn(await all.open(), name, 'second', plain);
    assert.ok((await bodies(all.database, 'items')).some((body) => !body.includes('{')));
    const off = await all.open({ encryptAtRest: false });
    const last = await turn(off, name, 'third', encrypted);
    for (const word of ['first', 'second', 'third']) assert.ok(toldLast(all, name).includes(word), word);
    const { json } = await off.ask('GET', `/responses/${last}/input_items`);
    assert.match(JSON.stringify(json), /third/);
    const lists = await off.ask('GET', '/responses');
    assert.equal(lists.json.data.length, 3);
  });

  test('opens for its tenant alone, and nowhere else', async (t) => {
    const all = await subject(t);
    const lines = logged(t);
    const name = all.model.script(says('Yes.'));
    const asking = await all.open();
    const ofA = await turn(asking, name, 'of a');
    await turn(asking, name, 'of b', undefined, 'b');
    for (const table of ['responses', 'items', 'metadata'])
      await all.database.batch({ moved: write(sql`UPDATE ${raw(table)} SET tenant = 'b' WHERE tenant = 'a'`) });
    const { status, json } = await asking.ask('GET', `/responses/${ofA}`, undefined, 'b');
    assert.equal(status, 500);
    assert.match(json.error.message, /cannot be read/);
    assert.match(lines.join(), /a stored text cannot be read.*"tenant":"b".*its key is not in the database/);
    // Nor with the key of its tenant, wrapped as it is.
    await all.database.batch({ moved: write(sql`UPDATE tenant_keys SET tenant = 'b' WHERE tenant = 'a'`) });
    const other = await all.open();
    assert.equal((await other.ask('GET', `/responses/${ofA}`, undefined, 'b')).status, 500);
    assert.match(lines.at(-1) ?? '', /does not open with the secret k1/);
    assert.equal((await other.ask('GET', '/responses', undefined, 'b')).json.data.length, 1);
  });

  test('opens for its user alone where users are apart, and whoever may list the whole tenant reads all', async (t) => {
    const all = await subject(t);
    const lines = logged(t);
    const name = all.model.script(says('Yes.'));
    const asking = await all.open(
      { isolation: 'user', auth: undefined },
      {
        identify: (request) => {
          const user = request.headers.get(TENANT) ?? 'a';
          return {
            id: user,
            tenant: 't',
            user,
            scopes: user === 'root' ? ['read', 'write', 'admin'] : ['read', 'write'],
          };
        },
      },
    );
    const ofA = await turn(asking, name, 'of a');
    const ofB = await turn(asking, name, 'of b', undefined, 'b');
    const whole = await asking.ask('GET', '/responses', undefined, 'root');
    assert.deepEqual(new Set(whole.json.data.map(({ id }: { id: string }) => id)), new Set([ofA, ofB]));
    for (const table of ['responses', 'items'])
      await all.database.batch({
        moved: write(sql`UPDATE ${raw(table)} SET tenant = ${'t\u001fb'} WHERE tenant = ${'t\u001fa'}`),
      });
    assert.equal((await asking.ask('GET', `/responses/${ofA}`, undefined, 'b')).status, 500);
    assert.match(lines.join(), /it is not as it was written/);
    assert.equal((await asking.ask('GET', `/responses/${ofB}`, undefined, 'b')).status, 200);
  });

  for (const [what, change] of Object.entries({
    changed: (body: string) => body.slice(0, -10) + (body.at(-10) === 'A' ? 'B' : 'A') + body.slice(-9),
    'cut off': (body: string) => body.slice(0, 60),
    'cut off in its first characters': (body: string) => body.slice(0, 3),
    'of a newer version': (body: string) => body.replace('1', '2'),
    'of a key that there is not': (body: string) => body.replace(/\..*?\./, '.never.'),
  })) {
    test(`and ${what}: the turn that needs it is refused, the log says why, and all else goes on`, async (t) => {
      const all = await subject(t);
      const lines = logged(t);
      const name = all.model.script(says('Yes.'));
      const asking = await all.open();
      const first = await turn(asking, name, 'first');
      const second = await turn(asking, name, 'second');
      const [body = ''] = (
        await all.database.batch({ rows: read(sql`SELECT body FROM items WHERE holder = ${first} AND side = 'input'`) })
      ).rows.map(({ body }) => String(body));
      await all.database.batch({
        changed: write(sql`UPDATE items SET body = ${change(body)} WHERE holder = ${first} AND side = 'input'`),
      });
      const other = await all.open();
      const { status, json } = await other.ask('POST', '/responses', {
        model: name,
        input: 'on',
        previous_response_id: first,
      });
      assert.equal(status, 500);
      assert.match(json.error.message, /What is stored here cannot be read/);
      assert.equal(lines.filter((line) => line.includes('a stored text cannot be read')).length, 1);
      assert.equal((await other.ask('GET', `/responses/${first}/input_items`)).status, 500);
      assert.equal((await other.ask('GET', `/responses/${first}`)).status, 200);
      await turn(other, name, 'third', second);
      assert.match(toldLast(all, name), /second/);
      await other.handler.sweep();
    });
  }
});

describe('secrets that do not open what is in the database', () => {
  test('are told at the start', async (t) => {
    const all = await subject(t);
    const asking = await all.open();
    await asking.handler.check();
    await turn(asking, all.model.script(says('Yes.')), 'first');
    await asking.handler.check();
    const told = async (config: Partial<Config>) => {
      const { handler } = await all.open(config);
      return handler.check().then(
        () => 'nothing',
        (error) => String(error.message),
      );
    };
    assert.match(await told({ secrets: [K2] }), /secrets.*lacks k1/);
    assert.match(await told({ secrets: [{ ...K2, id: 'k1' }] }), /secrets.*has another key for k1/);
    assert.match(await told({ secrets: [], encryptAtRest: false }), /secrets.*is needed/);
    assert.equal(await told({ secrets: [K2, K1] }), 'nothing');
    assert.equal(await told({ secrets: [K1], encryptAtRest: false }), 'nothing');
  });

  test('and a setting without a secret is a mistake', () => {
    const config = { models: [{ match: '*', backend: 'demo' }], encryptAtRest: true };
    assert.throws(() => parseConfig(config), /encryptAtRest.*needs one of `secrets`/);
    assert.throws(
      () => parseConfig({ ...config, secrets: [{ id: 'k', key: 'too short to seal' }] }),
      /secrets|encryptAtRest/,
    );
    assert.throws(() => parseConfig({ ...config, encryptAtRest: 'yes', secrets: [K1] }), /must be true or false/);
  });
});

test('Node’s own functions and WebCrypto read what the other wrote, and neither what was bound to another place', async () => {
  const key = crypto.getRandomValues(new Uint8Array(32));
  const [web, node] = [await openWebCipher(key), await openNodeCipher(key)];
  const texts = [
    '',
    'a',
    '{"text":"snow in Z\u00fcrich \u2603 \ud83d\ude00"}',
    '\ufeffwith a mark',
    'x'.repeat(400_000),
  ];
  for (const text of texts) {
    const [ofWeb, ofNode] = [await web.encrypt(text, 'here'), await node.encrypt(text, 'here')];
    assert.equal(ofWeb.length, ofNode.length);
    assert.equal(await web.decrypt(ofNode, 'here'), text);
    assert.equal(await node.decrypt(ofWeb, 'here'), text);
    for (const cipher of [web, node]) {
      await assert.rejects(async () => cipher.decrypt(ofWeb, 'there'));
      await assert.rejects(async () => cipher.decrypt(ofNode.slice(0, 24), 'here'));
      await assert.rejects(async () => cipher.decrypt('', 'here'));
    }
  }
  const many = new Set(await Promise.all(Array.from({ length: 2_000 }, async () => node.encrypt('same', 'here'))));
  assert.equal(many.size, 2_000, 'each with an IV of its own');
});
