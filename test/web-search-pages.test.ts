import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { findText } from '../handler/tools/web-search/find-text.ts';
import { loadPage } from '../handler/tools/web-search/page.ts';
import { reducePage } from '../handler/tools/web-search/page-reducer.ts';
import { onePage, pdf, pdfOf } from './support/pdf.ts';
import { type ScriptedWeb, startScriptedWeb } from './support/scripted-web.ts';

let web: ScriptedWeb;
before(async () => {
  web = await startScriptedWeb();
});
after(() => web.close());

let pages = 0;
function load(body: string | Uint8Array, type = 'text/html; charset=utf-8') {
  const url = web.page(`/${pages++}`, { title: '', snippet: '', body, type });
  return loadPage(fetch, reducePage, url, new AbortController().signal);
}

const prose =
  'The council met on Tuesday, and after a long talk, in which all took part, it decided to restore the bridge. ';

/** What a page may be made of. */
const PIECES = [
  '<',
  '&lt;',
  '<a href="x',
  '<script ',
  '<!--',
  '</div>',
  '<div x=1 y=2 ',
  '<p>',
  '<svg>',
  '<title>',
  ' a="',
];

describe('HTML', () => {
  test('is the text of its article, with headings, lists, tables and code, and its links', async () => {
    const { title, text, links } =
      await load(`<!doctype html><html><head><title>Snow &amp; ice</title><base href="/docs/"></head>
      <body><nav><a href="/x">menu</a></nav><script>if(a<b) document.write("<div>")</script><article>
      <h2>Where</h2><p>${prose.repeat(5)}<a href="winter#x">Winter</a> <a href="mailto:a@b.c">mail</a></p>
      <ul><li>One</li><li>Two</li></ul><table><tr><td>a</td><td>b</td></tr></table><pre>x = 1\n  y = 2</pre>
      </article><footer>imprint</footer></body></html>`);
    assert.equal(title, 'Snow & ice');
    assert.deepEqual(links, [{ url: `${web.origin}/docs/winter`, text: 'Winter' }]);
    for (const part of ['## Where', prose.trim(), '- One\n- Two', '| a | b', 'x = 1\n  y = 2'])
      assert.ok(text.includes(part), text);
    assert.doesNotMatch(text, /menu|imprint|document\.write/);
  });

  test('without an article is all of its text', async () => {
    const { text } = await load('<p>Short.</p><p>Words.</p>');
    assert.equal(text, 'Short.\nWords.');
  });

  test('is read by its charset: of the header, of the page, or as it comes', async () => {
    const latin = new Uint8Array([...'<p>caf'].map((c) => c.charCodeAt(0)).concat(0xe9));
    assert.equal((await load(latin, 'text/html; charset=iso-8859-1')).text, 'café');
    const named = new Uint8Array([...'<meta charset="windows-1252"><p>caf'].map((c) => c.charCodeAt(0)).concat(0xe9));
    assert.equal((await load(named, 'text/html')).text, 'café');
    assert.equal((await load('<p>café', 'text/html; charset=nobody-knows')).text, 'café');
  });

  test('that would take a parser long, or the stack, is its text without tags', async () => {
    const deep = await load(`<body>${'<div>'.repeat(20_000)}deep &amp; cold${'</div>'.repeat(20_000)}`);
    assert.equal(deep.text, 'deep & cold');
    assert.match((await load(`<body>${'<p>word <b>bold</b></p>'.repeat(20_000)}`)).text, /^word bold\nword bold\n/);
    assert.equal((await load(`<body>${'<i/>'.repeat(1_000)}deep`)).text, 'deep');
  });

  test('is read as browsers do, though it is written anew for its parser', async () => {
    const { text, links, title } = await load(`<TITLE>a > b &amp; <i>c</i></TITLE><body>
      <a title="x > y" href='/q?a="1"'>One</a> <p title='a' x=<b>Two</p></p></div>
      <p>Three <b>bold<p>Four</b> a < b <- c &lt;i&gt; <svg><title>no</title><a/></svg><img alt="x > y">
      <!-- <p>never --> <script>if (a < b) "</p>"</script >Five<table><tr><td>6<td>7<tr><td>8</table><select><option>no</select>`);
    assert.equal(title, 'a > b & <i>c</i>');
    assert.equal(text, 'One\nTwo\nThree bold\nFour\na < b <- c <i> Five\n| 6 | 7\n| 8');
    assert.deepEqual(links, [{ url: `${web.origin}/q?a=%221%22`, text: 'One' }]);
  });

  test('keeps the text of elements that are too deep, and no address that is too long', async () => {
    const { text, links } = await load(
      `<base href="/${'a'.repeat(3_000)}/"><body>${'<div>'.repeat(500)}deep <a href="x">link</a>${'</div>'.repeat(500)}
      <a href="/${'b'.repeat(3_000)}">long</a><p>after`,
    );
    assert.match(text, /^deep link ?\nlong\nafter$/);
    assert.deepEqual(links, []);
  });

  test('takes time in proportion to its length, whatever it is made of', async () => {
    const article = `<p>${prose.repeat(5)}</p>`;
    for (const [piece, before = '', after = ''] of [
      [' ', '<pre>', 'x</pre>'],
      ['a', `<article>${article}<img srcset="`, ' b"></article>'],
      [' ', '<meta property="', `x" content="y">${article}`],
      ...PIECES.map((piece) => [piece] as const),
    ] as const) {
      const times = [20_000, 160_000].map((length) => {
        const html = `${before}${piece.repeat(length / piece.length)}${after}`;
        return async () => {
          const before = process.cpuUsage();
          await load(`<body>${html}`);
          const { user } = process.cpuUsage(before);
          return user;
        };
      });
      await times[0]?.(); // compiled
      const [short = 0, long = 0] = [await times[0]?.(), await times[1]?.()];
      assert.ok(long < 40 * Math.max(short, 10_000), `${before}${piece}: ${short} and ${long} us`);
    }
  });
});

test('words are found in any case and with any white space between them, and stand where they are said to', () => {
  const text = 'İstanbul: the OLD\n  bridge. The old bridge, theold  bridge. aaab';
  const found = (words: string) => [...findText(text, words)].map(({ start, end }) => text.slice(start, end));
  assert.deepEqual(found(' the  old bridge'), ['the OLD\n  bridge', 'The old bridge']);
  assert.deepEqual(found('old bridge'), ['OLD\n  bridge', 'old bridge', 'old  bridge']);
  assert.deepEqual(found('AAB'), ['aab']);
  assert.deepEqual(found('aa'), ['aa', 'aa']);
  assert.deepEqual(found('İstanbul'), ['İstanbul']);
  assert.deepEqual([found('.*'), found(' ')], [[], []]);
});

test('plain texts and JSON are what they say', async () => {
  assert.equal((await load('{"a":1}', 'application/json')).text, '{"a":1}');
  const page = await load('words\n<b>', 'text/plain');
  assert.deepEqual([page.text, page.title], ['words\n<b>', `127.0.0.1: ${pages - 1}`]);
});

test('of a page without end as much is read as a model may want', async () => {
  const { text } = await load('x'.repeat(3_000_000), 'text/plain');
  assert.equal(text.length, 1024 * 1024);
});

test('a PDF file is the text of its pages; one without text, or that is none, says so', async () => {
  const page = await load(pdf('Snow fell on 12 March 2031.'), 'application/pdf');
  assert.match(page.text, /Snow fell on 12 March 2031\./);
  await assert.rejects(load(pdf(''), 'application/pdf'), /has no text: its pages are images/);
  await assert.rejects(load('%PDF-1.4 broken', 'application/pdf'), /cannot be read/);
});

test('of a PDF file as much is read as a model may want, though it is all on one page', async () => {
  const lines = `(${'word '.repeat(200)}) Tj T*\n`.repeat(1_000);
  const file = pdfOf(onePage({ data: `BT /F1 1 Tf 1 TL 0 1100 Td ${lines} ET` }));
  assert.equal((await load(file, 'application/pdf')).text.length, 400_000);
});
