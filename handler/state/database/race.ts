import { check } from '../../contract.ts';
import { takeBackgroundPlace } from '../background-places.ts';
import { takeDue } from '../deliveries.ts';
import { takeKey } from '../idempotency.ts';
import { claimJob } from '../jobs.ts';
import { reservePlaces, signAfter } from '../places.ts';
import { ProcessLease } from '../process-lease.ts';
import { acquireConversation } from '../turn-rows.ts';
import { Conflict, type Database, type Statement } from './database.ts';
import { migrate } from './schema.ts';
import { sql, write } from './sql.ts';

/** Who wants something, in a process of its own. */
interface Claimant {
  database: Database;
  tenant: string;
  lease: ProcessLease;
  n: number;
}

/** How often they try: a race that is lost once in ten is seen. Where it takes long, nobody races. */
const [TRIES, FEW, LONG_MS] = [40, 2, 4_000];

function response(id: string, status: string, owner: string, background = 0): Statement {
  return write(sql`INSERT INTO responses (tenant, id, owner, status, background, compacted, expires_at, body)
    VALUES ('t', ${id}, ${owner}, ${status}, ${background}, 0, ${2 ** 50}, '{}')`);
}

/**
 * Lets six processes on one or two connections claim an idempotency key, a conversation, a background turn, a delivery and the last place of
 * a tenant at the same time, often; throws an Error unless each time one gets it.
 */
export async function race(database: Database, another: Database = database): Promise<void> {
  await migrate(database);

  const claimants = Array.from({ length: 6 }, (_, n) => {
    const own = n % 2 === 0 ? database : another;
    return { database: own, tenant: 't', lease: new ProcessLease(60_000), n };
  });
  const begun = performance.now();
  for (let tries = 0; tries < TRIES; tries++) {
    if (tries >= FEW && performance.now() - begun > LONG_MS) return;
    const id = (what: string) => `${what}_${tries}`;
    await database.batch({
      conversation: write(
        sql`INSERT INTO conversations (tenant, id, created_at, metadata) VALUES ('t', ${id('conv')}, 0, '{}')`,
      ),
      queued: response(id('queued'), 'queued', '', 1),
      delivery: write(sql`INSERT INTO deliveries (tenant, id, url, body, tries, created, next_at)
          VALUES ('t', ${id('evt')}, 'u', '{}', 0, 0, 0)`),
    });
    const claims = {
      'an idempotency key': async ({ n, lease, database }: Claimant) => {
        const own = `${id('key')}_${n}`;
        await lease.write(database, {
          key: takeKey('t', { key: id('key'), hash: 'h' }, own),
          response: response(own, 'in_progress', lease.id),
        });
      },
      'a conversation': async ({ n, lease, database }: Claimant) => {
        const own = `${id('turn')}_${n}`;
        await lease.write(database, {
          lock: acquireConversation('t', { id: id('conv'), base: 0 }, own),
          response: response(own, 'in_progress', lease.id),
        });
      },
      'a background turn': async (claimant: Claimant) => {
        if (!(await claimJob(claimant, id('queued')))) throw new Conflict();
      },
      'a delivery': async ({ database }: Claimant) => {
        if ((await takeDue(database, 'u', 5, 60_000)).length === 0) throw new Conflict();
      },
      'the last place for a turn': async ({ n, database }: Claimant) => {
        const request = { tenant: 't', name: id('turns'), limit: 1, used: 0, needed: 1, ahead: 0 };
        const { amounts } = await reservePlaces(database, { owner: `own_${n}`, sign: signAfter(tries) }, [request]);
        if (amounts[0] !== 1) throw new Conflict();
      },
      'the last place for a background turn': async ({ n, database }: Claimant) => {
        const tenant = id('tenant');
        const turn = { tenant, partition: tenant, caller: 'c', id: `resp_${n}` };
        if (await takeBackgroundPlace(database, { ...turn, max: { tenant: 1 } })) throw new Conflict();
      },
    };
    for (const [what, claim] of Object.entries(claims)) {
      const outcomes = await Promise.all(claimants.map((claimant) => claimed(claim(claimant))));
      const winners = outcomes.filter(Boolean).length;
      check(winners === 1, `${what} was given to ${winners} of six`);
    }
  }
}

async function claimed(claim: Promise<unknown>): Promise<boolean> {
  try {
    await claim;
    return true;
  } catch (error) {
    if (error instanceof Conflict) return false;
    throw error;
  }
}
