import type { Database } from './database.ts';
import { raw, read, sql } from './sql.ts';

// What people read who have SQL. A view is only ever given more columns, at its end: others may build on it.

/** The schema of the views. */
const SCHEMA = 'antiphon_views';

/** Names what is below: another one, and each database gets the views anew. */
const VERSION = 'version 1';

/** A tenant without its user, and the user that a row is of: one has made it, or has it apart. */
const tenantOf = (row: string) => `split_part(${row}.tenant, chr(31), 1)`;
const userOf = (row: string) => `coalesce(${row}.made_by, nullif(split_part(${row}.tenant, chr(31), 2), ''))`;

const timeOf = (ms: string) => `to_timestamp(${ms} / 1000.0)`;

/** When an id was made: its first digits are hexadecimal milliseconds. */
const madeAt = (id: string) =>
  `CASE WHEN ${id} ~ '^[a-z]+_[0-9a-f]{12}' THEN ${timeOf(`('x' || lpad(substr(split_part(${id}, '_', 2), 1, 12), 16, '0'))::bit(64)::bigint`)} END`;

/** A text as JSON, with the chunks of one that did not fit its row; NULL where it is none: encrypted, or with what jsonb does not take. */
const json = (text: string) => `${SCHEMA}.json_of(${text})`;
const whole = (row: string, holder: string, side: string, place: string) =>
  json(`CASE WHEN ${row}.body <> '' THEN ${row}.body ELSE (SELECT string_agg(k.body, '' ORDER BY k.n) FROM chunks k
    WHERE k.tenant = ${row}.tenant AND k.holder = ${holder} AND k.side = ${side} AND k.place = ${place}) END`);

const KEY = 'user_name, project, key_id, model, kind';
const COUNTS = ['requests', 'input', 'cached', 'cache_write', 'output', 'reasoning', 'total'];
/** A day of UTC in milliseconds. */
const DAY = 86_400_000;

const STATEMENTS = [
  `CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`,
  `CREATE OR REPLACE FUNCTION ${SCHEMA}.json_of(body text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT AS
    'BEGIN RETURN body::jsonb; EXCEPTION WHEN OTHERS THEN RETURN NULL; END'`,

  `CREATE OR REPLACE VIEW ${SCHEMA}.responses WITH (security_invoker = true) AS
    SELECT ${tenantOf('r')} AS tenant, ${userOf('r')} AS user_name, r.id, r.status, r.model, r.parent AS previous_response_id,
      r.conversation AS conversation_id, r.background > 0 AS background, r.request AS request_id,
      ${madeAt('r.id')} AS created_at, ${timeOf('r.expires_at')} AS expires_at,
      (b.body #>> '{usage,input_tokens}')::bigint AS input_tokens, (b.body #>> '{usage,output_tokens}')::bigint AS output_tokens,
      b.body -> 'metadata' AS metadata, nullif(b.body -> 'error', 'null') AS error, b.body
    FROM responses r CROSS JOIN LATERAL (SELECT ${whole('r', 'r.id', "'body'", '0')} AS body OFFSET 0) b
    WHERE r.expires_at > extract(epoch FROM now()) * 1000`,

  `CREATE OR REPLACE VIEW ${SCHEMA}.items WITH (security_invoker = true) AS
    SELECT ${tenantOf('i')} AS tenant, nullif(split_part(i.tenant, chr(31), 2), '') AS user_name, i.id, b.body ->> 'type' AS type,
      b.body ->> 'role' AS role, CASE WHEN i.side IN ('input', 'output') THEN i.holder END AS response_id,
      i.conversation AS conversation_id, i.side, i.place, ${madeAt('i.id')} AS created_at,
      (SELECT string_agg(p.part ->> 'text', '' ORDER BY p.n) FROM jsonb_array_elements(
        CASE WHEN jsonb_typeof(b.body -> 'content') = 'array' THEN b.body -> 'content' END) WITH ORDINALITY p (part, n)) AS text, b.body
    FROM items i CROSS JOIN LATERAL (SELECT ${whole('i', 'i.holder', 'i.side', 'i.place')} AS body OFFSET 0) b
    WHERE i.side <> 'round'`,

  `CREATE OR REPLACE VIEW ${SCHEMA}.conversations WITH (security_invoker = true) AS
    SELECT ${tenantOf('c')} AS tenant, ${userOf('c')} AS user_name, c.id, to_timestamp(c.created_at) AS created_at,
      ${timeOf('c.used_at')} AS used_at, c.turn AS latest_response_id, c.request AS request_id, ${json('c.metadata')} AS metadata
    FROM conversations c WHERE c.deleted_at IS NULL`,

  `CREATE OR REPLACE VIEW ${SCHEMA}.usage WITH (security_invoker = true) AS
    WITH counted AS (
      SELECT ${tenantOf('u')} AS tenant, u.day, ${KEY}, ${COUNTS.join(', ')} FROM usage u
      UNION ALL SELECT ${tenantOf('c')}, c.at - c.at % ${DAY}, ${KEY}, 1, ${COUNTS.slice(1).join(', ')} FROM charges c WHERE c.remove_at = 0
    ), priced AS (
      SELECT ${tenantOf('u')} AS tenant, u.day, ${KEY}, u.name, u.amount FROM usage_costs u
      UNION ALL SELECT ${tenantOf('c')}, c.at - c.at % ${DAY}, ${KEY}, e.key, e.value::numeric
        FROM charges c CROSS JOIN LATERAL jsonb_each_text(${json('c.costs')}) e WHERE c.remove_at = 0 AND c.costs <> '{}'
    ), costs AS (
      SELECT tenant, day, ${KEY}, jsonb_object_agg(name, amount) AS costs
      FROM (SELECT tenant, day, ${KEY}, name, sum(amount) AS amount FROM priced GROUP BY tenant, day, ${KEY}, name) s
      GROUP BY tenant, day, ${KEY}
    ), summed AS (
      SELECT tenant, day, ${KEY}, ${COUNTS.map((name) => `sum(${name})::bigint AS ${name}`).join(', ')} FROM counted GROUP BY tenant, day, ${KEY}
    )
    SELECT s.tenant, (${timeOf('s.day')} AT TIME ZONE 'UTC')::date AS day, ${KEY.split(', ')
      .map((name) => `nullif(s.${name}, '') AS ${name}`)
      .join(
        ', ',
      )}, s.requests, s.input AS input_tokens, s.cached AS cached_input_tokens, s.cache_write AS cached_write_input_tokens,
      s.output AS output_tokens, s.reasoning AS reasoning_tokens, s.total AS total_tokens, coalesce(c.costs, '{}') AS costs
    FROM summed s LEFT JOIN costs c ON (c.tenant, c.day, ${KEY.split(', ')
      .map((name) => `c.${name}`)
      .join(', ')}) = (s.tenant, s.day, ${KEY.split(', ')
      .map((name) => `s.${name}`)
      .join(', ')})`,

  `COMMENT ON SCHEMA ${SCHEMA} IS '${VERSION}'`,
];

/** The statements that make the views, if they are not the newest, and their role may; none otherwise. */
export async function viewSteps(admin: Database): Promise<string[]> {
  const { schema } = await admin.batch({
    schema: read(sql`SELECT obj_description(n.oid, 'pg_namespace') AS version, CASE WHEN n.oid IS NULL
        THEN has_database_privilege(current_database(), 'CREATE') ELSE pg_has_role(n.nspowner, 'USAGE') END AS may
      FROM (SELECT 1 AS one) o LEFT JOIN pg_namespace n ON n.nspname = ${raw(`'${SCHEMA}'`)}`),
  });
  return schema[0]?.may === 1 && schema[0].version !== VERSION ? STATEMENTS : [];
}
