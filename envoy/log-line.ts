/** A line that Envoy has written of itself. */
export interface EnvoyLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  /** Envoy's name for the part that wrote it; absent for what it writes before its log is set up. */
  part?: string;
  message: string;
}

/** The `--log-format` of lines that `parseLine` reads: a JSON object a line, whatever the message holds. */
export const LOG_FORMAT = '{"level":"%l","part":"%n","message":"%j"}';

const levels: Readonly<Record<string, EnvoyLine['level']>> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  warning: 'warn',
  error: 'error',
  critical: 'error',
};

/** Reads a line of Envoy's own log; one that is not in LOG_FORMAT is a warning as it stands. */
export function parseLine(line: string): EnvoyLine {
  try {
    const { level, part, message } = JSON.parse(line);
    if (typeof message === 'string') return { level: levels[level] ?? 'warn', part: String(part), message };
  } catch {} // it is no JSON
  return { level: 'warn', message: line };
}

/** Splits what comes in pieces into lines, of which it gives `maxLength` characters at most: what is longer is dropped. */
export function lineSplitter(maxLength: number, onLine: (line: string) => void): (text: string) => void {
  let begun = '';
  const add = (text: string) => {
    if (begun.length < maxLength) begun += text.slice(0, maxLength - begun.length);
  };
  return (text) => {
    const [first = '', ...rest] = text.split('\n');
    add(first);
    for (const next of rest) {
      if (begun !== '') onLine(begun);
      begun = '';
      add(next);
    }
  };
}
