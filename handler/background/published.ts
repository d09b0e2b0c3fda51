import { type LoggedEvent, readLog } from '../state/log.ts';
import type { TenantStore } from '../state/tenant-store.ts';

/** The events of a turn that were published from a number on. */
export async function readPublished(store: TenantStore, id: string, number: number): Promise<LoggedEvent[]> {
  const published: LoggedEvent[] = [];
  for (let [block, more] = [0, true]; more; ) {
    const part = await readLog(store, id, block, number - 1);
    for (const event of part.events) if (event.sequence_number >= number) published.push(event);
    [block, more] = [part.next, part.more];
  }
  return published;
}
