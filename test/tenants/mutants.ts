// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of sources
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** The sources with one place in which a tenant no longer tells anything apart. */
export interface Mutant {
  /** Below the repository's folder. */
  file: string;
  line: number;
  /** The line as it stands, without the spaces around it. */
  text: string;
  source: string;
}

const ROOT = join(import.meta.dirname, '../..');
const STATE = join(ROOT, 'handler/state');

/** Where else rows are found by tenant: keys of maps in memory. */
const KEYS: readonly { file: string; was: string; becomes: string }[] = [
  { file: 'handler/state/history-cache.ts', was: '`${id}\\n${tenant}`', becomes: '`${id}\\n${tenant && 0}`' },
  { file: 'handler/background/runner.ts', was: '`${tenant}/${id}`', becomes: '`${tenant && 0}/${id}`' },
  { file: 'handler/seal.ts', was: '[MARK, 2, id, tenant, purpose]', becomes: '[MARK, 2, id, purpose]' },
];

/** `x.tenant = ${tenant}` and `x.tenant = y.tenant`: true without it. */
const CONDITION = /(?:\w+\.)?tenant = (?:\$\{tenant\}|\w+\.tenant)/g;
/** The first value of an insert: all would be the same one's. */
const INSERTED = /\(\$\{tenant\}, /g;
/** `(x.tenant, x.id) IN`: found by the id alone. */
const TUPLE = /\((?:\w+\.)?tenant, ([\w., ]+)\) IN\s+(\$\{ids\}|\()/g;
/** The same where the list is elsewhere. */
const WHICH = /\$\{which\} IN \$\{ids\}/g;

/** Every mutant, in the order of the files. */
export function mutants(): Mutant[] {
  const files = readdirSync(STATE, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('database/'))
    .sort();
  const found = files.flatMap((name) => {
    const file = relative(ROOT, join(STATE, name));
    const source = readFileSync(join(ROOT, file), 'utf8');
    const change = (pattern: RegExp, becomes: (match: RegExpExecArray) => [end: number, text: string]) =>
      [...source.matchAll(pattern)].map((match): Mutant => {
        const [end, text] = becomes(match);
        return mutant(file, source, [match.index, end], text);
      });
    return [
      ...change(CONDITION, (match) => [match.index + match[0].length, '1 = 1']),
      ...change(INSERTED, (match) => [match.index + match[0].length, "('nobody', "]),
      ...change(TUPLE, (match) => {
        const [all, columns = '', list] = match;
        const end = match.index + all.length;
        if (list !== '(') return [end, `(${columns}) IN (SELECT column2 FROM $\{ids})`];
        const close = closingParenthesis(source, end);
        const names = columns.replace(/\w+\./g, '');
        return [close, `(${columns}) IN (SELECT ${names} FROM (${source.slice(end, close)})`];
      }),
      ...change(WHICH, (match) => [
        match.index + match[0].length,
        "${raw(which.text.replace(/\\(\\w+\\.tenant, (\\w+\\.\\w+)\\)/, '$1'))} IN (SELECT column2 FROM ${ids})",
      ]),
    ].sort((one, other) => one.line - other.line);
  });
  return [
    ...found,
    ...KEYS.map(({ file, was, becomes }) => {
      const source = readFileSync(join(ROOT, file), 'utf8');
      const at = source.indexOf(was);
      if (at < 0) throw new Error(`${file} has no ${was}: change test/tenants/mutants.ts`);
      return mutant(file, source, [at, at + was.length], becomes);
    }),
  ];
}

function mutant(file: string, source: string, [at, end]: [at: number, end: number], becomes: string): Mutant {
  const line = source.slice(0, at).split('\n').length;
  const text = (source.split('\n')[line - 1] ?? '').trim();
  return { file, line, text, source: source.slice(0, at) + becomes + source.slice(end) };
}

/** Where the parenthesis closes whose inside begins here. */
function closingParenthesis(source: string, from: number): number {
  let depth = 1;
  for (let at = from; at < source.length; at++) {
    if (source[at] === '(') depth++;
    if (source[at] === ')' && --depth === 0) return at;
  }
  throw new Error('a parenthesis is not closed');
}
