import { configureSync, getJsonLinesFormatter, getLogger, type LogLevel, resetSync } from '@logtape/logtape';

/** Levels by the names that the command line and the configuration use. */
const levels = { debug: 'debug', info: 'info', warn: 'warning', error: 'error' } as const satisfies Record<
  string,
  LogLevel
>;

/** A level of the log; each one holds those after it. */
export type Level = keyof typeof levels;

/** The log of everything in Antiphon; silent until a root configures it. */
export const log = getLogger('antiphon');

/** The names of the levels, from most to least. */
export const levelNames = Object.keys(levels) as Level[]; // Object.keys forgets the type

/** Sends the log to `write`, one JSON object and line break a call; a second call replaces the first. */
export function configureLog(level: Level, write: (line: string) => void): void {
  const format = getJsonLinesFormatter({ properties: 'flatten' });
  resetSync();
  configureSync({
    sinks: { lines: (record) => write(format(record)) },
    loggers: [
      { category: 'antiphon', lowestLevel: levels[level], sinks: ['lines'] },
      { category: ['logtape', 'meta'], lowestLevel: 'warning', sinks: ['lines'] },
    ],
  });
}

/** An error's text with its causes', for the log only. */
export function describe(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at != null && parts.length < 5; at = at instanceof Error ? at.cause : null) {
    parts.push(at instanceof Error ? `${at.name}: ${at.message}` : typeof at === 'string' ? at : JSON.stringify(at));
  }
  return parts.join(' <- ').slice(0, 2_000);
}
