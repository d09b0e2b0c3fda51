import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definitionsOf } from '../handler/tools/web-search/definitions.ts';
import { Sources } from '../handler/tools/web-search/sources.ts';
import { tellFound, tellResults } from '../handler/tools/web-search/words.ts';
import { loadTokenizer } from '../shim/tokenizer.ts';

test('a model reads at most 600 tokens of how to search and cite, results aside', async () => {
  const count = await loadTokenizer();
  const location = {
    type: 'approximate',
    city: 'Paris',
    country: 'FR',
    region: 'Île-de-France',
    timezone: 'Europe/Paris',
  } as const;
  const tools = definitionsOf({ opensPages: true, location }).map((definition) => ({
    type: 'function',
    function: definition,
  }));
  const page = { url: 'http://a.test/', title: 'T', text: 'x' };
  const size = { results: 1, resultText: 10, partText: 10, foundText: 10, links: 1 };
  const frame = tellResults('q', [page], new Sources([]), size);
  const tokens = count(JSON.stringify(tools)) + count(frame);
  assert.ok(tokens <= 600, `${tokens} tokens`);
  assert.ok(tokens > 200, `${tokens} tokens`); // else something is not counted
});

test('words are found as they are written, whatever an expression makes of their characters', () => {
  const size = { results: 1, resultText: 10, partText: 10, foundText: 80, links: 1 };
  const source = { number: 1, url: 'http://a.test/', title: 'T', isRead: true };
  for (const words of ['a well-known bridge', '$5 (or [6]/{7})', 'C:\\d+ ^*?.|', '-', '&& ~~ 雪']) {
    const page = { url: 'http://a.test/', title: 'T', text: `Before. ${words} Behind.`, links: [] };
    assert.match(tellFound(page, source, words, size), /\.\.\. Before\..* \.\.\./);
    assert.match(tellFound({ ...page, text: 'Nothing.' }, source, words, size), /is not on the page/);
  }
});
