import { fixedLimits } from './limits.ts';
import { redact } from './redact.ts';

/** Levels by the names that the command line and the configuration use, and as lines name them. */
const levels = { debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR' };

/** A level of the log; each one holds those after it. */
export type Level = keyof typeof levels;

/** The names of the levels, from most to least. */
export const levelNames = Object.keys(levels) as Level[]; // Object.keys forgets the type

/** Writes a line with its properties; those that take work to gather are given as a function. */
type Write = (message: string, properties?: Properties) => void;

type Properties = Record<string, unknown> | (() => Record<string, unknown>);

/** The output of the log; none until a root configures it. */
let output: { write(line: string): void; from: number } | undefined;

/** The log of everything in Antiphon; silent until a root configures it. */
export const log: Readonly<Record<Level, Write>> = {
  debug: writer('debug'),
  info: writer('info'),
  warn: writer('warn'),
  error: writer('error'),
};

function writer(level: Level): Write {
  const rank = levelNames.indexOf(level);
  return (message, properties = {}) => {
    if (!output || rank < output.from) return;
    output.write(redact(lineOf(level, message, properties)));
  };
}

/** Sends the log to `write`, one JSON object and line break a call, without secrets; a second call replaces the first. */
export function configureLog(level: Level, write: (line: string) => void): void {
  output = { write, from: levelNames.indexOf(level) };
}

/** Whether lines of a level are written, for those who gather a line from afar. */
export function isLogged(level: Level): boolean {
  return output !== undefined && levelNames.indexOf(level) >= output.from;
}

/** A log line with the present time, for code that writes past the log. Its `logger` is `antiphon`, unless the properties name one. */
export function lineOf(level: Level, message: string, properties: Properties): string {
  const start = `{"@timestamp":"${timestamp()}","level":"${levels[level]}","message":${JSON.stringify(message)}`;
  return `${start}${membersOf(properties)}}\n`.replace(TERMINAL_CONTROLS, escaped);
}

/** JSON members of properties, a comma before each; those that cannot be JSON are left out, since writing a line must never throw. */
function membersOf(properties: Properties): string {
  try {
    const given = typeof properties === 'function' ? properties() : properties;
    const own = JSON.stringify(given).slice(1, -1);
    return `${'logger' in given ? '' : LOGGER}${own && `,${own}`}`;
  } catch (error) {
    return `${LOGGER},"error":${JSON.stringify(describe(error))}`;
  }
}

const LOGGER = ',"logger":"antiphon"';

/** The second of the last line, and its text up to the milliseconds: a date of its own for each line costs a tenth of it. */
let second = Number.NaN;
let secondText = '';

function timestamp(): string {
  const now = Date.now();
  const ms = now % 1000;
  if (now - ms !== second) {
    second = now - ms;
    secondText = new Date(second).toISOString().slice(0, -4);
  }
  return `${secondText}${String(ms).padStart(3, '0')}Z`;
}

/** DEL and the controls of C1, which JSON leaves as they are and a terminal obeys. */
const TERMINAL_CONTROLS = /[\u007f-\u009f]/g;

function escaped(control: string): string {
  return `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * An error and its causes as one text for the log, without secrets, and without the input that JSON parsers quote: it
 * may be content or configuration.
 */
export function describe(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at != null && parts.length < 5; at = at instanceof Error ? at.cause : null) {
    parts.push(at instanceof Error ? `${at.name}: ${messageOf(at)}` : typeof at === 'string' ? at : json(at));
  }
  return excerpt(parts.join(' <- '));
}

/**
 * The start of a text for the log. Secrets are removed before it is cut, since half of one would not be recognized.
 */
export function excerpt(text: string, length = fixedLimits.logText): string {
  return text.length <= length ? text : redact(text).slice(0, length);
}

/** JSON of a thrown value, which may have cycles. */
function json(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return String(value);
  }
}

function messageOf(error: Error): string {
  return error instanceof SyntaxError && error.message.includes('JSON') ? 'this is not JSON' : error.message;
}
