import { isObject, type JsonObject } from '../protocol/json.ts';
import type { Database, Row, Statement } from './database/database.ts';
import { raw, read, type Sql, sql, write } from './database/sql.ts';
import { insertMetadata } from './metadata.ts';
import { isId } from './tenant-store.ts';
import { joinText } from './text.ts';

/** Rows of one slice, and the bytes of their texts unless one alone has more. */
const [MAX_ROWS, MAX_BYTES] = [raw(40), raw(2 * 1024 * 1024)];

/**
 * Takes what lists are asked by from the JSON of rows that an older program wrote: one slice of the responses. Returns whether
 * there may be more.
 */
export async function listOlderResponses(database: Database): Promise<boolean> {
  const size = sql`octet_length(r.body) + coalesce((SELECT sum(octet_length(k.body)) FROM chunks k
    WHERE r.body = '' AND k.tenant = r.tenant AND k.holder = r.id AND k.side = 'body' AND k.place = 0), 0)`;
  const { rows } = await database.batch({
    rows: read(sql`SELECT s.tenant, s.id, r.body, k.n, k.body AS more FROM (
        SELECT p.tenant, p.id, p.size, sum(p.size) OVER (ORDER BY p.tenant, p.id) AS total FROM (
          SELECT r.tenant, r.id, ${size} AS size FROM responses r WHERE r.listed = 0 ORDER BY r.tenant, r.id LIMIT ${MAX_ROWS}
        ) p
      ) s CROSS JOIN responses r
      LEFT JOIN chunks k ON r.body = '' AND k.tenant = r.tenant AND k.holder = r.id AND k.side = 'body' AND k.place = 0
      WHERE (s.total <= ${MAX_BYTES} OR s.total = s.size) AND r.tenant = s.tenant AND r.id = s.id
      ORDER BY s.tenant, s.id, k.n`),
  });
  if (rows.length === 0) return false;
  const statements = joinText(rows).flatMap(({ row, text }): Statement[] => {
    const { model, metadata } = parse(text);
    const name = typeof model === 'string' && isId(model) ? model : null;
    const which = sql`tenant = ${row.tenant ?? null} AND id = ${row.id ?? null} AND listed = 0`;
    return [
      ...insertPairs(row, metadata, sql`EXISTS (SELECT 1 FROM responses WHERE ${which})`),
      write(sql`UPDATE responses SET model = ${name}, listed = 1 WHERE ${which}`),
    ];
  });
  await database.batch({ statements });
  return true;
}

/** The same of conversations. */
export async function listOlderConversations(database: Database): Promise<boolean> {
  const { rows } = await database.batch({
    rows: read(sql`SELECT c.tenant, c.id, c.metadata FROM conversations c WHERE c.listed = 0
      ORDER BY c.tenant, c.id LIMIT ${MAX_ROWS}`),
  });
  if (rows.length === 0) return false;
  const statements = rows.flatMap((row): Statement[] => {
    const { tenant = null, id = null, metadata = null } = row;
    // Somebody may have replaced the metadata meanwhile.
    const which = sql`tenant = ${tenant} AND id = ${id} AND listed = 0 AND metadata = ${metadata}`;
    return [
      ...insertPairs(row, parse(String(metadata)), sql`EXISTS (SELECT 1 FROM conversations WHERE ${which})`),
      write(sql`UPDATE conversations SET listed = 1 WHERE ${which}`),
    ];
  });
  await database.batch({ statements });
  return true;
}

function insertPairs({ tenant, id }: Row, metadata: unknown, condition: Sql): Statement[] {
  if (!isObject(metadata)) return [];
  const pairs = Object.entries(metadata).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  return insertMetadata(String(tenant), String(id), Object.fromEntries(pairs), condition);
}

/** The members of a JSON object; none of a text that is no such thing. */
function parse(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
