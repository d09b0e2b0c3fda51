/** How lines are written for people. */
export interface PrettyOptions {
  /** Whether the terminal shows colours. */
  colours: boolean;
  /** The terminal's width, in characters, at which lines below WARN are cut; undefined for no terminal. */
  columns?: number | undefined;
}

/** Colours by their ANSI numbers. */
const [RED, GREEN, YELLOW, CYAN, DIM] = [31, 32, 33, 36, 2];

const levelColours: Readonly<Record<string, number>> = { DEBUG: DIM, INFO: GREEN, WARN: YELLOW, ERROR: RED };

/** A part of a row, and its colour. */
type Part = [text: string, colour?: number | undefined];

/** Fields that stand elsewhere in a row, or that a person at a terminal knows or does not miss. */
const LEFT_OUT = new Set([
  ...['@timestamp', 'level', 'message', 'logger', 'method', 'path', 'status', 'duration_ms', 'error'],
  ...['door', 'streaming', 'protocol', 'client', 'llm', 'antiphon'],
]);

/** Fields that are long and seldom read come last. */
const IDS = new Set(['request_id', 'connection_id', 'response_id', 'previous', 'conversation']);

/**
 * A line of the log as one row for people: the time, the level, what happened, the other fields that matter to them, ids last, and
 * then the error, which is never cut. Characters that a terminal obeys are shown as escapes.
 */
export function prettyLine(line: string, options: PrettyOptions): string {
  const fields: Record<string, unknown> = JSON.parse(line);
  const level = String(fields.level);
  const parts: Part[] = [
    [timeOf(String(fields['@timestamp'])), DIM],
    [level.padEnd(5), levelColours[level]],
    ...headOf(fields),
    ...fieldsOf(fields, (name) => !IDS.has(name)),
    ...fieldsOf(fields, (name) => IDS.has(name)),
    ...('error' in fields ? [[textOf(fields.error), RED] satisfies Part] : []),
  ];
  const isCut = level === 'DEBUG' || level === 'INFO';
  return `${join(parts, isCut ? options.columns : undefined, options.colours)}\n`;
}

function fieldsOf(fields: Record<string, unknown>, isWanted: (name: string) => boolean): Part[] {
  return Object.entries(fields)
    .filter(([name, value]) => isWanted(name) && !LEFT_OUT.has(name) && value !== null)
    .map(([name, value]) => [`${shown(name)}=${textOf(value)}`, DIM]);
}

function headOf({ message, logger, method, path, status, duration_ms }: Record<string, unknown>): Part[] {
  const parts: Part[] = logger === 'antiphon' ? [] : [[textOf(logger), CYAN]];
  // The method and path of a request say more than the word.
  if (method === undefined) parts.push([shown(String(message))]);
  else parts.push([`${textOf(method)} ${textOf(path)}`]);
  if (status !== undefined) parts.push([textOf(status), colourOf(status)]);
  if (duration_ms !== undefined) parts.push([`${textOf(duration_ms)}ms`]);
  return parts;
}

/** The colour of a status: a number of HTTP's, or a word. */
function colourOf(status: unknown): number {
  if (status === 'failed' || Number(status) >= 500) return RED;
  return Number(status) >= 400 ? YELLOW : GREEN;
}

/** Joins the parts of a row, cut so that it does not reach the width. */
function join(parts: readonly Part[], columns: number | undefined, colours: boolean): string {
  let room = columns === undefined ? Number.POSITIVE_INFINITY : columns - 1;
  let row = '';
  for (const [text, colour] of parts) {
    const space = row === '' ? '' : ' ';
    room -= space.length;
    const kept = text.length <= room ? text : `${text.slice(0, Math.max(0, room - 1)).toWellFormed()}…`;
    row += space + (colours && colour !== undefined ? `\u001b[${colour}m${kept}\u001b[0m` : kept);
    if (kept !== text) break;
    room -= kept.length;
  }
  return row;
}

function timeOf(timestamp: string): string {
  const time = new Date(timestamp);
  return `${time.toTimeString().slice(0, 8)}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

function textOf(value: unknown): string {
  return shown(typeof value === 'string' ? value : JSON.stringify(value));
}

/** A text with an escape in place of each character that a terminal obeys, or that reorders a line. */
function shown(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`);
}
