import assert from 'node:assert/strict';
import { findText } from '../../handler/tools/web-search/find-text.ts';
import { readHtml } from '../../handler/tools/web-search/html.ts';
import type { Case } from './scene.ts';

const prose =
  'The council met on Tuesday, and after a long talk, in which all took part, it decided to restore the bridge. ';
const article = `<article><p>${prose.repeat(10)}</p></article>`;

/** HTML made of pieces until it has so many characters. */
function filled(length: number, piece: (n: number) => string): string {
  const pieces: string[] = [];
  for (let [n, size] = [0, 0]; size < length; n++) {
    const next = piece(n);
    pieces.push(next);
    size += next.length;
  }
  return pieces.join('');
}

/** What a page of the web can be made of. */
const kinds: Readonly<Record<string, (length: number) => string>> = {
  'names of attributes, each another one': (length) => `<p ${filled(length, (n) => `a${n} `)}>x</p>${article}`,
  'attributes of many elements': (length) => filled(length, (n) => `<p a${n}=1 b${n}=2 c${n}=3>x`),
  'one long attribute': (length) => `<p class="${'a '.repeat(length / 2)}">x</p>${article}`,
  'attributes without an end': (length) => '<a b="'.repeat(length / 6),
  'ends of elements that never began': (length) => '</p>'.repeat(length / 4),
  'elements that never end': (length) => '<b>'.repeat(length / 3),
  'elements that end one another only where they stand side by side': (length) => '<li><p>'.repeat(length / 7),
  'a text in elements inside one another': (length) => `${'<div>'.repeat(390)}<p>${'abc, '.repeat(length / 5)}`,
  'a text in links inside one another': (length) => `${'<a href=x>'.repeat(380)}${'abc '.repeat(length / 4)}`,
  'elements inside one another, again and again': (length) =>
    filled(length, () => `${'<div>'.repeat(300)}x${'</div>'.repeat(300)}`),
  'tables inside one another': (length) => '<table><tr><td>'.repeat(length / 15),
  headings: (length) => `<title>a b</title>${'<h1>a</h1>'.repeat(length / 10)}`,
  'links below a long address': (length) =>
    `<base href="/${'a'.repeat(length / 2)}/">${filled(length / 2, (n) => `<a href="x${n}">y</a>`)}`,
  entities: (length) => '&lt;'.repeat(length / 4),
  comments: (length) => '<!---->'.repeat(length / 7),
  'beginnings of comments': (length) => '<!--'.repeat(length / 4),
  'document types': (length) => '<!DOCTYPE a>'.repeat(length / 12),
  'beginnings of scripts': (length) => '<script>'.repeat(length / 8),
  'scripts that hardly end': (length) => '<script></script '.repeat(length / 17),
  titles: (length) => '<title>'.repeat(length / 7),
  'white space': (length) => `<pre>${' \n'.repeat(length / 2)}x</pre>`,
};

// What is made long in them stands for what their parsers are slow with.
const html: Case[] = Object.entries(kinds).map(([says, make]) => ({
  says,
  size: 60_000,
  run: async (_, length) => readHtml(make(length), 'http://x/'),
}));

/** Pages of the web, and texts that are looked for in them. */
export const pages: Case[] = [
  ...html,
  {
    says: 'words that nearly stand on a page, everywhere',
    size: 60_000,
    run: async (_, length) =>
      assert.deepEqual([...findText('a '.repeat(length / 2), `${'a '.repeat(length / 400)}z`)], []),
  },
];
