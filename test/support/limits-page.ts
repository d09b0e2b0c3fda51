import { readFileSync, writeFileSync } from 'node:fs';

const SOURCES = ['limits', 'fixed-limits'].map((name) => new URL(`../../handler/${name}.ts`, import.meta.url));
const PAGE = new URL('../../docs/limits.md', import.meta.url);

/** What one row of the page says. */
interface Row {
  name: string;
  value: string;
  reason: string;
  past: string;
  workers: string;
}

/** docs/limits.md as handler/limits.ts and fixed-limits.ts have it; throws where a limit does not say what happens past it. */
export function limitsPage(): string {
  const source = SOURCES.map((file) => readFileSync(file, 'utf8')).join('');
  const [, members = ''] = /export interface Limits \{\n([\s\S]*?)\n\}/.exec(source) ?? [];
  const [, defaults = ''] = /export const defaultLimits: Limits = \{\n([\s\S]*?)\n\};/.exec(source) ?? [];
  const [, fixed = ''] = /export const fixedLimits = \{\n([\s\S]*?)\n\}/.exec(source) ?? [];
  const values = new Map(
    [...defaults.matchAll(/^ {2}(\w+): (.*),$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  const settable = commented(members).map(([comment, declared]) => {
    const name = declared.replace(/\??:.*/, '');
    return rowOf(name, values.get(name) ?? 'none', comment);
  });
  const constant = commented(fixed).map(([comment, declared]) => {
    const [name = '', value = ''] = declared.replace(/,$/, '').split(': ');
    return rowOf(name, value, comment);
  });
  return `# Limits

Made of \`handler/limits.ts\` and \`fixed-limits.ts\` by \`node test/support/limits-page.ts\`; do not edit.

## What \`limits\` in the configuration sets

Sizes are written as \`32MiB\`, times as \`600s\`. Where the column for Workers is empty, the limit holds there as everywhere.

${table(settable)}

## What nobody sets

${table(constant)}
`;
}

/** Each doc comment as one line, with the declaration behind it. */
function commented(block: string): [comment: string, declared: string][] {
  const found = block.matchAll(/^ {2}\/\*\*([\s\S]*?)\*\/\n {2}(\w.*?);?$/gm);
  return [...found].map(([, comment = '', declared = '']) => [
    comment.replace(/\s*\n\s*\*?\s*/g, ' ').trim(),
    declared,
  ]);
}

function rowOf(name: string, value: string, comment: string): Row {
  const [, reason, past, workers = ''] = /^(.*?) Past it: (.*?)(?: On Workers: (.*))?$/.exec(comment) ?? [];
  if (reason === undefined || past === undefined)
    throw new Error(`limits.ts: ${name} does not say what happens past it`);
  const readable = value.replace('Number.POSITIVE_INFINITY', 'unlimited').replaceAll(' * ', ' ').replaceAll('_', ',');
  return { name, value: readable, reason, past, workers };
}

function table(rows: readonly Row[]): string {
  const cells = rows.map(({ name, value, reason, past, workers }) => [`\`${name}\``, value, reason, past, workers]);
  return [['limit', 'default', 'why', 'past it', 'on Workers'], Array(5).fill('---'), ...cells]
    .map((row) => `| ${row.join(' | ')} |`.replaceAll('|  |', '| |'))
    .join('\n');
}

if (process.argv[1] === new URL(import.meta.url).pathname) writeFileSync(PAGE, limitsPage());
