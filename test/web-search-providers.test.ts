import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SearchFailure, type SearchOptions, type SearchWeb } from '../handler/tools/web-search/provider.ts';
import { openBrave } from '../handler/tools/web-search/providers/brave.ts';
import { openExa } from '../handler/tools/web-search/providers/exa.ts';
import { openSearxng } from '../handler/tools/web-search/providers/searxng.ts';
import { openTavily } from '../handler/tools/web-search/providers/tavily.ts';
import { UNREACHABLE } from './support/ports.ts';
import { type ScriptedWeb, startScriptedWeb, type WebFailure } from './support/scripted-web.ts';

const KEY = 'the-key';
const options: SearchOptions = {
  count: 2,
  domains: [],
  country: 'fr',
  textLength: 300,
  signal: new AbortController().signal,
};

let web: ScriptedWeb;
before(async () => {
  web = await startScriptedWeb();
  for (const name of ['a', 'b', 'c'])
    web.page(`/${name}`, { title: `Page ${name}`, snippet: `Words ${name}.`, body: '' });
});
after(() => web.close());

/** Each provider with its path, and what a search for `snow` is there: without domains, and with two. */
const providers: Record<string, { open: (base: string) => SearchWeb; path: string; asks: object; narrowed: object }> = {
  searxng: {
    open: (base) => openSearxng(fetch, new URL(base)),
    path: '/search',
    asks: { method: 'GET', query: { q: 'snow', format: 'json' } },
    narrowed: { query: { q: 'snow (site:a.test OR site:b.test)', format: 'json' } },
  },
  brave: {
    open: (base) => openBrave(fetch, new URL(`${base}/res/v1/web/search`), KEY),
    path: '/res/v1/web/search',
    asks: {
      method: 'GET',
      query: { q: 'snow', count: '2', country: 'FR', extra_snippets: 'true' },
      headers: { 'x-subscription-token': KEY },
    },
    narrowed: {
      query: { q: 'snow (site:a.test OR site:b.test)', count: '2', country: 'FR', extra_snippets: 'true' },
    },
  },
  tavily: {
    open: (base) => openTavily(fetch, new URL(`${base}/tavily/search`), KEY),
    path: '/tavily/search',
    asks: { method: 'POST', body: { query: 'snow', max_results: 2 }, headers: { authorization: `Bearer ${KEY}` } },
    narrowed: { body: { query: 'snow', max_results: 2, include_domains: ['a.test', 'b.test'] } },
  },
  exa: {
    open: (base) => openExa(fetch, new URL(`${base}/exa/search`), KEY),
    path: '/exa/search',
    asks: {
      method: 'POST',
      body: {
        query: 'snow',
        type: 'auto',
        numResults: 2,
        contents: { text: { maxCharacters: 300 } },
        userLocation: 'FR',
      },
      headers: { 'x-api-key': KEY },
    },
    narrowed: {
      body: {
        ...{
          query: 'snow',
          type: 'auto',
          numResults: 2,
          contents: { text: { maxCharacters: 300 } },
          userLocation: 'FR',
        },
        includeDomains: ['a.test', 'b.test'],
      },
    },
  },
};

function lastRequest(path: string) {
  const { method, url, headers, body } = web.requests(path).at(-1) ?? assert.fail('nothing was asked');
  return { method, query: Object.fromEntries(url.searchParams), headers, body };
}

/** Each failure, and the words that name its cure. */
const failures: [WebFailure, Record<string, RegExp>][] = [
  [{ status: 401, body: '{"detail":"no"}' }, { other: /refuses the key \(401\): `hosted\.web_search\.key`/ }],
  [
    { status: 403, type: 'text/html', body: '<h1>Forbidden</h1>' },
    { searxng: /settings\.yml must list `json` under `search\.formats`/, other: /refuses the key \(403\)/ },
  ],
  [
    { status: 429, headers: { 'retry-after': '7' } },
    { other: /no more searches at the moment \(429\): try again in 7 s/ },
  ],
  [{ status: 429 }, { other: /try again a little later/ }],
  [{ status: 404 }, { other: /`hosted\.web_search\.url` must be that of its API/ }],
  [{ status: 432 }, { tavily: /on this plan \(432\)/, other: /refused the search \(432\)/ }],
  [{ status: 402 }, { exa: /no credits left/, other: /refused the search \(402\)/ }],
  [{ status: 503 }, { other: /failed \(503\): try again later/ }],
  [
    { status: 200, type: 'text/html', body: '<html>results</html>' },
    { other: /answered text\/html in place of JSON: `hosted\.web_search\.url`/ },
  ],
  [{ status: 200, body: '[1]' }, { other: /in place of JSON/ }],
];

for (const [name, { open, path, asks, narrowed }] of Object.entries(providers)) {
  describe(name, () => {
    test('finds pages, as many as are wanted', async () => {
      const found = await open(web.origin)('snow', options);
      assert.equal(found.length, 2);
      assert.partialDeepStrictEqual(found[0], { url: `${web.origin}/a`, title: 'Page a' });
      assert.match(found[0]?.text ?? '', /^Words a\./);
      assert.partialDeepStrictEqual(lastRequest(path), asks);
    });

    test('asks for pages of domains alone', async () => {
      await open(web.origin)('snow', { ...options, domains: ['a.test', 'b.test'] });
      assert.partialDeepStrictEqual(lastRequest(path), narrowed);
    });

    test('a failure says what helps, and neither key nor address', async () => {
      for (const [failure, words] of failures) {
        web.fail(failure);
        const error = await open(web.origin)('snow', options).catch((error) => error);
        web.fail(undefined);
        assert.ok(error instanceof SearchFailure, `${failure.status}: ${error}`);
        assert.match(error.message, words[name] ?? words.other ?? /^$/);
        assert.doesNotMatch(error.message, new RegExp(`${KEY}|127\\.0\\.0\\.1`));
      }
      const unreachable = open(`http://127.0.0.1:${UNREACHABLE}`)('snow', options);
      await assert.rejects(unreachable, { name: 'SearchFailure', message: /cannot be asked/ });
    });

    test('a search that is given up ends with its reason', async () => {
      const reason = new Error('left');
      await assert.rejects(open(web.origin)('snow', { ...options, signal: AbortSignal.abort(reason) }), reason);
    });
  });
}

test('texts of Brave have neither tags nor entities', async () => {
  const [found] = (await providers.brave?.open(web.origin)('snow', options)) ?? [];
  assert.equal(found?.text, "Words a. & more\nAnother 'piece'.");
});

test('a SearXNG below a path is asked there, whether or not its address ends in /search', async () => {
  for (const base of ['', '/', '/search', '/search/']) {
    assert.equal((await openSearxng(fetch, new URL(`${web.origin}${base}`))('snow', options)).length, 2, base);
  }
  web.fail({ status: 200, body: '{"results":[{"url":"javascript:1"},{"url":"http://x.test/"},7]}' });
  const found = await openSearxng(fetch, new URL(web.origin))('snow', options);
  web.fail(undefined);
  assert.deepEqual(found, [{ url: 'http://x.test/', title: 'x.test', text: '' }]);
});
