import { resolve } from 'node:path';
import { type Audit, type AuditEvent, fixedLimits } from '../../handler/index.ts';
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
 * can again. Rejects with an Error that names the key for a file that cannot be written now, or a wrong variable.
 */
export async function openAudit(setting: string, trouble: (holds: boolean) => void): Promise<AuditLog | undefined> {
  if (setting === 'off') return undefined;
  const { append, close } =
    setting === 'otlp' ? await overOtlp() : await inFile(resolve(setting.replace(/^file:/, '')));
  const queue = openAuditQueue(append, trouble);
  return {
    audit: queue.audit,
    get lost() {
      return queue.lost;
    },
    async close() {
      await queue.close(fixedLimits.flush);
      close();
    },
  };
}

/** Where events are kept. */
interface Place {
  append(events: readonly AuditEvent[]): Promise<void>;
  close(): void;
}

async function inFile(path: string): Promise<Place> {
  try {
    const file = new AuditFile(path);
    await file.append([]);
    return { append: (events) => file.append(events), close: () => file.close() };
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    throw new Error(`audit: ${path} cannot be written: ${why}`, { cause: error });
  }
}

/** A receiver that is away is no reason not to start: events wait for it. */
async function overOtlp(): Promise<Place> {
  const { auditOverOtlp } = await import('./otlp.ts');
  return { append: auditOverOtlp(process.env), close() {} };
}
