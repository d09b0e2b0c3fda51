import { ApiError } from '../errors.ts';
import type { Item, OutputItem } from '../items/item.ts';
import type { Response } from '../protocol/response.ts';
import { insist } from './again.ts';
import { Conflict, type Statement } from './database/database.ts';
import { type ConversationPlace, conversationLocked, LOCKED, type Past } from './history.ts';
import { type IdempotencyKey, refuseTaken, stillMade, takeKey } from './idempotency.ts';
import { insertItems } from './items.ts';
import { isOpen } from './owner.ts';
import { getHidden } from './responses.ts';
import type { Scope } from './scope.ts';
import { refuseFull } from './storage.ts';
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
  past: Past;
  key?: IdempotencyKey | undefined;
}

/** The record of a turn that this process makes now. */
export function recordTurn(scope: Scope, turn: NewTurn): StoredRecord {
  const { database, tenant, owner } = scope;
  const { response, input, past } = turn;
  const holder = response.id;
  let written = 0;
  let release = () => {};

  return {
    async begin() {
      release = owner.hold(holder, database);
      try {
        await beginTurn(scope, turn, { by: owner.id });
      } catch (error) {
        release();
        throw error;
      }
    },

    async calling() {},

    async round(items) {
      const statements = writeOutput(tenant, holder, items, written);
      if (statements.length === 0) return;
      await owner.write(database, [fence(tenant, holder, owner.id), ...statements]);
      written = items.length;
    },

    async end(ended) {
      const { conversation } = past;
      try {
        const turn = { tenant, ended, written, inputs: input.length, conversation };
        return await endOnce(scope, ended, writeEnd(turn, owner.id)).catch(async (error) => {
          const fits = ended.status === 'failed' && error instanceof ApiError && error.kind === 'storage_full';
          if (!fits) throw error;
          // There is no room for what was made; that it has failed takes none.
          const bare = { ...ended, output: ended.output.slice(0, written) };
          const kept = await endOnce(scope, bare, writeEnd({ ...turn, ended: bare }, owner.id));
          return kept === bare ? ended : kept;
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
async function endOnce(scope: Scope, ended: Response, statements: Statement[]): Promise<Response> {
  const { database, owner } = scope;
  const write = async () => {
    try {
      await database.batch(statements);
      return ended;
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      const kept = await getHidden(scope, ended.id);
      return isOpen(kept.status) ? error : kept;
    }
  };
  const kept = await insist(write, owner.lease);
  if (kept instanceof Conflict) throw kept;
  return kept;
}

/** Until when the events of a turn are kept that has not ended. */
const WHILE_MADE = Number.MAX_SAFE_INTEGER;

/**
 * Writes a turn's response and its input: of one that `by` makes now, or with `background` of one that any process may
 * take, with the statements that keep what it is made from. Throws an ApiError when another turn was first, in its
 * conversation or with its key, and when there is no room.
 */
export async function beginTurn(
  scope: Scope,
  { response, input, past, key }: NewTurn,
  { by, background }: { by: string; background?: Statement[] },
): Promise<void> {
  refuseFull(scope);
  const { database, tenant, owner } = scope;
  const { conversation } = past;
  const from = conversation ?? past.begun;
  const { head, rest } = writeBody(tenant, response);
  try {
    await owner.write(database, [
      ...(key ? [takeKey(tenant, key, response.id)] : []),
      ...(conversation ? [lock(tenant, conversation, response.id)] : []),
      {
        sql: `INSERT INTO responses
            (tenant, id, parent, conversation, base, owner, status, background, log_until, compacted, expires_at, body)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        values: [
          ...[tenant, response.id, past.previous, from?.id ?? null, from?.base ?? null, by, response.status],
          ...(background ? [1, WHILE_MADE] : [0, null]),
          ...[isCompacted(input) ? 1 : 0, Date.now() + scope.retention, head],
        ],
      },
      ...rest,
      ...insertItems({ tenant, holder: response.id, side: 'input', place: 0 }, input),
      ...(background ?? []),
    ]);
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    if (key) await refuseTaken(scope, key);
    throw conversation ? conversationLocked() : key ? stillMade() : error;
  }
}

/** Whether items hold one that stands for all that was before it. */
function isCompacted(items: readonly Item[]): boolean {
  return items.some(({ type }) => type === 'compaction');
}

function writeBody(tenant: string, response: Response) {
  const text = JSON.stringify({ ...response, output: [] });
  return splitText({ tenant, holder: response.id, side: 'body', place: 0 }, text);
}

/** The items of a response's output from a place on. */
export function writeOutput(tenant: string, holder: string, items: readonly OutputItem[], from: number): Statement[] {
  return insertItems({ tenant, holder, side: 'output', place: from }, items.slice(from));
}

/** A turn that has ended. */
export interface EndedTurn {
  tenant: string;
  ended: Response;
  /** Items of its output that are written already. */
  written: number;
  /** Items of its input. */
  inputs: number;
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
  const { tenant, ended, written, inputs, conversation, logUntil } = turn;
  const { head, rest } = writeBody(tenant, ended);
  const mine = owner === undefined ? "status IN ('queued', 'in_progress')" : 'owner = ?';
  return [
    {
      sql: `UPDATE responses SET body = ?, log_until = ?, owner = '', waits = 0, compacted = CASE WHEN ? = 1 THEN 1 ELSE compacted END,
          status = CASE WHEN ${mine} THEN ? END
        WHERE tenant = ? AND id = ?`,
      values: [
        ...[head, logUntil ?? null, isCompacted(ended.output) ? 1 : 0],
        ...[...(owner === undefined ? [] : [owner]), ended.status],
        ...[tenant, ended.id],
      ],
    },
    {
      sql: "DELETE FROM chunks WHERE tenant = ? AND holder = ? AND side = 'body'",
      values: [tenant, ended.id],
    },
    ...rest,
    ...writeOutput(tenant, ended.id, ended.output, written),
    ...(conversation ? leave(tenant, conversation, ended, inputs) : []),
  ];
}

/**
 * Undoes a whole batch unless the turn is still its owner's: NULL violates the column's NOT NULL. A process that has
 * been silent for longer than a lease, and then goes on, thus writes nothing over what others made of its turn.
 */
export function fence(tenant: string, id: string, owner: string): Statement {
  return {
    sql: 'UPDATE responses SET status = CASE WHEN owner = ? THEN status END WHERE tenant = ? AND id = ?',
    values: [owner, tenant, id],
  };
}

/** Takes the conversation for a turn, if nobody has it and nothing was added since it was read; else undoes the batch. */
function lock(tenant: string, { id, base }: ConversationPlace, turn: string): Statement {
  return {
    sql: `UPDATE conversations AS c SET turn = ?, used_at = ?, next_place =
        CASE WHEN c.deleted_at IS NULL AND c.next_place = ? AND NOT ${LOCKED} THEN c.next_place END
      WHERE c.tenant = ? AND c.id = ?`,
    values: [turn, Date.now(), base, tenant, id],
  };
}

/** Gives the conversation back, with the turn's items in it if it came to something. */
function leave(tenant: string, { id, base }: ConversationPlace, ended: Response, inputs: number): Statement[] {
  const made = ended.status === 'completed' || ended.status === 'incomplete';
  const compaction = made ? ended.output.findLastIndex(({ type }) => type === 'compaction') : -1;
  const free: Statement = {
    sql: `UPDATE conversations SET turn = NULL, used_at = ?, next_place = next_place + ?,
        start_place = CASE WHEN ? >= 0 THEN ? ELSE start_place END WHERE tenant = ? AND id = ? AND turn = ?`,
    values: [
      ...[Date.now(), made ? inputs + ended.output.length : 0, compaction, base + inputs + compaction],
      ...[tenant, id, ended.id],
    ],
  };
  if (!made) return [free];
  const publish = `UPDATE items SET conversation = ?, conversation_place = ? + place
      + CASE WHEN side = 'output' THEN ? ELSE 0 END WHERE tenant = ? AND holder = ?`;
  return [free, { sql: publish, values: [id, base, inputs, tenant, ended.id] }];
}
