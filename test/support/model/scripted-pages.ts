import type { IncomingMessage, ServerResponse } from 'node:http';

/** Where the pages and their search are, as SearXNG has it, on the server of a scripted model. */
export const PAGES = '/web';

/** The search for it, which is refused. */
export const REFUSED_SEARCH = 'what is refused';

const words = 'An article of some length, in words that nobody asks for, about what is cold in winter. '.repeat(5);

/** The pages by their paths below. */
const pages: Readonly<Record<string, { title: string; content: string; body: string }>> = {
  '/snow': { title: 'All about snow', content: 'Snow fell in March.', body: `${words}Snow fell on 12 March 2031.` },
  '/ice': { title: 'Ice', content: 'Ice is colder.', body: `${words}Ice lasted until May.` },
};

/** Answers a search with all pages, and the path of a page with it; tells `asked` what was searched for. */
export function answerPages(
  req: IncomingMessage,
  res: ServerResponse,
  origin: string,
  asked: (query: string) => void,
): void {
  const { pathname, searchParams } = new URL(req.url ?? '/', origin);
  const path = pathname.slice(PAGES.length);
  if (path === '/search') {
    const query = searchParams.get('q') ?? '';
    asked(query);
    if (query === REFUSED_SEARCH) return void res.writeHead(403, { 'content-type': 'text/html' }).end('no');
    const results = Object.entries(pages).map(([at, { title, content }]) => ({
      ...{ url: `${origin}${PAGES}${at}`, title, content },
    }));
    return void res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ query, results }));
  }
  const page = pages[path];
  const { title, body } = page ?? { title: 'No such page', body: '' };
  res.writeHead(page ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' });
  res.end(`<html><head><title>${title}</title></head><body><article><p>${body}</p></article></body></html>`);
}
