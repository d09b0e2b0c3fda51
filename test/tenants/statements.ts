import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrations } from '../../handler/state/database/schema.ts';

/** A place where rows are found, or made, without the tenant whose they are. */
export interface Unscoped {
  /** The table, with its alias if it has one. */
  table: string;
  /** The piece of SQL, in one line, with `?` for what is put in. */
  sql: string;
}

const STATE = join(import.meta.dirname, '../../handler/state');

/** The tables whose rows are of tenants. */
const TABLES = new Set(
  migrations.flat().flatMap((step) => {
    const [, name] = /^CREATE TABLE (\w+)[^(]*\((?=[^;]*\btenant text)/.exec(step) ?? [];
    return name ? [name] : [];
  }),
);

/** The sources that have statements, by their paths in the repository. */
export function stateSources(): Map<string, string> {
  const names = readdirSync(STATE, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.startsWith('database/'),
  );
  return new Map(names.sort().map((name) => [`handler/state/${name}`, readFileSync(join(STATE, name), 'utf8')]));
}

/** Where the statements of a source name a table and not its tenant. */
export function unscopedIn(source: string): Unscoped[] {
  const templates = templatesIn(source);
  const constants = new Map(templates.flatMap(({ name, text }) => (name ? [[name, text] as const] : [])));
  const filled = (text: string) => text.replace(/\$\{(\w+)\}/g, (hole, used) => constants.get(used) ?? hole);
  return templates.flatMap(({ text }) => unscoped(oneLine(filled(filled(text)))));
}

/** The templates of SQL in a source, each after those inside it; a name is that of the constant that it is. */
function templatesIn(source: string): { name: string | undefined; text: string }[] {
  const found: { name: string | undefined; text: string }[] = [];
  for (const match of source.matchAll(/(?:const (\w+) = )?\bsql`/g)) {
    let depth = 0;
    const start = match.index + match[0].length;
    for (let at = start; at < source.length; at++) {
      if (source.startsWith('${', at)) depth++;
      else if (source[at] === '}' && depth > 0) depth--;
      else if (source[at] === '`' && depth === 0) {
        found.push({ name: match[1], text: source.slice(start, at) });
        break;
      }
    }
  }
  return found;
}

function oneLine(text: string): string {
  let flat = text;
  // The innermost holes first, since one may have others inside.
  for (let before = ''; before !== flat; ) {
    before = flat;
    flat = flat.replace(/\$\{[^{}]*\}/g, '?');
  }
  return flat.replace(/\s+/g, ' ').trim();
}

const KEYWORDS = 'WHERE|SET|ON|LEFT|JOIN|CROSS|ORDER|GROUP|LIMIT|UNION|FROM|VALUES|AS|SELECT|USING|INNER|AND|RETURNING';
const TABLE = new RegExp(`\\b(FROM|JOIN|UPDATE|INTO|,) (\\w+)(?: AS)?(?: (?!(?:${KEYWORDS})\\b)(\\w+))?`, 'g');

/** A comparison of tenants, alone or beside others: `r.tenant = ?`, `(r.tenant, r.id) IN`. */
const COMPARED = /\btenant = |\((?:\w+\.)?tenant, [^()]*\) (?:IN|=)/g;

/** As many tables as there are have to be compared: one with what is given, and each other with one of them. */
function unscoped(sql: string): Unscoped[] {
  let left = sql.match(COMPARED)?.length ?? 0;
  const found: Unscoped[] = [];
  for (const [all, verb, table = '', alias = ''] of sql.matchAll(TABLE)) {
    if (!TABLES.has(table) || (verb === ',' && alias === '')) continue;
    const rest = sql.slice(sql.indexOf(all) + all.length);
    const isScoped =
      verb === 'INTO' ? /^\s*\(tenant,[^()]*\) (VALUES \(\?, |SELECT (\w+\.)?(tenant|\?),)/.test(rest) : left-- > 0;
    if (!isScoped) found.push({ table: alias ? `${table} ${alias}` : table, sql });
  }
  return found;
}
