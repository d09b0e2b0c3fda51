import { Conflict, type Statement } from '../database/database.ts';
import type { Item, OutputItem } from '../protocol/items.ts';
import type { Response } from '../protocol/response.ts';
import { type ConversationPlace, conversationLocked, LOCKED, type Past } from './history.ts';
import { type IdempotencyKey, refuseTaken, stillMade, takeKey } from './idempotency.ts';
import { insertItems } from './items.ts';
import { endDead } from './owner.ts';
import type { Scope } from './scope.ts';
import { splitText } from './text.ts';

/** How one stored turn is written: `begin` once before anything is promised, `round` any number of times, `end` once. */
export interface TurnRecord {
  /** Writes the response and its input. Throws an ApiError when another turn was first, in its conversation or with its key. */
  begin(): Promise<void>;
  /** Writes the items of the output that are new. */
  round(output: readonly OutputItem[]): Promise<void>;
  /** Writes the response as it ended; a turn of a conversation is put into it, unless it failed or was cancelled. */
  end(response: Response): Promise<void>;
}

/** The record of the turn that makes `response` from `input` and what was before, under the client's key if it has one. */
export function recordTurn(
  scope: Scope,
  response: Response,
  input: readonly Item[],
  past: Past,
  key?: IdempotencyKey,
): TurnRecord {
  const { database, tenant, owner } = scope;
  const { conversation } = past;
  const from = conversation ?? past.begun;
  const holder = response.id;
  let written = 0;
  let chunked = false;
  let beats: ReturnType<typeof setInterval> | undefined;

  const body = (of: Response) => {
    const { head, rest } = splitText({ tenant, holder, side: 'body', place: 0 }, JSON.stringify({ ...of, output: [] }));
    const stale = {
      sql: "DELETE FROM chunks WHERE tenant = ? AND holder = ? AND side = 'body'",
      values: [tenant, holder],
    };
    const statements = chunked ? [stale, ...rest] : rest;
    chunked = rest.length > 0;
    return { head, statements };
  };
  const output = (items: readonly OutputItem[]) =>
    insertItems({ tenant, holder, side: 'output', place: written }, items.slice(written));

  return {
    async begin() {
      const now = Date.now();
      const { head, statements } = body(response);
      owner.running.add(holder);
      try {
        await database.batch([
          ...owner.beat(now),
          ...(key ? takeKey(tenant, key, holder, now) : []),
          ...(conversation ? lock(tenant, conversation, holder, now) : []),
          {
            sql: `INSERT INTO responses (tenant, id, parent, conversation, base, owner, status, expires_at, body)
              VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
            values: [
              tenant,
              holder,
              past.previous,
              from?.id ?? null,
              from?.base ?? null,
              owner.id,
              response.status,
              now + scope.retention,
              head,
            ],
          },
          ...statements,
          ...insertItems({ tenant, holder, side: 'input', place: 0 }, input),
        ]);
      } catch (error) {
        owner.running.delete(holder);
        if (!(error instanceof Conflict)) throw error;
        if (key) await refuseTaken(scope, key);
        throw conversation ? conversationLocked() : key ? stillMade() : error;
      }
      beats = setInterval(() => {
        const due = owner.beat(Date.now());
        // One that fails is followed by others; when all fail, the turn's own writes do as well, and say so.
        if (due.length > 0) database.batch(due).catch(() => {});
      }, owner.every);
    },

    async round(items) {
      const statements = output(items);
      if (statements.length === 0) return;
      await database.batch([...owner.beat(Date.now()), fence(tenant, holder, owner.id), ...statements]);
      written = items.length;
    },

    async end(ended) {
      clearInterval(beats);
      const { head, statements } = body(ended);
      try {
        await database.batch([
          {
            sql: 'UPDATE responses SET body = ?, status = CASE WHEN owner = ? THEN ? END WHERE tenant = ? AND id = ?',
            values: [head, owner.id, ended.status, tenant, holder],
          },
          ...statements,
          ...output(ended.output),
          ...(conversation ? leave(tenant, conversation, ended, input.length) : []),
        ]);
      } finally {
        owner.running.delete(holder);
      }
    },
  };
}

/**
 * Undoes a whole batch unless the turn is still its owner's: NULL violates the column's NOT NULL. A process that has
 * been silent for longer than a lease, and then goes on, thus writes nothing over what others made of its turn.
 */
function fence(tenant: string, id: string, owner: string): Statement {
  return {
    sql: 'UPDATE responses SET status = CASE WHEN owner = ? THEN status END WHERE tenant = ? AND id = ?',
    values: [owner, tenant, id],
  };
}

/** Takes the conversation for a turn, if nobody has it and nothing was added since it was read; else undoes the batch. */
function lock(tenant: string, { id, base }: ConversationPlace, turn: string, now: number): Statement[] {
  return [
    endDead(tenant, 'SELECT c.turn FROM conversations c WHERE c.tenant = ? AND c.id = ?', [tenant, id], now),
    {
      sql: `UPDATE conversations AS c SET turn = ?, next_place =
          CASE WHEN c.deleted_at IS NULL AND c.next_place = ? AND NOT ${LOCKED} THEN c.next_place END
        WHERE c.tenant = ? AND c.id = ?`,
      values: [turn, base, now, tenant, id],
    },
  ];
}

/** Gives the conversation back, with the turn's items in it if it came to something. */
function leave(tenant: string, { id, base }: ConversationPlace, ended: Response, inputs: number): Statement[] {
  const made = ended.status === 'completed' || ended.status === 'incomplete';
  const statements: Statement[] = [
    {
      sql: 'UPDATE conversations SET turn = NULL, next_place = ? WHERE tenant = ? AND id = ? AND turn = ?',
      values: [made ? base + inputs + ended.output.length : base, tenant, id, ended.id],
    },
  ];
  if (!made) return statements;
  const publish = `UPDATE items SET conversation = ?, conversation_place = ? + place
      + CASE WHEN side = 'output' THEN ? ELSE 0 END WHERE tenant = ? AND holder = ?`;
  return [...statements, { sql: publish, values: [id, base, inputs, tenant, ended.id] }];
}
