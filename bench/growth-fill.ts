/** The SQL that two databases say differently. */
export interface Dialect {
  /** Rows `n` from 0 up to a number, as something to select from. */
  series(size: number): string;
  /** A number as so many hexadecimal digits. */
  hex(number: string, digits: number): string;
}

export const postgres: Dialect = {
  series: (size) => `generate_series(CAST(0 AS bigint), ${size - 1}) AS s (n)`,
  hex: (number, digits) => `lpad(to_hex(CAST(${number} AS bigint)), ${digits}, '0')`,
};

export const sqlite: Dialect = {
  series: (size) =>
    `(WITH RECURSIVE s (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < ${size - 1}) SELECT n FROM s) AS s`,
  hex: (number, digits) => `printf('%0${digits}x', ${number})`,
};

/** Turns of a chain, tenants, users of a tenant, models, values of metadata. */
export const [TURNS, TENANTS, USERS, MODELS, VALUES] = [200, 100, 50, 5, 20];

/** Of so many responses one has metadata; of so many tenth turns, thirtieth turns, and so on, one has failed. */
const [EVERY_PAIR, EVERY_FAILED] = [10, 25];

/** Between two responses, in milliseconds: five million of them are two months. */
const STEP_MS = 1_000;

/** So many responses, in chains that grow side by side. */
export interface Block {
  size: number;
  /** When the first response was made, in milliseconds since 1970. */
  start: number;
}

/** The id of a response by its number, as `newId` would have made it. */
export function idOf({ start }: Block, n: number): string {
  return `resp_${(start + n * STEP_MS).toString(16).padStart(12, '0')}${n.toString(16).padStart(36, '0')}`;
}

/** How many chains there are: a chain goes on after as many responses. */
export function chainsOf({ size }: Block): number {
  return size / TURNS;
}

/** Whose a response is, by its number. */
export function tenantOf(block: Block, n: number): string {
  return `t${(n % chainsOf(block)) % TENANTS}`;
}

/** A number that goes with no other: each of its values comes in every tenant alike. */
const spread = (prime: number, values: number) => `(n * ${prime} % 1000003 % ${values})`;

/** The statements that fill a database. */
export function fillingOf(block: Block, { series, hex }: Dialect): string[] {
  const { size, start } = block;
  const chains = chainsOf(block);
  const all = series(size);
  const digits = (n: string) => `${hex(`(${start} + (${n}) * ${STEP_MS})`, 12)} || ${hex(`(${n})`, 36)}`;
  const id = (n: string) => `'resp_' || ${digits(n)}`;
  const tenant = `'t' || (n % ${chains} % ${TENANTS})`;
  const response = JSON.stringify({
    object: 'response',
    ...{ created_at: 0, status: 'completed', error: null, incomplete_details: null, instructions: null, metadata: {} },
    ...{ model: 'm0', output: [], parallel_tool_calls: true, temperature: 1, tool_choice: 'auto', tools: [], top_p: 1 },
    usage: { input_tokens: 100, output_tokens: 50, total_tokens: 150 },
    text: { format: { type: 'text' } },
  }).slice(1);
  const item = (role: string, type: string) =>
    JSON.stringify({
      ...{ type: 'message', role, status: 'completed' },
      content: [{ type, text: 'What somebody says, or a model. '.repeat(6) }],
    }).slice(1);
  return [
    `INSERT INTO responses (tenant, id, parent, owner, status, background, compacted, expires_at, body, listed, model, made_by, request)
      SELECT ${tenant}, ${id('n')}, CASE WHEN n >= ${chains} THEN ${id(`n - ${chains}`)} END, '',
        CASE WHEN n / ${chains} % 20 = 9 AND ${spread(104_729, EVERY_FAILED)} = 0 THEN 'failed' ELSE 'completed' END, 0, 0,
        ${start + 10 ** 12}, '{"id":"' || ${id('n')} || '",${response}', 1, 'm' || ${spread(15_485_863, MODELS)},
        'u' || ${spread(32_452_843, USERS)}, 'req_' || ${digits('n')}
      FROM ${all}`,
    // The two items of a turn are neighbours, as they are where turns come one after another.
    `INSERT INTO items (tenant, holder, side, place, id, body)
      SELECT ${tenant}, ${id('n')}, CASE side WHEN 'a' THEN 'input' ELSE 'output' END, 0, 'msg_' || side || ${digits('n')},
        '{"id":"msg_' || side || ${digits('n')} || '",' || CASE side WHEN 'a' THEN '${item('user', 'input_text')}' ELSE '${item('assistant', 'output_text')}' END
      FROM ${all} CROSS JOIN (SELECT 'a' AS side UNION ALL SELECT 'b') AS sides`,
    `INSERT INTO metadata (tenant, key, value, holder)
      SELECT ${tenant}, 'topic', 'v' || ${spread(49_979_687, VALUES)}, ${id('n')} FROM ${all} WHERE ${spread(86_028_121, EVERY_PAIR)} = 0`,
  ];
}

/**
 * The statements by which PostgreSQL gets a fifth as many turns again, each begun and then ended, and no VACUUM: by default it comes once a fifth of a
 * table has changed.
 */
export function wearOf(block: Block): string[] {
  const { size, start } = block;
  const n = size / 5;
  return [
    'ALTER TABLE responses SET (autovacuum_enabled = off)',
    `INSERT INTO responses (tenant, id, owner, status, background, compacted, expires_at, body, listed, model, made_by, request)
      SELECT 't' || (n % ${TENANTS}), 'resp_' || lpad(to_hex(${start + size * STEP_MS} + n), 12, '0') || lpad(to_hex(n), 36, '0'), 'own_' || (n % 8),
        'in_progress', 0, 0, ${start + 10 ** 12}, '{}', 1, 'm' || (n / 7 % ${MODELS}), 'u' || (n / 11 % ${USERS}), 'req_' || n
      FROM generate_series(1, ${n}) AS s (n)`,
    "UPDATE responses SET status = 'completed', owner = '' WHERE status = 'in_progress'",
  ];
}
