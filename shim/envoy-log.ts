import type { EnvoyLine } from '../envoy/log-line.ts';
import { excerpt, isLogged, log } from '../handler/log.ts';

/** The longest text in a line of the access log, in characters: clients choose their paths. */
const MAX_TEXT = 200;

/** Writes a line of Envoy's own log to ours. */
export function logEnvoy({ level, part, message }: EnvoyLine): void {
  log[level](excerpt(message), { logger: 'envoy', part });
}

/** Writes lines of Envoy's access log to ours; undefined where the level of the log has none, so that Envoy is not asked for any. */
export function accessLogger(): ((line: string) => void) | undefined {
  return isLogged('info') ? logAccess : undefined;
}

function logAccess(line: string): void {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line);
  } catch {
    log.warn('a line of the access log cannot be read', { logger: 'envoy', line: excerpt(line, MAX_TEXT) });
    return;
  }
  const { time: _, ...rest } = fields;
  const properties: Record<string, unknown> = { logger: 'envoy' };
  for (const [name, value] of Object.entries(rest)) {
    // A query may hold a key, and no path of ours needs one to be told.
    const text = name === 'path' && typeof value === 'string' ? value.replace(/\?.*/s, '?...') : value;
    // Envoy has these for nothing.
    if (text !== null && text !== '' && text !== '-')
      properties[name] = typeof text === 'string' ? excerpt(text, MAX_TEXT) : text;
  }
  const { status, details } = properties;
  const isOurs = details === undefined || /^(antiphon|ext_proc_local_response$)/.test(String(details));
  // What we answer has a line of ours.
  log[Number(status) >= 500 && !isOurs ? 'error' : 'info']('access', properties);
}
