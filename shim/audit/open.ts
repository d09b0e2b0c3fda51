import { resolve } from 'node:path';
import { type Audit, fixedLimits } from '../../handler/index.ts';
import { AuditFile } from './file.ts';
import { openAuditQueue } from './queue.ts';

/** The audit log of a process. */
export interface AuditLog {
  readonly audit: Audit;
  /** Events that were left out, or could not be kept. */
  readonly lost: number;
  /** Writes what waits, in a bounded time. Never rejects. */
  close(): Promise<void>;
}

/**
 * Opens the audit log that the configuration's `audit` names; undefined for `off`. `trouble` is told when it cannot be written, and when it
 * can again. Rejects with an Error that names the key for a file that cannot be written now.
 */
export async function openAudit(setting: string, trouble: (holds: boolean) => void): Promise<AuditLog | undefined> {
  if (setting === 'off') return undefined;
  const path = resolve(setting.replace(/^file:/, ''));
  let file: AuditFile;
  try {
    file = new AuditFile(path);
    await file.append([]);
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    throw new Error(`audit: ${path} cannot be written: ${why}`, { cause: error });
  }
  const queue = openAuditQueue((events) => file.append(events), trouble);
  return {
    audit: queue.audit,
    get lost() {
      return queue.lost;
    },
    async close() {
      await queue.close(fixedLimits.flush);
      file.close();
    },
  };
}
