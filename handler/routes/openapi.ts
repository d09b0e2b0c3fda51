import type { Context } from 'hono';
import { toBase64 } from '../base64.ts';
import { renderDocs, STYLE } from './docs-page.ts';
import type { Env, Services } from './env.ts';
import { type ApiDocument, describeApi } from './openapi-document.ts';

/** `GET /openapi.json`: the API as OpenAPI 3.1, made of the schemas that requests are checked with. */
export function getDocument(c: Context<Env>, services: Services): Response {
  return c.json(documentOf(services));
}

/** `GET /docs`: the same as a page, which may load nothing and run nothing. */
export async function getDocs(c: Context<Env>, services: Services): Promise<Response> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(STYLE));
  const hash = toBase64(new Uint8Array(digest));
  return c.html(renderDocs(documentOf(services)), 200, {
    'content-security-policy': `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
}

function documentOf({ tools }: Services): ApiDocument {
  return describeApi([...tools.registered.keys(), ...tools.dropped]);
}
