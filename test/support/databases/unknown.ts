import { statementsOf } from '../../../handler/state/database/batch.ts';
import { type Database, UnknownOutcome } from '../../../handler/state/database/database.ts';
import { open as openMemory } from './memory.ts';

/** One in memory that loses the answers to every fourth write: half of those it has done, and half it has not. */
export async function open(): Promise<Database> {
  const database = await openMemory();
  let writes = 0;
  return {
    ...database,
    async batch(batch) {
      const statements = statementsOf(batch);
      const isMigration = statements.some(({ text }) => /migrations/.test(text));
      const isWrite = !isMigration && statements.some(({ kind }) => kind === 'write');
      const place = isWrite ? writes++ % 8 : 1;
      if (place === 4) throw new UnknownOutcome('it was not done');
      const rows = await database.batch(batch);
      if (place === 0) throw new UnknownOutcome('it was done');
      return rows;
    },
  };
}
