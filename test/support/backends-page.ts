import { readFileSync, writeFileSync } from 'node:fs';
import { type KnownServer, knownServers, unknownServer } from '../../handler/backend/server/servers.ts';

const SOURCE = new URL('../../handler/backend/server/servers.ts', import.meta.url);
const PAGE = new URL('../../docs/backends.md', import.meta.url);

const BEGIN =
  '<!-- Made of handler/backend/server/servers.ts by node test/support/backends-page.ts; do not edit. -->\n';
const END = '<!-- End of what is made. -->\n';

/** docs/backends.md with the table of known servers as the code has it; throws where the page has no place for it. */
export function backendsPage(): string {
  const page = readFileSync(PAGE, 'utf8');
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`docs/backends.md needs ${BEGIN} and ${END}`);
  return `${before}${BEGIN}\n${table()}\n\n${END}${after}`;
}

/** The facts of each row, and the public sources that the comment before each has. */
export function factsWithSources(): { server: string; fact: string; sources: string[] }[] {
  const source = readFileSync(SOURCE, 'utf8');
  const [, rows = ''] = /export const knownServers = \{\n([\s\S]*?)\n\} as const/.exec(source) ?? [];
  return [...rows.matchAll(/^ {2}'?([\w.]+)'?: \{\n([\s\S]*?)^ {2}\},/gm)].flatMap(([, server = '', row = '']) =>
    [...row.matchAll(/((?:^ {4}\/\/.*\n)*)^ {4}(\w+):/gm)].map(([, comment = '', fact = '']) => ({
      server,
      fact,
      sources: comment.match(/https:\/\/[^\s,]*[^\s,:]/g) ?? [],
    })),
  );
}

function table(): string {
  const sources = factsWithSources();
  const rows = Object.entries<KnownServer>(knownServers).map(([name, row]) => {
    const links = [...new Set(sources.filter(({ server }) => server === name).flatMap((fact) => fact.sources))];
    return [`\`${name}\``, foundBy(row), ...cells({ ...unknownServer, ...row }), links.map(link).join(' ')];
  });
  return [
    [
      '`server`',
      'found by',
      'reasoning goes back in',
      'bound of tokens',
      'hints',
      'system messages',
      'parallel calls',
      '`strict` functions',
      'written calls',
      'sources',
    ],
    Array(10).fill('---'),
    ['any other', '', ...cells(unknownServer), ''],
    ...rows,
  ]
    .map((row) => `| ${row.join(' | ')} |`.replaceAll('|  |', '| |'))
    .join('\n');
}

function foundBy({ hosts = [], ownedBy, header }: KnownServer): string {
  return [
    ...hosts.map((host) => (/^\w/.test(host) ? `\`${host}\`` : `\`*${host}\``)),
    ...(ownedBy ? [`\`owned_by: ${ownedBy}\``] : []),
    ...(header ? [`\`${header.filter(Boolean).join(': ')}\` in replies`] : []),
  ].join(', ');
}

function cells({
  reasoning,
  bound,
  hints,
  systemMessages,
  parallelToolCalls,
  strictTools,
  writtenCalls,
}: typeof unknownServer): string[] {
  return [
    reasoning === null ? 'nothing' : `\`${reasoning}\``,
    `\`${bound}\``,
    hints.length === 0 ? 'none' : hints.length > 1 ? 'all' : `\`${hints.join()}\``,
    systemMessages === 'first' ? 'one, in front' : 'anywhere',
    parallelToolCalls ? 'asked for' : 'as the client says',
    strictTools ? 'asked for' : 'as the client says',
    writtenCalls ? 'asked for and read' : 'are texts',
  ];
}

function link(url: string, index: number): string {
  return `[${index + 1}](${url})`;
}

if (process.argv[1] === new URL(import.meta.url).pathname) writeFileSync(PAGE, backendsPage());
