import { ApiError } from '../errors.ts';
import type { Item, OutputItem } from '../items/item.ts';
import type { Response } from '../protocol/response.ts';
import { Conflict, type Statement } from './database/database.ts';
import { sql, write } from './database/sql.ts';
import { type ConversationPosition, conversationLocked, LOCKED, type TurnOrigin } from './history.ts';
import { type IdempotencyKey, idempotencyInProgress, refuseUsedKey, takeKey } from './idempotency.ts';
import { insertItems } from './items.ts';
import { JOB_VERSION } from './jobs.ts';
import { isOpen, OPEN } from './process-lease.ts';
import { getStoredResponse } from './responses.ts';
import { retryRead } from './retry.ts';
import { refuseFull } from './storage.ts';
import type { TenantStore } from './tenant-store.ts';
import { splitText } from './text.ts';

/** Writes one stored turn: `begin` once before anything is promised, `round` any number of times, `end` once. */
export interface StoredRecord {
  /** Writes the response and its input. Throws an ApiError when another turn was first, in its conversation or with its key. */
  begin(): Promise<void>;
  /** Writes nothing: a turn in the foreground is not resumed. */
  calling(): Promise<void>;
  /** Writes the new items of the output. */
  round(output: readonly OutputItem[]): Promise<void>;
  /**
   * Writes the final response, retrying for a lease while the database is away, and returns what is stored: another end if
   * somebody was first, and less output if there was no room. Adds the turn to its conversation, unless it failed or was
   * cancelled.
   */
  end(response: Response): Promise<Response>;
}

/** A turn about to begin: its response, its input and history, and the idempotency key of its client, if any. */
export interface NewTurn {
  response: Response;
  input: readonly Item[];
  origin: TurnOrigin;
  key?: IdempotencyKey | undefined;
}

/** Records a turn that this process runs. */
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
          // No room for the output; the failed status alone needs none.
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
 * Records a turn in one write, at its end, which costs half of what two do. Only for a turn that nobody can know of before
 * that: its id has not been sent, and it is in no chain, in no conversation and under no key.
 */
export function recordAtEnd(store: TenantStore, { response, input, origin }: NewTurn): StoredRecord {
  return {
    begin: async () => refuseFull(store),
    async calling() {},
    async round() {},
    end(final) {
      const { tenant } = store;
      const compacted = isCompacted(input) || isCompacted(final.output);
      const { row, body } = insertResponse(store, final, origin, { owner: '', compacted });
      const items = insertItems(
        { tenant, owner: response.id, kind: 'input', position: 0, items: input },
        { tenant, owner: response.id, kind: 'output', position: 0, items: final.output },
      );
      return endOnce(store, final, [row, ...body, ...items]);
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
 * its key, and when there is no room.
 */
export async function beginTurn(
  store: TenantStore,
  { response, input, origin, key }: NewTurn,
  { owner, background }: { owner: string; background?: Statement[] },
): Promise<void> {
  refuseFull(store);
  const { database, tenant, lease } = store;
  const { conversation } = origin;
  const [version, logUntil] = background ? [JOB_VERSION, WHILE_RUNNING] : [];
  const { row, body } = insertResponse(store, response, origin, {
    owner,
    compacted: isCompacted(input),
    version,
    logUntil,
  });
  try {
    const written = lease.write(database, {
      key: key ? [takeKey(tenant, key, response.id)] : [],
      conversation: conversation ? [acquireConversation(tenant, conversation, response.id)] : [],
      response: row,
      body,
      input: insertItems({ tenant, owner: response.id, kind: 'input', position: 0, items: input }),
      job: background ?? [],
    });
    await watched(store, written);
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

/** Inserts a response without its output: its row, and what of its body does not fit the row. */
function insertResponse(
  { tenant, retention }: TenantStore,
  response: Response,
  { previous, conversation, chainStart }: TurnOrigin,
  { owner, compacted, version = 0, logUntil = null }: NewRow,
): { row: Statement; body: Statement[] } {
  const from = conversation ?? chainStart;
  const { head, rest } = writeBody(tenant, response);
  const row = write(sql`INSERT INTO responses
      (tenant, id, parent, conversation, base, owner, status, background, log_until, compacted, expires_at, body)
    VALUES (${tenant}, ${response.id}, ${previous}, ${from?.id ?? null}, ${from?.base ?? null}, ${owner},
      ${response.status}, ${version}, ${logUntil}, ${compacted ? 1 : 0}, ${Date.now() + retention}, ${head})`);
  return { row, body: rest };
}

/** The columns of a new response that are not in its Response. */
interface NewRow {
  owner: string;
  compacted: boolean;
  /** The version of its job, in the background. */
  version?: number | undefined;
  logUntil?: number | null | undefined;
}

/** Whether a compaction is among the items: it replaces all items before it. */
function isCompacted(items: readonly Item[]): boolean {
  return items.some(({ type }) => type === 'compaction');
}

function writeBody(tenant: string, response: Response) {
  const text = JSON.stringify({ ...response, output: [] });
  return splitText({ tenant, owner: response.id, kind: 'body', position: 0 }, text);
}

/** Inserts the output of a response, from a position on. */
export function writeOutput(tenant: string, id: string, items: readonly OutputItem[], from: number): Statement[] {
  return insertItems({ tenant, owner: id, kind: 'output', position: from, items: items.slice(from) });
}

/** A turn that has ended. */
export interface EndedTurn {
  tenant: string;
  response: Response;
  /** Output items that are written already. */
  writtenItems: number;
  /** Number of input items. */
  inputItems: number;
  /** The conversation that it belongs to. */
  conversation: ConversationPosition | null;
  /** Expiry of its events, if it has any. */
  logUntil?: number;
}

/**
 * Writes the end of a turn. Undoes the batch unless `owner` still owns it or, without an `owner`, unless it is still open.
 * Adds the turn to its conversation, unless it failed or was cancelled.
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
 * Undoes the batch unless `owner` still owns the turn: NULL violates the NOT NULL of the column. So a process that was silent
 * for longer than its lease overwrites nothing when it goes on.
 */
export function requireOwner(tenant: string, id: string, owner: string): Statement {
  return write(sql`UPDATE responses SET status = CASE WHEN owner = ${owner} THEN status END
    WHERE tenant = ${tenant} AND id = ${id}`);
}

/** Locks the conversation for a turn; undoes the batch if another turn holds it, or items were added since it was read. */
function acquireConversation(tenant: string, { id, base }: ConversationPosition, turn: string): Statement {
  return write(sql`UPDATE conversations AS c SET turn = ${turn}, used_at = ${Date.now()}, next_place =
      CASE WHEN c.deleted_at IS NULL AND c.next_place = ${base} AND NOT ${LOCKED} THEN c.next_place END
    WHERE c.tenant = ${tenant} AND c.id = ${id}`);
}

/** Unlocks the conversation, and adds the items of the turn if it succeeded. */
function releaseConversation(
  tenant: string,
  { id, base }: ConversationPosition,
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
