import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placesOf } from '../handler/neighbours/forwarded/byte-search.ts';
import { readModelForm } from '../handler/neighbours/forwarded/multipart.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

test('bytes are found wherever they are, overlapping or not', () => {
  const all = ['', 'a', 'aa', 'ab', 'aab', 'abab', 'aabaab', '--b', '-'];
  const texts = ['', 'a', 'aaaa', 'abababab', 'aabaabaabaab', '----b--b', 'ba-a--b'];
  for (const needle of all)
    for (const text of texts) {
      const expected: number[] = [];
      if (needle !== '')
        for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1)) expected.push(at);
      // What overlaps is found as well: a boundary is nowhere but where a part begins.
      assert.deepEqual([...placesOf(bytes(needle), bytes(text))], expected, `${needle} in ${text}`);
    }
});

test('a form gets another model in its one field, and is the same bytes otherwise', async () => {
  const form = new FormData();
  form.append('model', 'whisper');
  form.append('file', new Blob(['\r\n--x\r\nmodel\r\n']), 'f.wav');
  form.append('prompt', 'whisper');
  const request = new Request('http://x', { method: 'POST', body: form });
  const type = request.headers.get('content-type') ?? '';
  const given = new Uint8Array(await request.arrayBuffer());
  const { model, bytesFor } = readModelForm(given, type);
  assert.equal(model, 'whisper');
  assert.equal(bytesFor('whisper'), given);
  for (const name of ['w', 'openai/whisper-large-v3', 'größer']) {
    const changed = await new Response(bytesFor(name), { headers: { 'content-type': type } }).formData();
    assert.deepEqual([changed.get('model'), changed.get('prompt')], [name, 'whisper']);
    assert.equal(await (changed.get('file') as File).text(), '\r\n--x\r\nmodel\r\n');
  }
});
