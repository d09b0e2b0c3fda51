import { DiagLogLevel, diag } from '@opentelemetry/api';
import { describe, log } from '../log.ts';

/** Logs that telemetry cannot be handed over. */
export type Warn = (what: string) => void;

/** Time from one line about a trouble to the next, in milliseconds: each batch that cannot be sent says so. */
const PAUSE_MS = 60_000;

/** A Warn that logs a trouble at once, and then at most once a minute, with how often it came. */
export function sparingly(): Warn {
  let next = Number.NEGATIVE_INFINITY;
  let more = 0;
  return (what) => {
    const now = performance.now();
    if (now < next) {
      more++;
      return;
    }
    log.warn('telemetry could not be handed over', { error: describe(what), ...(more > 0 && { more }) });
    next = now + PAUSE_MS;
    more = 0;
  };
}

/** Has the SDK's own log, of which warnings and errors matter, go to `warn`. */
export function sendSdkLog(warn: Warn): void {
  const none = () => {};
  const tell = (...parts: unknown[]) => warn(parts.map(messageOf).join(' '));
  const logger = { error: tell, warn: tell, info: none, debug: none, verbose: none };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

/** What the SDK says; of an error that it wrote as JSON, with its stack, the message. */
export function messageOf(part: unknown): string {
  if (part instanceof Error) return part.message;
  const text = String(part);
  if (!text.startsWith('{')) return text;
  try {
    return String(JSON.parse(text).message ?? text);
  } catch {
    return text;
  }
}
