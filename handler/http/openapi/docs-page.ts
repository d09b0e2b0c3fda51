import type { ApiDocument } from './document.ts';
import type { JsonSchema } from './json-schema.ts';
import type { Content, Operation } from './operation.ts';

/** The page's only style sheet; nothing is fetched. */
export const STYLE = `:root{color-scheme:light dark;--line:#8884;--soft:#8881}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:14px/1.45 ui-monospace,monospace}
h2{margin-top:2.5rem}summary{cursor:pointer;padding:.4rem .6rem}
details{border:1px solid var(--line);border-radius:6px;margin:.4rem 0}
details>:not(summary){margin:.4rem .8rem .8rem}
pre{background:var(--soft);padding:.6rem;overflow:auto;max-height:32rem;border-radius:6px}
table{border-collapse:collapse}td,th{text-align:left;vertical-align:top;padding:.15rem .9rem .15rem 0}
b{display:inline-block;min-width:4.5rem}`;

/** The document as a page that needs nothing else: no script, no font, no image. */
export function renderDocs(api: ApiDocument): string {
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => renderOperation(path, method, operation)),
  );
  const schemas = Object.entries(api.components.schemas).map(
    ([name, schema]) => `<details><summary><code>${html(name)}</code></summary>
<div id="${html(name)}">${renderSchema(schema)}</div></details>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${html(api.info.title)}</title><style>${STYLE}</style></head><body>
<h1>${html(api.info.title)}</h1>
<p>${html(api.info.description)} Programs read <a href="openapi.json">the document</a>.</p>
<h2>Paths</h2>${operations.join('\n')}
<h2>Objects</h2>${schemas.join('\n')}
</body></html>
`;
}

function renderOperation(
  path: string,
  method: string,
  { summary, parameters = [], requestBody, responses }: Operation,
) {
  const rows = parameters.map(({ name, in: where, schema }) => [name, `${where}, ${brief(schema)}`]);
  const replies = Object.entries(responses).map(([status, { content }]) => [status, media(content)]);
  return `<details><summary><b>${method.toUpperCase()}</b> <code>${html(path)}</code> ${html(summary)}</summary>
${table([...rows, ...(requestBody ? [['body', media(requestBody.content)]] : []), ...replies])}</details>`;
}

function media(content: Content): string {
  return Object.entries(content)
    .map(([type, { schema }]) => `${html(type)}: ${brief(schema)}`)
    .join('<br>');
}

function renderSchema(schema: JsonSchema): string {
  // As JSON Schema defines the two.
  const { properties, required = [] } = schema as { properties?: Record<string, JsonSchema>; required?: string[] };
  if (!properties) return `<p>${brief(schema)}</p>`;
  return table(
    Object.entries(properties).map(([name, member]) => [`${name}${required.includes(name) ? '' : '?'}`, brief(member)]),
  );
}

/** A schema in a few words, with links to those that have a name. */
function brief(schema: JsonSchema): string {
  const { $ref, anyOf, enum: values, const: only, type, items, properties, ...rest } = schema;
  const more = Object.entries(rest)
    .filter(([keyword]) => !['required', 'propertyNames'].includes(keyword))
    .map(([keyword, value]) => `, ${keyword}: ${typeof value === 'object' ? brief(value as JsonSchema) : text(value)}`)
    .join('');
  if (typeof $ref === 'string') {
    const name = html($ref.slice($ref.lastIndexOf('/') + 1));
    return `<a href="#${name}">${name}</a>${more}`;
  }
  if (Array.isArray(anyOf)) return anyOf.map((option) => brief(option)).join(' or ') + more;
  if (only !== undefined) return text(only);
  if (Array.isArray(values)) return values.map(text).join(' | ') + more;
  if (items) return `list of (${brief(items as JsonSchema)})${more}`;
  if (properties)
    return `{ ${Object.entries(properties)
      .map(([name, member]) => `${html(name)}: ${brief(member)}`)
      .join('; ')} }${more}`;
  return html(Array.isArray(type) ? type.join(' or ') : String(type ?? 'anything')) + more;
}

function text(value: unknown): string {
  return `<code>${html(JSON.stringify(value) ?? '')}</code>`;
}

function table(rows: readonly (readonly string[])[]): string {
  const lines = rows.map(([name = '', what = '']) => `<tr><td><code>${html(name)}</code></td><td>${what}</td></tr>`);
  return `<table>${lines.join('\n')}</table>`;
}

function html(raw: string): string {
  return raw.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
