import { describe, log } from '../handler/log.ts';
import type { Log } from './session.ts';

/** Writes the shim's lines to the handler's log, with errors in words. */
export const logLine: Log = (level, message, { error, ...properties } = {}) => {
  log[level](message, { ...properties, ...(error !== undefined && { error: describe(error) }) });
};
