import { redact } from '../../handler/index.ts';

/** A text of a server on one line, without secrets and without what a terminal would obey, of at most `length` characters. */
export function plain(text: string, length: number): string {
  const line = redact(text.slice(0, 20 * length + 1_000)) // what is cut here is cut below
    .replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
  return line.length <= length ? line : `${line.slice(0, length - 3).toWellFormed()}...`;
}

/** Rows as lines whose columns stand below each other, each cut to at most 48 characters, but for the last one. */
export function table(rows: readonly (readonly string[])[]): string {
  const cut = rows.map((row) => row.map((cell, at) => plain(cell, at === row.length - 1 ? 400 : 48)));
  const widths = (cut[0] ?? []).map((_, at) => Math.max(...cut.map((row) => row[at]?.length ?? 0)));
  return cut.map((row) => `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd()).join('\n');
}
