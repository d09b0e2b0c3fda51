import { configureSync, getJsonLinesFormatter, getLogger, type LogLevel, resetSync } from '@logtape/logtape';
import { fixedLimits } from './limits.ts';
import { redact } from './redact.ts';

/** Levels by the names that the command line and the configuration use. */
const levels = { debug: 'debug', info: 'info', warn: 'warning', error: 'error' } as const satisfies Record<
  string,
  LogLevel
>;

/** A level of the log; each one holds those after it. */
export type Level = keyof typeof levels;

const format = getJsonLinesFormatter({ properties: 'flatten' });

/** Writes a line with its properties; those that take work to gather are given as a function. */
type Write = (message: string, properties?: Record<string, unknown> | (() => Record<string, unknown>)) => void;

/** The log of everything in Antiphon; silent until a root configures it. Its type is our own: who uses the package need not have LogTape's. */
export const log: Readonly<Record<Level, Write>> = getLogger('antiphon');

/** The names of the levels, from most to least. */
export const levelNames = Object.keys(levels) as Level[]; // Object.keys forgets the type

/** A log line with the present time, for code that writes past the log. */
export function lineOf(level: Level, message: string, properties: Record<string, unknown>): string {
  const record = { level: levels[level], message: [message], rawMessage: message, properties };
  return format({ ...record, category: ['antiphon'], timestamp: Date.now() });
}

/** Sends the log to `write`, one JSON object and line break a call, without secrets; a second call replaces the first. */
export function configureLog(level: Level, write: (line: string) => void): void {
  resetSync();
  configureSync({
    sinks: { lines: (record) => write(redact(format(record))) },
    loggers: [
      { category: 'antiphon', lowestLevel: levels[level], sinks: ['lines'] },
      { category: ['logtape', 'meta'], lowestLevel: 'warning', sinks: ['lines'] },
    ],
  });
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
