import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import type { AuditEvent } from '../../handler/index.ts';
import { AuditFile } from './file.ts';

/**
 * Tells the audit log that the configuration's `audit` names what a command has done, by whoever runs it on this machine, and waits until it
 * is on the disk. Never rejects: where it cannot be written, `say` is told.
 */
export async function auditCommandEvents(
  setting: string,
  events: readonly AuditEvent[],
  say: (line: string) => void,
): Promise<void> {
  if (setting === 'off') return;
  const who = { time: new Date().toISOString(), user: userInfo().username, door: 'command' };
  try {
    const file = new AuditFile(resolve(setting.replace(/^file:/, '')));
    await file.append(events.map((event) => ({ ...who, ...event })));
    file.close();
  } catch (error) {
    say(`The audit log could not be written: ${error instanceof Error ? error.message : error}`);
  }
}
