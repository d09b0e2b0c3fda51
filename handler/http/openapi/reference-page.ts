import { toBase64 } from '../../base64.ts';

/** Settings of Scalar's API reference. By default it asks two other hosts: for fonts, and by its telemetry. */
const SETTINGS = {
  url: 'openapi.json',
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  showDeveloperTools: 'never',
  agent: { disabled: true },
  mcp: { disabled: true },
  proxyUrl: '',
  documentDownloadType: 'direct',
  orderSchemaPropertiesBy: 'preserve',
  modelsSectionLabel: 'Schemas',
  defaultOpenAllTags: true,
  defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
};

/** The page knows where it is, whatever prefix a proxy before it has taken away. */
const START = `Scalar.createApiReference('#reference',{...${JSON.stringify(SETTINGS)},servers:[{url:new URL('.',location).href.slice(0,-1)}]})`;

/** A page and the policy that it is served with. */
export interface Page {
  html: string;
  policy: string;
}

/** The page of the script, with paths below the page's own: it asks its own server, and its policy admits no other. */
export async function renderReference(title: string, digest?: string): Promise<Page> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(START));
  const script = `docs/reference.js${digest === undefined ? '' : `?${digest}`}`;
  return {
    html: `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title><link rel="icon" href="data:,"></head>
<body><div id="reference"></div><noscript>This page needs scripts; programs read <a href="openapi.json">the document</a>.</noscript>
<script src="${script}"></script><script>${START}</script></body></html>
`,
    // Scalar writes its styles into the page.
    policy:
      `default-src 'none'; script-src 'self' 'sha256-${toBase64(new Uint8Array(hash))}'; style-src 'unsafe-inline'; ` +
      "connect-src 'self'; img-src 'self' data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  };
}
