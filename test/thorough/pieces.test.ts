import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { demo } from '../../handler/backend/demo.ts';
import { JsonText } from '../../handler/backend/functions/json-text.ts';
import { modelsOf } from '../../handler/routing/models.ts';
import { anyServer } from '../support/backend-contract.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test('a JSON text that comes in pieces is whole exactly when it can be parsed', () => {
  const texts = fc.oneof(
    fc.json(),
    fc.tuple(fc.json(), fc.constantFrom(' ', '\n\t', 'x', '{}', ']', '\u0000')).map((parts) => parts.join('')),
    fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', '1', ' ') }),
  );
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 4 }), (text, size) => {
      const pieces = new JsonText();
      for (let at = 0; at < text.length; at += size) {
        pieces.add(text.slice(at, at + size));
        assert.equal(pieces.text, text.slice(0, at + size));
        assert.equal(pieces.isWhole, isJson(pieces.text), JSON.stringify(pieces.text));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a pattern matches what a regular expression of it would', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.', '\n'), maxLength: 8 });
  const patterns = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '*'), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(patterns, letters, (match, name) => {
      const parts = match.split('*').map((part) => part.replaceAll('.', '\\.'));
      const models = modelsOf([
        {
          match,
          servers: [{ backend: demo, address: { backend: 'demo', urlHost: null }, profile: anyServer }],
          context: 7,
        },
      ]);
      if (new RegExp(`^${parts.join('.*')}$`, 's').test(name)) assert.equal(models.find(name).context, 7);
      else assert.throws(() => models.find(name), { kind: 'model_not_found' });
    }),
    { numRuns: 5_000 },
  );
});
