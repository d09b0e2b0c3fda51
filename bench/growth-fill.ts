/** The SQL that two databases say differently. */
export interface Dialect {
  /** Rows `n` from one number up to another, as something to select from. */
  series(from: number, to: number): string;
  /** A number as so many hexadecimal digits. */
  hex(number: string, digits: number): string;
  /** What a column of a text is declared to be where it is read by key: nothing has to be done. */
  runs: 'postgresql' | 'sqlite';
}

export const postgres: Dialect = {
  runs: 'postgresql',
  series: (from, to) => `generate_series(CAST(${from} AS bigint), ${to - 1}) AS s (n)`,
  hex: (number, digits) => `lpad(to_hex(CAST(${number} AS bigint)), ${digits}, '0')`,
};

export const sqlite: Dialect = {
  runs: 'sqlite',
  series: (from, to) =>
    `(WITH RECURSIVE s (n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM s WHERE n < ${to - 1}) SELECT n FROM s) AS s`,
  hex: (number, digits) => `printf('%0${digits}x', ${number})`,
};

/** Turns of a chain, tenants, users of a tenant, models. */
export const [TURNS, TENANTS, USERS, MODELS] = [200, 100, 50, 5];

/** Every so many responses one has metadata; the tenth turn of every so many chains has failed. */
const [EVERY_PAIR, EVERY_FAILED] = [10, 5];

/** Between two responses, in milliseconds: ten million of them are some months. */
const STEP_MS = 1_000;

/** Responses from one number up to another, in chains that grow side by side. */
export interface Block {
  from: number;
  to: number;
  /** When the first response of all was made, in milliseconds since 1970. */
  start: number;
}

/** The id of a response by its number, as `newId` would have made it. */
export function idOf({ start }: Block, n: number): string {
  return `resp_${(start + n * STEP_MS).toString(16).padStart(12, '0')}${n.toString(16).padStart(36, '0')}`;
}

/** The chains of a block: the number of the last response of each is `to` less as many. */
export function chainsOf({ from, to }: Block): number {
  return (to - from) / TURNS;
}

/** Whose a response is, by its number. */
export function tenantOf(block: Block, n: number): string {
  return `t${((n - block.from) % chainsOf(block)) % TENANTS}`;
}

/** The statements that fill a block. */
export function fillingOf(block: Block, { series, hex }: Dialect): string[] {
  const { from, to, start } = block;
  const chains = chainsOf(block);
  const id = (n: string) => `'resp_' || ${hex(`(${start} + (${n}) * ${STEP_MS})`, 12)} || ${hex(`(${n})`, 36)}`;
  const chain = `((n - ${from}) % ${chains})`;
  const tenant = `'t' || (${chain} % ${TENANTS})`;
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
  const items = (side: string, prefix: string, body: string) =>
    `INSERT INTO items (tenant, holder, side, place, id, body)
      SELECT ${tenant}, ${id('n')}, '${side}', 0, '${prefix}' || substr(${id('n')}, 6), '{"id":"${prefix}' || substr(${id('n')}, 6) || '",${body}'
      FROM ${series(from, to)}`;
  return [
    `INSERT INTO responses (tenant, id, parent, owner, status, background, compacted, expires_at, body, listed, model, made_by, request)
      SELECT ${tenant}, ${id('n')}, CASE WHEN n - ${chains} >= ${from} THEN ${id(`n - ${chains}`)} END, '',
        CASE WHEN (n - ${from}) / ${chains} = 9 AND n % ${EVERY_FAILED} = 0 THEN 'failed' ELSE 'completed' END, 0, 0, ${start + 10 ** 12},
        '{"id":"' || ${id('n')} || '",${response}', 1, 'm' || (n / 3 % ${MODELS}), 'u' || (n / 7 % ${USERS}), 'req_' || n
      FROM ${series(from, to)}`,
    items('input', 'msg_a', item('user', 'input_text')),
    items('output', 'msg_b', item('assistant', 'output_text')),
    `INSERT INTO metadata (tenant, key, value, holder)
      SELECT ${tenant}, 'topic', 'v' || (n % 1000), ${id('n')} FROM ${series(from, to)} WHERE n % ${EVERY_PAIR} = 0`,
  ];
}
