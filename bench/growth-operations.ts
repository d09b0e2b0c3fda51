import { newId } from '../handler/ids.ts';
import { MemoryBudget } from '../handler/index.ts';
import type { Item } from '../handler/items/item.ts';
import type { Response } from '../handler/protocol/response.ts';
import { readHistory } from '../handler/state/history.ts';
import { HistoryCache } from '../handler/state/history-cache.ts';
import { listResponses } from '../handler/state/lists.ts';
import { ProcessLease } from '../handler/state/process-lease.ts';
import { recordTurn } from '../handler/state/record.ts';
import { getResponse, listInputItems } from '../handler/state/responses.ts';
import { sweep } from '../handler/state/sweep.ts';
import type { TenantStore } from '../handler/state/tenant-store.ts';
import { chainsOf, idOf, TURNS, tenantOf } from './growth-fill.ts';
import type { Subject } from './growth-subject.ts';

/** Something that is done to a database of any size; `prepare` comes before each time, and is not measured. */
export interface Operation {
  name: string;
  times: number;
  prepare?(subject: Subject): Promise<void>;
  run(subject: Subject): Promise<unknown>;
}

/** Times that what a request does is measured, a sweep, and one that has something to do. */
const [TIMES, SWEEPS, REMOVALS] = [100, 20, 4];

/** Chains that expire at once, the last so many turns of each. */
const [EXPIRED_CHAINS, EXPIRED_TURNS] = [50, 10];

/** A chain that is picked by chance: its tenant's store, and the ids of its turns. */
function pick({ database, block }: Subject, n = Math.floor(Math.random() * chainsOf(block))): Chain {
  const store = storeOf(database, tenantOf(block, n));
  return { store, id: (turn) => idOf(block, (turn - 1) * chainsOf(block) + n) };
}

interface Chain {
  store: TenantStore;
  id(turn: number): string;
}

const lease = new ProcessLease(60_000);

function storeOf(database: Subject['database'], tenant: string): TenantStore {
  return {
    ...{ database: database.of?.(tenant) ?? database, tenant, user: 'u3', requestId: newId('req') },
    ...{ lease, lastWrite: { failed: false }, histories: new HistoryCache(new MemoryBudget(0)), webhooks: [] },
    ...{ retention: 1e12, logRetention: 1, stored: Number.POSITIVE_INFINITY, history: 1e8 },
    memory: new MemoryBudget(1e9).open(),
  };
}

/** What is measured, in this order. */
export const operations: readonly Operation[] = [
  ofRequest('history of 200 turns', (subject) => readEnd(pick(subject))),
  ofRequest('the same chain again', (subject) => readEnd(pick(subject, 0))),
  ofRequest('history of 5 turns', (subject) => readEnd(pick(subject), 5)),
  ofRequest('GET a response', async (subject) => {
    const { store, id } = pick(subject);
    await getResponse(store, id(100));
  }),
  ofRequest('input items', async (subject) => {
    const { store, id } = pick(subject);
    await listInputItems(store, id(100), { limit: 20, order: 'desc' });
  }),
  listed('list', () => ({})),
  listed('list, from the middle', ({ id }) => ({ after: id(100) })),
  listed('list by model', () => ({ model: 'm1' })),
  listed('list by a model that nobody used', () => ({ model: 'm9' })),
  listed('list by user', () => ({ user: 'u3' })),
  listed('list by a user who is not there', () => ({ user: 'nobody' })),
  listed('list by status failed', () => ({ status: 'failed' })),
  listed('list by status completed', () => ({ status: 'completed' })),
  listed('list by metadata', () => ({ metadata: { topic: 'v7' } })),
  listed('list by time', ({ id }) => ({ created_after: timeOf(id(100)), order: 'asc' })),
  listed('list by an item', ({ id }) => ({ id: `msg_a${id(50).slice(5)}` })),
  ofRequest('create a turn (history of 5)', (subject) => create(pick(subject))),
  ofRequest('create, by the role that owns the tables', ({ database, ...subject }) => {
    const whole = { ...subject, database: { ...database, of: () => database } };
    return create(pick(whole));
  }),
  { name: 'sweep with nothing to do', times: SWEEPS, run: sweepNow },
  { name: `sweep of ${EXPIRED_CHAINS * EXPIRED_TURNS}`, times: REMOVALS, prepare: expire, run: sweepNow },
];

function ofRequest(name: string, run: Operation['run']): Operation {
  return { name, times: TIMES, run };
}

function listed(name: string, query: (chain: Chain) => object): Operation {
  return ofRequest(name, (subject) => {
    const chain = pick(subject);
    return listResponses(chain.store, { limit: 20, order: 'desc', metadata: {}, ...query(chain) });
  });
}

function timeOf(id: string): number {
  return Math.floor(Number.parseInt(id.slice(5, 17), 16) / 1000);
}

function readEnd({ store, id }: Chain, turns = TURNS): Promise<unknown> {
  return readHistory(store, { previous_response_id: id(turns) });
}

async function create({ store, id }: Chain): Promise<void> {
  const origin = await readHistory(store, { previous_response_id: id(5) });
  const template = await getResponse(store, id(5));
  const said = (type: string, prefix: string) => ({
    ...{ id: newId(prefix), type: 'message', status: 'completed' },
    content: [{ type, text: 'What somebody says, or a model. '.repeat(6) }],
  });
  const input = [{ ...said('input_text', 'msg'), role: 'user' }] as unknown as Item[]; // a message is one
  const output = [{ ...said('output_text', 'msg'), role: 'assistant' }] as unknown as Response['output']; // so is this
  const response: Response = { ...template, id: newId('resp'), status: 'in_progress', output: [] };
  const record = recordTurn(store, { response, input, origin, charge: ({ id }) => chargeOf(store.tenant, id) });
  await record.begin();
  await record.end({ ...response, status: 'completed', output });
}

function chargeOf(tenant: string, response: string) {
  const tokens = { input: 100, cached: 0, cacheWrite: 0, output: 50, reasoning: 0, total: 150 };
  const whose = { tenant, user: 'u3', project: undefined, key: undefined, kind: 'stream' as const };
  return { ...whose, response, model: 'm1', at: Date.now(), stored: 500, tokens, costs: {} };
}

function sweepNow({ database }: Subject): Promise<void> {
  return sweep(database, lease, Date.now(), { maxSlices: Number.POSITIVE_INFINITY });
}

/** Chains of each database that have been cut. */
const cut = new Map<Subject, number>();

/** Has the last turns of some chains expire, the older ones earlier, as they do. */
async function expire(subject: Subject): Promise<void> {
  const { block, run } = subject;
  const first = cut.get(subject) ?? 0;
  cut.set(subject, first + EXPIRED_CHAINS);
  for (let turn = TURNS - EXPIRED_TURNS + 1; turn <= TURNS; turn++) {
    const keys = Array.from({ length: EXPIRED_CHAINS }, (_, n) => {
      const at =
        (turn - 1) * chainsOf(block) + Math.floor(((first + n) / (REMOVALS * EXPIRED_CHAINS)) * chainsOf(block));
      return `('${tenantOf(block, at)}', '${idOf(block, at)}')`;
    });
    await run(`UPDATE responses SET expires_at = ${turn} WHERE (tenant, id) IN (VALUES ${keys.join(', ')})`);
  }
}
