import type { Charge } from '../charge.ts';
import { ApiError } from '../errors.ts';
import type { Item, OutputItem } from '../items/item.ts';
import { describe, log } from '../log.ts';
import type { Response } from '../protocol/response.ts';
import { insertCharge, writeCharge } from './charges.ts';
import { Conflict, type Statement } from './database/database.ts';
import { conversationLocked, type TurnOrigin } from './history.ts';
import type { ChainItems } from './history-cache.ts';
import { type IdempotencyKey, idempotencyInProgress, refuseUsedKey, takeKey } from './idempotency.ts';
import { insertItems } from './items.ts';
import { JOB_VERSION } from './jobs.ts';
import { isOpen } from './process-lease.ts';
import { getStoredResponse } from './responses.ts';
import { retryRead } from './retry.ts';
import { refuseFull } from './storage.ts';
import type { TenantStore } from './tenant-store.ts';
import { charactersOf } from './text.ts';
import {
  acquireConversation,
  type EndedTurn,
  insertResponse,
  isCompacted,
  removeOutput,
  requireOwner,
  writeEnd,
  writeOutput,
  writeUndo,
} from './turn-rows.ts';
import { findWritten, untilKnown } from './until-known.ts';

/** Writes one stored turn: `begin` once before anything is promised, `round` any number of times, `end` once. */
export interface StoredRecord {
  /** Writes the response and its input. Throws an ApiError when another turn was first, in its conversation or with its key. */
  begin(): Promise<void>;
  /** Removes what `begin` wrote, since nobody was told of it; `end` is not called then. Never rejects. */
  undo(): Promise<void>;
  /** Writes nothing: a turn in the foreground is not resumed. */
  calling(): Promise<void>;
  called(): Promise<void>;
  /** Writes the new items of the output. */
  round(output: readonly OutputItem[]): Promise<void>;
  /**
   * Writes the final response, retrying for a lease while the database is away, and returns what is stored: another end if
   * somebody was first, and less output if there was no room. Adds the turn to its conversation, unless it failed or was
   * cancelled. `rewritten` says that items of earlier rounds may be others now.
   */
  end(response: Response, rewritten?: boolean): Promise<Response>;
}

/** A turn about to begin: its response, its input and history, and the idempotency key of its client, if any. */
export interface NewTurn {
  response: Response;
  input: readonly Item[];
  origin: TurnOrigin;
  /** The history, if it is all of a chain: what comes next may go on from it without reading it. */
  chain?: ChainItems | undefined;
  key?: IdempotencyKey | undefined;
  charge?: ChargeOf | undefined;
}

/** The charge of a turn that ends as this response, and has written so many characters; absent where none is kept. */
type ChargeOf = (final: Pick<Response, 'id' | 'status' | 'usage'>, stored: number) => Charge;

/** Records a turn that this process runs. */
export function recordTurn(store: TenantStore, turn: NewTurn): StoredRecord {
  const { database, tenant, lease } = store;
  const { response, input, origin, chain, charge } = turn;
  const { epoch } = store.histories;
  let written = 0;
  let characters = 0;
  let release = () => {};

  return {
    async begin() {
      release = lease.hold(response.id, database);
      try {
        characters = await beginTurn(store, turn, { owner: lease.id });
      } catch (error) {
        release();
        throw error;
      }
    },

    async undo() {
      try {
        const turn = { tenant, id: response.id, conversation: origin.conversation };
        await untilKnown(() => database.batch({ undone: writeUndo(turn, lease.id) }));
      } catch (error) {
        log.error('a refused turn could not be removed, and will have failed', {
          response: response.id,
          error: describe(error),
        });
      } finally {
        release();
      }
    },

    async calling() {},
    async called() {},

    async round(items) {
      const output = writeOutput(tenant, response.id, items, written);
      if (output.length === 0) return;
      await untilKnown<unknown>(
        () => lease.write(database, { owned: requireOwner(tenant, response.id, lease.id), output }),
        () => findWritten(store, response.id, { owner: lease.id, items: items.length }),
      );
      written = items.length;
      characters += charactersOf(output);
    },

    async end(final, rewritten = false) {
      const { conversation } = origin;
      const removed = rewritten && written > 0 ? removeOutput(tenant, response.id) : [];
      if (removed.length > 0) written = 0;
      const ending = (turn: EndedTurn) => [
        ...removed,
        ...withCharge(store, writeEnd(turn, lease.id), turn.response, charge, characters),
      ];
      try {
        const turn = { tenant, response: final, writtenItems: written, inputItems: input.length, conversation };
        const stored = await endOnce(store, final, ending(turn)).catch(async (error) => {
          const fits = final.status === 'failed' && error instanceof ApiError && error.kind === 'storage_full';
          if (!fits) throw error;
          // No room for the output; the failed status alone needs none.
          const bare = { ...final, output: final.output.slice(0, written) };
          const stored = await endOnce(store, bare, ending({ ...turn, response: bare }));
          return stored === bare ? final : stored;
        });
        if (chain && origin.previous !== null && stored === final && epoch === store.histories.epoch) {
          keepChain(store, origin.previous, final, chain, input);
        }
        return stored;
      } finally {
        release();
      }
    },
  };
}

/** The statements that end a turn, with its charge if one is kept, after so many characters. */
export function withCharge(
  { storedBytes, tenant }: Pick<TenantStore, 'storedBytes' | 'tenant'>,
  statements: Statement[],
  final: Response,
  charge: ChargeOf | undefined,
  characters = 0,
): Statement[] {
  if (!charge) return statements;
  const stored = characters + charactersOf(statements);
  storedBytes?.add(tenant, stored);
  return [...statements, insertCharge(charge(final, stored))];
}

/** Keeps the history of the turn that may come next, unless a compaction replaces it. */
function keepChain(
  { histories, tenant }: TenantStore,
  previous: string,
  { id, status, output }: Response,
  chain: ChainItems,
  input: readonly Item[],
): void {
  const added = [...input, ...output];
  if ((status !== 'completed' && status !== 'incomplete') || isCompacted(added)) return;
  const size = chain.size + JSON.stringify(added).length;
  histories.put(tenant, id, previous, { items: [...chain.items, ...added], size });
}

/**
 * Records a turn in one write, at its end, which costs half of what two do. Only for a turn that nobody can know of before
 * that: its id has not been sent, and it is in no chain, in no conversation and under no key.
 */
export function recordAtEnd(store: TenantStore, { response, input, origin, charge }: NewTurn): StoredRecord {
  return {
    begin: async () => refuseFull(store),
    async undo() {},
    async calling() {},
    async called() {},
    async round() {},
    end(final) {
      const { tenant } = store;
      const compacted = isCompacted(input) || isCompacted(final.output);
      const { row, body } = insertResponse(store, final, origin, { owner: '', compacted });
      const items = insertItems(
        { tenant, owner: response.id, kind: 'input', position: 0, items: input },
        { tenant, owner: response.id, kind: 'output', position: 0, items: final.output },
      );
      return endOnce(store, final, withCharge(store, [row, ...body, ...items], final, charge));
    },
  };
}

/** Records nothing of a turn but its charge, for one that is not stored. */
export function recordCharge(
  store: TenantStore,
  charge: ChargeOf,
): Pick<StoredRecord, 'calling' | 'called' | 'round' | 'end'> {
  return {
    async calling() {},
    async called() {},
    async round() {},
    async end(final) {
      await writeCharge(store, charge(final, 0));
      return final;
    },
  };
}

/**
 * Writes an end, retrying while the database is away, and returns what is stored: an attempt may have come through although
 * its reply was lost, and others may have ended the turn.
 */
async function endOnce(store: TenantStore, final: Response, end: Statement[]): Promise<Response> {
  const { database, lease } = store;
  const write = async () => {
    try {
      await watched(store, database.batch({ end }));
      return final;
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      const stored = await getStoredResponse(store, final.id);
      return isOpen(stored.status) ? error : stored;
    }
  };
  const stored = await retryRead(write, lease.duration);
  if (stored instanceof Conflict) throw stored;
  return stored;
}

/** Expiry of the events of a turn that has not ended. */
const WHILE_RUNNING = Number.MAX_SAFE_INTEGER;

/**
 * Writes the response and input of a turn: of one that `owner` runs now, or with `background` of one that any process may
 * claim, with the statements that store its job. Throws an ApiError when another turn was first, in its conversation or with
 * its key, and when there is no room. Resolves with the characters that it has written, where turns are charged.
 */
export async function beginTurn(
  store: TenantStore,
  { response, input, origin, key, charge }: NewTurn,
  { owner, background }: { owner: string; background?: Statement[] },
): Promise<number> {
  await refuseFull(store);
  const { database, tenant, lease } = store;
  const { conversation } = origin;
  const [version, logUntil] = background ? [JOB_VERSION, WHILE_RUNNING] : [];
  const { row, body } = insertResponse(store, response, origin, {
    owner,
    compacted: isCompacted(input),
    version,
    logUntil,
  });
  const items = insertItems({ tenant, owner: response.id, kind: 'input', position: 0, items: input });
  const begin = () =>
    lease.write(database, {
      key: key ? [takeKey(tenant, key, response.id)] : [],
      conversation: conversation ? [acquireConversation(tenant, conversation, response.id)] : [],
      response: row,
      body,
      input: items,
      job: background ?? [],
    });
  try {
    // Nobody else has the id.
    await watched(
      store,
      untilKnown<unknown>(begin, () => findWritten(store, response.id)),
    );
    return charge ? charactersOf([row, ...body, ...items]) : 0;
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    if (key) await refuseUsedKey(store, key);
    throw conversation ? conversationLocked() : key ? idempotencyInProgress() : error;
  }
}

/** Settles as the write of a turn does, and remembers whether it failed; to be refused is not to fail. */
async function watched<T>({ lastWrite }: TenantStore, write: Promise<T>): Promise<T> {
  try {
    const result = await write;
    lastWrite.failed = false;
    return result;
  } catch (error) {
    lastWrite.failed = !(error instanceof Conflict);
    throw error;
  }
}
