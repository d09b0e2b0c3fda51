import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { freePort } from './ports.ts';

/** A page of the scripted web. */
export interface ScriptedPage {
  title: string;
  /** What a search tells of it. */
  snippet: string;
  body: string | Uint8Array;
  type?: string;
  status?: number;
  headers?: Record<string, string>;
}

/** A request as the scripted web got it. */
export interface WebRequest {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into what was sent without a schema
  body: any;
}

/** What the search answers in place of its results. */
export interface WebFailure {
  status: number;
  type?: string;
  body?: string;
  headers?: Record<string, string>;
}

/** Pages, and a search over them (those first whose titles share most words with it) in the shapes of SearXNG, Brave, Tavily and Exa, on a real port. A search of SearXNG for `hang` has no end. */
export interface ScriptedWeb {
  readonly origin: string;
  /** Puts a page at a path, and gives its URL. */
  page(path: string, page: ScriptedPage): string;
  /** The requests so far, of one path, or of all. */
  requests(path?: string): WebRequest[];
  /** What searches answer from now on; undefined is what they find. */
  fail(failure: WebFailure | undefined): void;
  /** What replies wait for from now on. */
  hold(until: () => Promise<void>): void;
  close(): Promise<void>;
}

/** Starts it on a free port of the loopback. */
export async function startScriptedWeb(): Promise<ScriptedWeb> {
  const pages = new Map<string, ScriptedPage>();
  const requests: WebRequest[] = [];
  let failure: WebFailure | undefined;
  let held = async () => {};
  let origin = '';
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const url = new URL(req.url ?? '/', origin);
    requests.push({
      method: req.method ?? '',
      url,
      headers: req.headers,
      body: text === '' ? undefined : JSON.parse(text),
    });
    await held();
    const shape = shapes[`${req.method} ${url.pathname}`];
    if (shape && url.searchParams.get('q') === 'hang') return;
    if (shape && failure) {
      res.writeHead(failure.status, { 'content-type': failure.type ?? 'application/json', ...failure.headers });
      return void res.end(failure.body ?? '{}');
    }
    if (shape) {
      const asked = words(url.searchParams.get('q') ?? JSON.stringify(requests.at(-1)?.body ?? ''));
      const found = [...pages].map(([path, page]) => ({ url: `${origin}${path}`, page }));
      const shared = ({ page }: Found[number]) => words(page.title).filter((word) => asked.includes(word)).length;
      found.sort((a, b) => shared(b) - shared(a));
      return void res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(shape(found)));
    }
    const page = pages.get(url.pathname);
    if (!page) return void res.writeHead(404, { 'content-type': 'text/html' }).end('<p>no such page</p>');
    res.writeHead(page.status ?? 200, { 'content-type': page.type ?? 'text/html; charset=utf-8', ...page.headers });
    res.end(page.body);
  });
  server.listen(await freePort(), '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  return {
    origin,
    page(path, page) {
      pages.set(path, page);
      return `${origin}${path}`;
    },
    requests: (path) => requests.filter(({ url }) => path === undefined || url.pathname === path),
    hold(until) {
      held = until;
    },
    fail(next) {
      failure = next;
    },
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function words(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\d]+/gu) ?? [];
}

type Found = { url: string; page: ScriptedPage }[];

/** Each provider's answer, by method and path. */
const shapes: Record<string, (found: Found) => object> = {
  'GET /search': (found) => ({
    query: 'q',
    number_of_results: 0,
    results: found.map(({ url, page }) => ({
      ...{ url, title: page.title, content: page.snippet, engine: 'test', score: 1, publishedDate: null },
    })),
    answers: [],
    unresponsive_engines: [],
  }),
  'GET /res/v1/web/search': (found) => ({
    type: 'search',
    web: {
      type: 'search',
      results: found.map(({ url, page }) => ({
        ...{
          url,
          title: page.title,
          description: `<strong>${page.snippet}</strong> &amp; more`,
          page_age: '2026-01-02',
        },
        extra_snippets: ['Another &#39;piece&#39;.'],
      })),
    },
  }),
  'POST /tavily/search': (found) => ({
    query: 'q',
    results: found.map(({ url, page }) => ({
      url,
      title: page.title,
      content: page.snippet,
      score: 0.9,
      raw_content: null,
    })),
    response_time: 0.1,
  }),
  'POST /exa/search': (found) => ({
    requestId: 'r',
    results: found.map(({ url, page }) => ({
      ...{ id: url, url, title: page.title, text: page.snippet, publishedDate: '2026-01-02T00:00:00.000Z' },
    })),
  }),
};
