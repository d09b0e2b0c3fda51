import { ApiError } from '../errors.ts';
import type { Item, OutputItem } from '../items/item.ts';
import type { Response } from '../protocol/response.ts';
import { Conflict, type Statement } from './database/database.ts';
import { sql, write } from './database/sql.ts';
import { type ConversationPlace, conversationLocked, LOCKED, type TurnOrigin } from './history.ts';
import { type IdempotencyKey, idempotencyInProgress, refuseUsedKey, takeKey } from './idempotency.ts';
import { insertItems } from './items.ts';
import { JOB_VERSION } from './jobs.ts';
import { isOpen, OPEN } from './process-lease.ts';
import { getStoredResponse } from './responses.ts';
import { retryRead } from './retry.ts';
import { refuseFull } from './storage.ts';
import type { TenantStore } from './tenant-store.ts';
import { splitText } from './text.ts';

/** How one stored turn is written: `begin` once before anything is promised, `round` any number of times, `end` once. */
export interface StoredRecord {
  /** Writes the response and its input. Throws an ApiError when another turn was first, in its conversation or with its key. */
  begin(): Promise<void>;
  /** Writes nothing: what a process that dies leaves behind is not run again. */
  calling(): Promise<void>;
  /** Writes the items of the output that are new. */
  round(output: readonly OutputItem[]): Promise<void>;
  /**
   * Writes the response as it ended, for as long as a lease where the database is away, and gives what is kept: another end,
   * where somebody was first, and without what there is no room for. A turn of a conversation is put into it, unless it failed or was cancelled.
   */
  end(response: Response): Promise<Response>;
}

/** A turn that is about to begin: the response that it makes, from what, and under the client's key if it has one. */
export interface NewTurn {
  response: Response;
  input: readonly Item[];
  origin: TurnOrigin;
  key?: IdempotencyKey | undefined;
}

/** The record of a turn that this process makes now. */
export function recordTurn(store: TenantStore, turn: NewTurn): StoredRecord {
  const { database, tenant, lease } = store;
  const { response, input, origin } = turn;
  let written = 0;
  let release = () => {};

  return {
    async begin() {
      release = lease.hold(response.id, database);
      try {
        await beginTurn(store, turn, { owner: lease.id });
      } catch (error) {
        release();
        throw error;
      }
    },

    async calling() {},

    async round(items) {
      const output = writeOutput(tenant, response.id, items, written);
      if (output.length === 0) return;
      await lease.write(database, { owned: requireOwner(tenant, response.id, lease.id), output });
      written = items.length;
    },

    async end(final) {
      const { conversation } = origin;
      try {
        const turn = { tenant, response: final, writtenItems: written, inputItems: input.length, conversation };
        return await endOnce(store, final, writeEnd(turn, lease.id)).catch(async (error) => {
          const fits = final.status === 'failed' && error instanceof ApiError && error.kind === 'storage_full';
          if (!fits) throw error;
          // There is no room for what was made; that it has failed takes none.
          const bare = { ...final, output: final.output.slice(0, written) };
          const stored = await endOnce(store, bare, writeEnd({ ...turn, response: bare }, lease.id));
          return stored === bare ? final : stored;
        });
      } finally {
        release();
      }
    },
  };
}

/**
 * Writes an end, again and again while the database is away, and gives what is kept: an attempt may have come through
 * without our hearing of it, and others may have ended the turn.
 */
async function endOnce(store: TenantStore, final: Response, end: Statement[]): Promise<Response> {
  const { database, lease } = store;
  const write = async () => {
    try {
      await database.batch({ end });
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

/** Until when the events of a turn are kept that has not ended. */
const WHILE_RUNNING = Number.MAX_SAFE_INTEGER;

/**
 * Writes a turn's response and its input: of one that `by` makes now, or with `background` of one that any process may
 * take, with the statements that keep what it is made from. Throws an ApiError when another turn was first, in its
 * conversation or with its key, and when there is no room.
 */
export async function beginTurn(
  store: TenantStore,
  { response, input, origin, key }: NewTurn,
  { owner, background }: { owner: string; background?: Statement[] },
): Promise<void> {
  refuseFull(store);
  const { database, tenant, lease } = store;
  const { conversation } = origin;
  const from = conversation ?? origin.chainStart;
  const { head, rest } = writeBody(tenant, response);
  try {
    const [version, logUntil] = background ? [JOB_VERSION, WHILE_RUNNING] : [0, null];
    await lease.write(database, {
      key: key ? [takeKey(tenant, key, response.id)] : [],
      conversation: conversation ? [acquireConversation(tenant, conversation, response.id)] : [],
      response: write(sql`INSERT INTO responses
          (tenant, id, parent, conversation, base, owner, status, background, log_until, compacted, expires_at, body)
        VALUES (${tenant}, ${response.id}, ${origin.previous}, ${from?.id ?? null}, ${from?.base ?? null}, ${owner},
          ${response.status}, ${version}, ${logUntil}, ${isCompacted(input) ? 1 : 0},
          ${Date.now() + store.retention}, ${head})`),
      body: rest,
      input: insertItems({ tenant, owner: response.id, kind: 'input', position: 0 }, input),
      job: background ?? [],
    });
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    if (key) await refuseUsedKey(store, key);
    throw conversation ? conversationLocked() : key ? idempotencyInProgress() : error;
  }
}

/** Whether items hold one that stands for all that was before it. */
function isCompacted(items: readonly Item[]): boolean {
  return items.some(({ type }) => type === 'compaction');
}

function writeBody(tenant: string, response: Response) {
  const text = JSON.stringify({ ...response, output: [] });
  return splitText({ tenant, owner: response.id, kind: 'body', position: 0 }, text);
}

/** The items of a response's output from a place on. */
export function writeOutput(tenant: string, id: string, items: readonly OutputItem[], from: number): Statement[] {
  return insertItems({ tenant, owner: id, kind: 'output', position: from }, items.slice(from));
}

/** A turn that has ended. */
export interface EndedTurn {
  tenant: string;
  response: Response;
  /** Items of its output that are written already. */
  writtenItems: number;
  /** Items of its input. */
  inputItems: number;
  /** The conversation that it belongs to. */
  conversation: ConversationPlace | null;
  /** Until when its events are kept, if it has any. */
  logUntil?: number;
}

/**
 * Writes how a turn ended; undoes the batch unless it is still its owner's, or, where no owner is named, unless it has not
 * ended yet. A turn of a conversation is put into it, unless it failed or was cancelled.
 */
export function writeEnd(turn: EndedTurn, owner?: string): Statement[] {
  const { tenant, response, writtenItems, inputItems, conversation, logUntil } = turn;
  const { head, rest } = writeBody(tenant, response);
  const isOwner = owner === undefined ? OPEN : sql`r.owner = ${owner}`;
  const compacted = isCompacted(response.output) ? sql`1` : sql`r.compacted`;
  return [
    write(sql`UPDATE responses AS r SET body = ${head}, log_until = ${logUntil ?? null}, owner = '', waits = 0,
        compacted = ${compacted}, status = CASE WHEN ${isOwner} THEN ${response.status} END
      WHERE r.tenant = ${tenant} AND r.id = ${response.id}`),
    write(sql`DELETE FROM chunks WHERE tenant = ${tenant} AND holder = ${response.id} AND side = 'body'`),
    ...rest,
    ...writeOutput(tenant, response.id, response.output, writtenItems),
    ...(conversation ? releaseConversation(tenant, conversation, response, inputItems) : []),
  ];
}

/**
 * Undoes a whole batch unless the turn is still its owner's: NULL violates the column's NOT NULL. A process that has
 * been silent for longer than a lease, and then goes on, thus writes nothing over what others made of its turn.
 */
export function requireOwner(tenant: string, id: string, owner: string): Statement {
  return write(sql`UPDATE responses SET status = CASE WHEN owner = ${owner} THEN status END
    WHERE tenant = ${tenant} AND id = ${id}`);
}

/** Takes the conversation for a turn, if nobody has it and nothing was added since it was read; else undoes the batch. */
function acquireConversation(tenant: string, { id, base }: ConversationPlace, turn: string): Statement {
  return write(sql`UPDATE conversations AS c SET turn = ${turn}, used_at = ${Date.now()}, next_place =
      CASE WHEN c.deleted_at IS NULL AND c.next_place = ${base} AND NOT ${LOCKED} THEN c.next_place END
    WHERE c.tenant = ${tenant} AND c.id = ${id}`);
}

/** Gives the conversation back, with the turn's items in it if it came to something. */
function releaseConversation(
  tenant: string,
  { id, base }: ConversationPlace,
  { id: turn, status, output }: Response,
  inputItems: number,
): Statement[] {
  const succeeded = status === 'completed' || status === 'incomplete';
  const compaction = succeeded ? output.findLastIndex(({ type }) => type === 'compaction') : -1;
  const start = compaction < 0 ? sql`start_place` : sql`${base + inputItems + compaction}`;
  const release = write(sql`UPDATE conversations SET turn = NULL, used_at = ${Date.now()},
      next_place = next_place + ${succeeded ? inputItems + output.length : 0}, start_place = ${start}
    WHERE tenant = ${tenant} AND id = ${id} AND turn = ${turn}`);
  if (!succeeded) return [release];
  const publish = write(sql`UPDATE items SET conversation = ${id}, conversation_place = ${base} + place
      + CASE WHEN side = 'output' THEN ${inputItems} ELSE 0 END WHERE tenant = ${tenant} AND holder = ${turn}`);
  return [release, publish];
}
