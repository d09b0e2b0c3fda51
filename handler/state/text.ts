import type { Row, Statement } from '../database/database.ts';

/** Characters of one row's text: at three bytes each they stay within the 512 KiB that every database takes well. */
const MOST = 170_000;

/** Where a text is kept: the row of a response (`side` is `body`) or of an item. */
export interface Place {
  tenant: string;
  holder: string;
  side: 'body' | 'input' | 'output' | 'added';
  place: number;
}

/** A text as what its own row holds, and the statements that keep the rest. */
export function splitText(at: Place, text: string): { head: string; rest: Statement[] } {
  if (text.length <= MOST) return { head: text, rest: [] };
  const rest: Statement[] = [];
  for (let from = 0, n = 0; from < text.length; n++) {
    let end = Math.min(from + MOST, text.length);
    // A pair of surrogates stays together: half of one is no text that a database keeps.
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--;
    rest.push({
      sql: 'INSERT INTO chunks (tenant, holder, side, place, n, body) VALUES (?, ?, ?, ?, ?, ?)',
      values: [at.tenant, at.holder, at.side, at.place, n, text.slice(from, end)],
    });
    from = end;
  }
  return { head: '', rest };
}

/** Rows joined with their chunks (`more`, in order) as one row a text, by `key`. */
export function joinText(rows: readonly Row[], key: (row: Row) => string): { row: Row; text: string }[] {
  const joined: { row: Row; text: string; key: string }[] = [];
  for (const row of rows) {
    const last = joined.at(-1);
    const own = key(row);
    const more = String(row.more ?? '');
    if (last?.key === own) last.text += more;
    else joined.push({ row, key: own, text: String(row.body) + more });
  }
  return joined;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
