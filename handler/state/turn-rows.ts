import type { Item, OutputItem } from '../items/item.ts';
import type { Response } from '../protocol/response.ts';
import type { Statement } from './database/database.ts';
import { sql, write } from './database/sql.ts';
import { type ConversationPosition, LOCKED, type TurnOrigin } from './history.ts';
import { insertItems } from './items.ts';
import { insertMetadata, removeMetadata } from './metadata.ts';
import { OPEN } from './process-lease.ts';
import { isId, type TenantStore } from './tenant-store.ts';
import { splitText } from './text.ts';

// The rows of a turn: its response, its items, and its place in a conversation.

/** Inserts a response without its output: its row, what of its body does not fit the row, and its metadata. */
export function insertResponse(
  { tenant, retention, user, requestId }: TenantStore,
  response: Response,
  { previous, conversation, chainStart }: TurnOrigin,
  { owner, compacted, version = 0, logUntil = null }: NewRow,
): { row: Statement; body: Statement[] } {
  const from = conversation ?? chainStart;
  const { head, rest } = writeBody(tenant, response);
  const row = write(sql`INSERT INTO responses
      (tenant, id, parent, conversation, base, owner, status, background, log_until, compacted, expires_at, body,
        model, made_by, request, listed)
    VALUES (${tenant}, ${response.id}, ${previous}, ${from?.id ?? null}, ${from?.base ?? null}, ${owner},
      ${response.status}, ${version}, ${logUntil}, ${compacted ? 1 : 0}, ${Date.now() + retention}, ${head},
      ${isId(response.model) ? response.model : null}, ${user ?? null}, ${requestId ?? null}, 1)`);
  return { row, body: [...rest, ...insertMetadata(tenant, response.id, response.metadata)] };
}

/** The columns of a new response that are not in its Response. */
export interface NewRow {
  owner: string;
  compacted: boolean;
  /** The version of its job, in the background. */
  version?: number | undefined;
  logUntil?: number | null | undefined;
}

/** Whether a compaction is among the items: it replaces all items before it. */
export function isCompacted(items: readonly Item[]): boolean {
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

/** Removes what is written of the output of a response. */
export function removeOutput(tenant: string, id: string): Statement[] {
  const ofOutput = sql`tenant = ${tenant} AND holder = ${id} AND side = 'output'`;
  return [write(sql`DELETE FROM chunks WHERE ${ofOutput}`), write(sql`DELETE FROM items WHERE ${ofOutput}`)];
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

/** Removes a turn that `owner` has begun and nobody was told of, its key included, and unlocks its conversation. */
export function writeUndo(
  { tenant, id, conversation }: { tenant: string; id: string; conversation: ConversationPosition | null },
  owner: string,
): Statement[] {
  const ofTurn = sql`tenant = ${tenant} AND holder = ${id}`;
  return [
    requireOwner(tenant, id, owner),
    ...(conversation ? [unlockConversation(tenant, conversation, id)] : []),
    write(sql`DELETE FROM idempotency WHERE tenant = ${tenant} AND response = ${id}`),
    write(sql`DELETE FROM chunks WHERE ${ofTurn}`),
    write(sql`DELETE FROM items WHERE ${ofTurn}`),
    removeMetadata(tenant, id),
    write(sql`DELETE FROM responses WHERE tenant = ${tenant} AND id = ${id}`),
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
export function acquireConversation(tenant: string, { id, base }: ConversationPosition, turn: string): Statement {
  return write(sql`UPDATE conversations AS c SET turn = ${turn}, used_at = ${Date.now()}, next_place =
      CASE WHEN c.deleted_at IS NULL AND c.next_place = ${base} AND NOT ${LOCKED} THEN c.next_place END
    WHERE c.tenant = ${tenant} AND c.id = ${id}`);
}

function unlockConversation(tenant: string, { id }: ConversationPosition, turn: string): Statement {
  return write(sql`UPDATE conversations SET turn = NULL WHERE tenant = ${tenant} AND id = ${id} AND turn = ${turn}`);
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
