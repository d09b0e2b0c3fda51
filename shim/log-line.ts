import { describe, log } from '../handler/log.ts';
import type { Log } from './session.ts';

/** Writes a line of the shim's to the log that the handler has, an error in words. */
export const logLine: Log = (level, message, { error, ...properties } = {}) => {
  log[level](message, { ...properties, ...(error !== undefined && { error: describe(error) }) });
};
