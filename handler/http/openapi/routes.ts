import type { Context } from 'hono';
import { toBase64 } from '../../base64.ts';
import type { Services } from '../../service/services.ts';
import type { ServerTools } from '../../turn/tools.ts';
import type { Env } from '../env.ts';
import { renderDocs, STYLE } from './docs-page.ts';
import { describeApi } from './document.ts';

/** `GET /openapi.json`: the API as OpenAPI 3.1, made of the schemas that requests are checked with. */
export function getDocument(c: Context<Env>, services: Services): Response {
  return c.body(pagesOf(services).document, 200, { 'content-type': 'application/json' });
}

/** `GET /docs`: the same as a page, which may load nothing and run nothing. */
export async function getDocs(c: Context<Env>, services: Services): Promise<Response> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(STYLE));
  const hash = toBase64(new Uint8Array(digest));
  return c.html(pagesOf(services).docs, 200, {
    'content-security-policy': `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
}

/** Both pages, made once for each handler, when one of them is first asked for: making them takes milliseconds. */
function pagesOf({ tools, basePath }: Services): { document: string; docs: string } {
  const known = made.get(tools);
  if (known) return known;
  const api = describeApi([...tools.registered.keys(), ...tools.dropped], basePath);
  const pages = { document: JSON.stringify(api), docs: renderDocs(api) };
  made.set(tools, pages);
  return pages;
}

const made = new WeakMap<ServerTools, { document: string; docs: string }>();
