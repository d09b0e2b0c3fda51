import type { Context } from 'hono';
import { toBase64 } from '../../base64.ts';
import type { DocsScript } from '../../docs-script.ts';
import { ApiError } from '../../errors.ts';
import type { Services } from '../../service/services.ts';
import type { Env } from '../env.ts';
import { renderDocs, STYLE } from '../openapi/docs-page.ts';
import { type ApiDocument, describeApi } from '../openapi/document.ts';
import { type Page, renderReference } from '../openapi/reference-page.ts';
import type { Route } from '../route.ts';

/** The model that examples name, as JSON. */
const EXAMPLE_MODEL = '"qwen3"';

/** The documents of all routes: OpenAPI 3.1, and a page of it with its script, or one that needs none. */
export function documents(routes: () => readonly Route[]): Route[] {
  const documents = new WeakMap<Services['tools'], Documents>();
  const documentsOf = (services: Services) => {
    if (!services.docs) throw switchedOff();
    const made = documents.get(services.tools) ?? describe(routes(), services);
    documents.set(services.tools, made);
    return made;
  };
  return [
    {
      method: 'GET',
      path: '/openapi.json',
      scope: 'anybody',
      operationId: 'getDocument',
      summary: 'Get the document',
      reply: { 'application/json': { type: 'object' } },
      async handle(c, services) {
        const text = await documentsOf(services).text();
        // Who asks is not known, so where that matters he is told no names.
        const [model] = services.needsCredential ? [] : await services.models.list(services.limits.listing);
        // Examples that are sent as they stand are answered.
        return c.body(model ? text.replaceAll(EXAMPLE_MODEL, () => JSON.stringify(model)) : text, 200, {
          'content-type': 'application/json',
        });
      },
    },
    {
      method: 'GET',
      path: '/docs',
      scope: 'anybody',
      operationId: 'getDocs',
      summary: 'Get this page',
      reply: { 'text/html': { type: 'string' } },
      async handle(c, services) {
        const made = documentsOf(services);
        const { html, policy } = await made.page();
        return c.html(html, 200, {
          'content-security-policy': policy,
          'cache-control': 'no-cache',
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
        });
      },
    },
    {
      method: 'GET',
      path: '/docs/reference.js',
      scope: 'anybody',
      operationId: 'getDocsScript',
      summary: 'Get the script of this page',
      reply: { 'text/javascript': { type: 'string' } },
      async handle(c, services) {
        const script = services.docs && (await services.docsScript());
        if (!script) throw switchedOff();
        if (script === 'asset') throw new ApiError('not_found', 'The platform has not got this file.');
        return sendScript(c, script);
      },
    },
  ];
}

/** Replies with a script in an encoding that the client takes; its address has its digest, so that it is kept for good. */
function sendScript(c: Context<Env>, { digest, gzip, br }: DocsScript): Response {
  const accepted = c.req.header('accept-encoding') ?? '';
  const takes = (name: string) => new RegExp(`(^|,)\\s*${name}\\s*(;(?!\\s*q=0(\\.0*)?\\s*(,|$))|,|$)`).test(accepted);
  const [encoding, bytes] = br && takes('br') ? ['br', br] : takes('gzip') ? ['gzip', gzip] : ['identity', gzip];
  const etag = `"${digest}-${encoding}"`;
  const headers = {
    etag,
    vary: 'accept-encoding',
    'cache-control': new URL(c.req.url).search === `?${digest}` ? 'public, max-age=31536000, immutable' : 'no-cache',
    'content-type': 'text/javascript; charset=utf-8',
    'x-content-type-options': 'nosniff',
  };
  if (c.req.header('if-none-match')?.includes(etag)) return c.body(null, 304, headers);
  if (encoding !== 'identity') return c.body(bytes, 200, { ...headers, 'content-encoding': encoding });
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return c.body(plain, 200, headers);
}

function switchedOff(): ApiError {
  return new ApiError('not_found', 'There is no documentation here: `docs` in the configuration switches it off.');
}

/** The documents of a handler, made at the first request for one: making them takes milliseconds. */
interface Documents {
  text(): Promise<string>;
  page(): Promise<Page>;
}

function describe(routes: readonly Route[], { tools, basePath, needsCredential, docsScript }: Services): Documents {
  const toolTypes = [...tools.registered.keys(), ...tools.dropped];
  const api = describeApi(routes, { toolTypes, basePath, needsCredential });
  let text: Promise<string> | undefined;
  return {
    text() {
      text ??= textOf(api);
      return text;
    },
    page: () => pageOf(api, docsScript),
  };
}

/** The document as JSON. Its words are loaded here, since most processes are never asked for them. */
async function textOf(api: ApiDocument): Promise<string> {
  const { explain } = await import('../openapi/explain.ts');
  return JSON.stringify(explain(api));
}

async function pageOf(api: ApiDocument, findScript: Services['docsScript']): Promise<Page> {
  const script = await findScript();
  if (script) return renderReference(api.info.title, script === 'asset' ? undefined : script.digest);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(STYLE));
  const style = `'sha256-${toBase64(new Uint8Array(digest))}'`;
  return {
    html: renderDocs(api),
    policy: `default-src 'none'; style-src ${style}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  };
}
