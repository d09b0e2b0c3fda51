import { toBase64 } from '../../base64.ts';
import type { Services } from '../../service/services.ts';
import { renderDocs, STYLE } from '../openapi/docs-page.ts';
import { describeApi } from '../openapi/document.ts';
import { type Route, route } from '../route.ts';

/** The documents of all routes: OpenAPI 3.1, and a page that loads and runs nothing. */
export function documents(routes: () => readonly Route[]): Route[] {
  const pages = new WeakMap<Services['tools'], Pages>();
  const pagesOf = (services: Services) => {
    const rendered = pages.get(services.tools) ?? describe(routes(), services);
    pages.set(services.tools, rendered);
    return rendered;
  };
  return [
    route({
      method: 'GET',
      path: '/openapi.json',
      operationId: 'getDocument',
      summary: 'This document',
      reply: { 'application/json': { type: 'object' } },
      handle: ({ c, services }) => c.body(pagesOf(services).document, 200, { 'content-type': 'application/json' }),
    }),
    route({
      method: 'GET',
      path: '/docs',
      operationId: 'getDocs',
      summary: 'This document, to be read',
      reply: { 'text/html': { type: 'string' } },
      async handle({ c, services }) {
        const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(STYLE));
        const hash = toBase64(new Uint8Array(digest));
        return c.html(pagesOf(services).docs, 200, {
          'content-security-policy': `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
        });
      },
    }),
  ];
}

/** Both documents of a handler, made at the first request for one: making them takes milliseconds. */
interface Pages {
  document: string;
  docs: string;
}

function describe(routes: readonly Route[], { tools, basePath }: Services): Pages {
  const api = describeApi(routes, [...tools.registered.keys(), ...tools.dropped], basePath);
  return { document: JSON.stringify(api), docs: renderDocs(api) };
}
