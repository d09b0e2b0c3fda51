import type { Row, Statement } from './database/database.ts';
import { confidential, type Sql, sql, write } from './database/sql.ts';

/**
 * Characters of one row's text: at three bytes each, and encrypted, which takes a third more, they stay within the 512 KiB that every
 * database takes well.
 */
const MAX_TEXT = 127_000;

/** The key of a text: the row of an item, of a response (`kind` is `body`), of its `job`, or a block of its `log`. */
export interface TextKey {
  tenant: string;
  /** The response or conversation that it belongs to. */
  owner: string;
  kind: 'body' | 'input' | 'output' | 'added' | 'round' | 'job' | 'log';
  position: number;
}

/** Splits a text into what fits its own row and the statements that write the rest. */
export function splitText({ tenant, owner, kind, position }: TextKey, text: string): { head: Sql; rest: Statement[] } {
  if (text.length <= MAX_TEXT) return { head: confidential(tenant, text), rest: [] };
  const rest: Statement[] = [];
  for (let from = 0, n = 0; from < text.length; n++) {
    let end = Math.min(from + MAX_TEXT, text.length);
    // Keep surrogate pairs whole: databases reject a lone one.
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--;
    const piece = text.slice(from, end);
    rest.push(
      write(sql`INSERT INTO chunks (tenant, holder, side, place, n, body)
        VALUES (${tenant}, ${owner}, ${kind}, ${position}, ${n}, ${confidential(tenant, piece)})`),
    );
    from = end;
  }
  return { head: confidential(tenant, ''), rest };
}

/** Joins chunks to items `i`: the columns `n` and `more` for `joinText`; order by `n` last. */
export const ITEM_CHUNKS = sql`LEFT JOIN chunks k ON i.body = '' AND k.tenant = i.tenant AND k.holder = i.holder
  AND k.side = i.side AND k.place = i.place`;

/** Bytes of one such row. */
export const ROW_SIZE = sql`octet_length(coalesce(k.body, i.body))`;

/** Bytes of all chunks of the item `i`. */
export const CHUNKS_SIZE = sql`coalesce((SELECT sum(octet_length(k.body)) FROM chunks k WHERE i.body = ''
  AND k.tenant = i.tenant AND k.holder = i.holder AND k.side = i.side AND k.place = i.place), 0)`;

/** Characters of all texts in such rows. */
export function bytesOf(rows: readonly Row[]): number {
  return rows.reduce((sum, { more, body }) => sum + String(more ?? body).length, 0);
}

/** Joins the chunks (`n`, `more`) of ordered rows with a `body`: one row a text. */
export function joinText(rows: readonly Row[]): { row: Row; text: string }[] {
  const joined: { row: Row; text: string }[] = [];
  for (const row of rows) {
    const last = joined.at(-1);
    if (last && Number(row.n) > 0) last.text += String(row.more);
    else joined.push({ row, text: String(row.more ?? row.body) });
  }
  return joined;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

/** Characters that statements write, for `stored` of a charge. */
export function charactersOf(statements: readonly Statement[]): number {
  let characters = 0;
  for (const { values } of statements)
    for (const value of values) if (typeof value === 'string') characters += value.length;
  return characters;
}
