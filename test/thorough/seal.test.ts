import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../handler/index.ts';
import { isSealed, makeSecret, sealWith } from '../../handler/seal.ts';
import { sealVersion1 } from '../support/version-1-seal.ts';

const long = { id: 'k1', key: 'a secret of thirty-two bytes, k1' };
const short = { id: 'old', key: 'sixteen bytes, !' };

test('what is sealed opens for its purpose and its tenant, and for nothing else', async () => {
  const seals = sealWith([long]);
  const sealed = await seals('a').seal('reasoning', 'Hm \u{1f600}');
  assert.match(sealed, /^antiphon\.2\.k1\.[\w+/=]+\.[\w+/=]+$/);
  assert.equal(await seals('a').open('reasoning', sealed), 'Hm \u{1f600}');
  assert.equal(await sealWith([makeSecret('k2'), long])('a').open('reasoning', sealed), 'Hm \u{1f600}');
  assert.equal(await seals('a').open('compaction', sealed), undefined);
  assert.equal(await seals('b').open('reasoning', sealed), undefined);
  assert.equal(
    await sealWith([{ ...long, id: 'k2' }])('a').open('reasoning', sealed.replace('.k1.', '.k2.')),
    undefined,
  );
  assert.equal(await seals('a').open('reasoning', sealed.replace('antiphon.2', 'antiphon.1')), undefined);
  const parts = sealed.split('.');
  for (const at of [3, 4]) {
    const other = parts.map((part, index) => (index === at ? (part[0] === 'A' ? 'B' : 'A') + part.slice(1) : part));
    assert.equal(await seals('a').open('reasoning', other.join('.')), undefined);
  }
  for (const text of ['', 'antiphon', 'antiphon.2', 'antiphon.2.k1', 'antiphon.2.k1.%.%', `${sealed.slice(0, -8)}`])
    assert.equal(await seals('a').open('reasoning', text), undefined, text);
});

test('what version 1 sealed still opens, with short secrets as well', async () => {
  for (const secret of [long, short]) {
    const sealed = await sealVersion1(secret, 'Said long ago.');
    for (const purpose of ['reasoning', 'compaction'] as const)
      assert.equal(await sealWith([long, short])('default').open(purpose, sealed), 'Said long ago.');
    assert.equal(await sealWith([makeSecret('k3')])('default').open('reasoning', sealed), undefined);
  }
});

test('the first secret of 32 bytes seals, and none that is shorter', async () => {
  const sealed = await sealWith([short, long])('default').seal('compaction', 'x');
  assert.match(sealed, /^antiphon\.2\.k1\./);
  await assert.rejects(sealWith([short])('default').seal('compaction', 'x'), /32 bytes/);
  const shared = { id: 'database', read: async () => makeSecret('database') };
  await assert.rejects(sealWith([short], shared)('default').seal('compaction', 'x'), /32 bytes/);
  assert.match(await sealWith([], shared)('default').seal('compaction', 'x'), /^antiphon\.2\.database\./);
});

test('a configuration without a secret of full length is refused, with the cure', () => {
  assert.throws(() => parseConfig({ secrets: [short] }), /secrets need one .*32 bytes.*openssl rand -base64 32/);
  assert.deepEqual(parseConfig({ secrets: [short, long] }).secrets, [short, long]);
  // Bytes count, not characters.
  assert.equal(parseConfig({ secrets: [{ id: 'k', key: '\u00e9'.repeat(16) }] }).secrets.length, 1);
});

test('what a later version sealed is known as ours, and cannot be read', async () => {
  assert.ok(isSealed('antiphon.3.k1.AA.AA') && !isSealed('antiphon.x') && !isSealed('gAAAAA'));
  assert.equal(await sealWith([long])('default').open('reasoning', 'antiphon.3.k1.AA==.AA=='), undefined);
});
