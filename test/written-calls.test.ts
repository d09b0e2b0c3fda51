import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WrittenCall } from '../handler/backend/functions/call-schema.ts';

/** What comes of a text that arrives in these pieces. */
function read(pieces: readonly string[]) {
  const call = new WrittenCall(new Set(['f', 'a "quoted" name']));
  const parts = [...pieces.map((piece) => call.add(piece)), call.end()];
  const join = (of: 'name' | 'arguments' | 'text') => parts.map((part) => part[of] ?? '').join('');
  return { name: join('name'), arguments: join('arguments'), text: join('text') };
}

function cut(text: string, at: readonly number[]): string[] {
  const places = [0, ...at.map((part) => Math.floor(part * text.length)).sort((a, b) => a - b), text.length];
  return places.slice(1).map((end, index) => text.slice(places[index], end));
}

const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });

test('a call is read in whatever pieces it comes, in all ways to write JSON, and nothing of what follows is', () => {
  const args = fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.integer({ min: 0, max: 3 }));
  const around = fc.constantFrom(['', ''], [' \n', '\n\n'], ['```json\n', '\n```'], ['```', '``` {"name"']);
  fc.assert(
    fc.property(args, around, fc.constantFrom('f', 'a "quoted" name'), places, ([value, indent], [a, z], name, at) => {
      const json = JSON.stringify(value, null, indent);
      const text = `${a}{ "name":${JSON.stringify(name)} ,"arguments" : ${json}}${z}`;
      assert.deepEqual(read(cut(text, at)), { name, arguments: json, text: '' });
    }),
  );
});

test('a text that is no call of a function that may be called is a text, whole and at once', () => {
  const texts = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '{"name":"g","arguments":{}}',
      '{"name":"f","arguments":[]}',
      '{"arguments":{},"name":"f"}',
      '{"name":"\\x',
    ),
  );
  fc.assert(
    fc.property(texts, places, (text, at) => {
      assert.deepEqual(read(cut(text, at)), { name: '', arguments: '', text });
    }),
  );
  for (const begun of ['It', '{"a"', '```js\n', '```python', '`x', '[{', '{ "names"'])
    assert.deepEqual(new WrittenCall(new Set(['f'])).add(begun), { text: begun }, 'it is not held back');
  const call = new WrittenCall(new Set(['f']));
  const long = 'The weather in Oslo. '.repeat(13);
  assert.deepEqual(call.add(long), { text: long }, 'it is not held to its end');
  assert.deepEqual(call.add('More.'), { text: 'More.' });
});
