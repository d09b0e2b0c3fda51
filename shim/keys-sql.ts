import type { Statement, Value } from '../handler/index.ts';

/** A command that runs statements on the D1 database of a Worker, in a folder with its `wrangler.toml`. */
export function wranglerCommand(statements: readonly Statement[]): string {
  const sql = statements.map(toText).join(' ');
  return `npx wrangler d1 execute DB --remote --command '${sql.replaceAll("'", "'\\''")}'`;
}

/** A statement with its values in it, on one line. */
function toText({ text, values }: Statement): string {
  const rest = [...values];
  // No statement of ours has a question mark of its own.
  return `${text.replace(/\s+/g, ' ').replaceAll('?', () => literal(rest.shift() ?? null))};`;
}

function literal(value: Value): string {
  if (value === null) return 'NULL';
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
}
