import { type Audit, type AuditEvent, describe, fixedLimits, log, networkOf } from '../../handler/index.ts';

const { auditBatch, auditRefusals, auditRefusalsPerNetwork, auditWaiting, auditRetry } = fixedLimits;

/** Events on their way to where they are kept. */
export interface AuditQueue {
  readonly audit: Audit;
  /** Events that were left out, or could not be kept. */
  readonly lost: number;
  /** Waits until what has come is kept, but for `patience` milliseconds at most. */
  close(patience: number): Promise<void>;
}

/**
 * Keeps events in the background, all that wait in one batch. Nobody waits for it: where it fails it is tried again, `trouble` is told,
 * and events beyond `fixedLimits.auditWaiting` are lost. Of refusals no more than some a second are kept. What was left out is an event of its own.
 */
export function openAuditQueue(
  append: (events: readonly AuditEvent[]) => Promise<void>,
  trouble: (holds: boolean) => void,
): AuditQueue {
  const waiting: object[] = [];
  const leftOut = { refusals: 0, events: 0 };
  const refusals = new Map<string, number>();
  let sum = 0;
  let lost = 0;
  let second: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  let retry: { timer: NodeJS.Timeout; now: () => void } | undefined;
  let closing = false;

  /** Whether a refusal is one too many of this second. */
  function isTooMany({ peer = '' }: AuditEvent): boolean {
    second ??= setTimeout(() => {
      second = undefined;
      sum = 0;
      refusals.clear();
      tellLeftOut();
    }, 1_000).unref();
    const network = networkOf(peer);
    const ofNetwork = refusals.get(network) ?? 0;
    if (sum >= auditRefusals || ofNetwork >= auditRefusalsPerNetwork) return true;
    sum++;
    refusals.set(network, ofNetwork + 1);
    return false;
  }

  function tellLeftOut(): void {
    if (waiting.length >= auditWaiting) return;
    for (const [what, count] of Object.entries(leftOut)) {
      if (count > 0) waiting.push({ time: new Date().toISOString(), action: 'left_out', [what]: count });
    }
    Object.assign(leftOut, { refusals: 0, events: 0 });
    work();
  }

  function work(): void {
    if (waiting.length === 0) return;
    working ??= keepAll().finally(() => {
      working = undefined;
      if (!closing) work(); // for what has come since
    });
  }

  async function keepAll(): Promise<void> {
    let failed = false;
    // After a failure little by little, since there may be room for some of them.
    for (let size = auditBatch; waiting.length > 0; size = Math.min(2 * size, auditBatch)) {
      const batch = waiting.slice(0, size);
      try {
        await append(batch as AuditEvent[]); // each of them was one, and has its time
        waiting.splice(0, batch.length);
        if (failed && waiting.length === 0) {
          failed = false;
          trouble(false);
          log.info('the audit log is written again', { left_out: leftOut.events });
          if (leftOut.events > 0) tellLeftOut();
        }
      } catch (error) {
        if (!failed) {
          trouble(true);
          log.error('cannot write the audit log', { error: describe(error) });
        }
        failed = true;
        size = 0.5;
        if (closing) {
          lost += waiting.length;
          log.error('events of the audit log are lost', { events: waiting.length });
          return;
        }
        await new Promise<void>((resolve) => {
          retry = { timer: setTimeout(resolve, auditRetry).unref(), now: resolve };
        });
      }
    }
  }

  return {
    get lost() {
      return lost;
    },
    audit(event) {
      const isRefusal = event.action === 'refused';
      if (waiting.length >= auditWaiting || (isRefusal && isTooMany(event))) {
        leftOut[isRefusal ? 'refusals' : 'events']++;
        lost++;
        return;
      }
      waiting.push({ time: new Date().toISOString(), ...event });
      work();
    },
    async close(patience) {
      closing = true;
      clearTimeout(second);
      tellLeftOut();
      clearTimeout(retry?.timer);
      retry?.now();
      let timer: NodeJS.Timeout | undefined;
      const over = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, patience);
      });
      await Promise.race([working, over]);
      clearTimeout(timer);
    },
  };
}
