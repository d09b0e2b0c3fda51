// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are lines of sources

/** A line with a tenant that neither a reader of statements nor a caller notices the lack of, and why none is needed there. */
export interface Survivor {
  file: string;
  text: string;
  why: string;
}

const COMMAND = 'The command of an operator lists keys by it, and callers do not: test/thorough/keys-command.test.ts.';
const WEIGHT = 'It only says how large a slice of a sweep is: what goes is found by tenant.';
const IDS = 'It only says which ids to look at: each is looked up again by its tenant.';
const OTHERS = {
  items: 'Two tenants with the same ids: test/tenant-statements.test.ts.',
  seal: 'What is sealed opens for its tenant alone: test/thorough/seal.test.ts.',
};

const SUMMED = 'A charge that is not marked is added up again: test/thorough/usage.test.ts.';

/** Each of them; `test/tenant-statements.test.ts` fails for one that is not in the source any more. */
export const survivors: readonly Survivor[] = [
  {
    file: 'handler/state/keys.ts',
    text: 'const where = tenant === undefined ? sql`id > ${after}` : sql`tenant = ${tenant} AND id > ${after}`;',
    why: COMMAND,
  },
  {
    file: 'handler/state/lists.ts',
    text: 'ids: (tenant: string) => sql`SELECT a.id FROM ${of} a WHERE a.tenant = ${tenant} AND a.status = ${status ?? null}`,',
    why: IDS,
  },
  {
    file: 'handler/state/remove.ts',
    text: '${weightOf(sql`i.tenant = r.tenant AND i.holder = r.id`)}',
    why: WEIGHT,
  },
  {
    file: 'handler/state/remove.ts',
    text: '${weightOf(sql`i.tenant = v.tenant AND i.conversation = v.id`)}',
    why: WEIGHT,
  },
  {
    file: 'handler/state/responses.ts',
    text: `where: sql\`i.tenant = \${tenant} AND i.holder = \${id} AND i.side = 'input'\`,`,
    why: OTHERS.items,
  },
  {
    file: 'handler/state/charge-sums.ts',
    text: 'const ids = some.map(({ tenant = null, id = null }) => sql`(${tenant}, ${id})`);',
    why: SUMMED,
  },
  { file: 'handler/state/history-cache.ts', text: 'return `${id}\\n${tenant}`;', why: OTHERS.items },
  {
    file: 'handler/seal.ts',
    text: 'const bound = (id: string, purpose: SealPurpose) => encoder.encode(JSON.stringify([MARK, 2, id, tenant, purpose]));',
    why: OTHERS.seal,
  },
];

/** Lines that are put into statements elsewhere, where only two callers with the same ids notice: test/long/tenant-mutants.test.ts. */
export const pieces: readonly Pick<Survivor, 'file' | 'text'>[] = [
  { file: 'handler/state/conversation-items.ts', text: 'where: sql`i.tenant = ${tenant} AND i.conversation = ${id}`,' },
  {
    file: 'handler/state/conversations.ts',
    text: 'return sql`tenant = ${tenant} AND id = ${id} AND deleted_at IS NULL`;',
  },
  {
    file: 'handler/state/items.ts',
    text: 'sql`(${tenant}, ${owner}, ${kind}, ${position}, ${item.id}, ${conversation?.id ?? null}, ${next}, ${head})`,',
  },
  {
    file: 'handler/state/listing.ts',
    text: "WHERE r.tenant = ${tenant} AND ${present.r} AND ${past(raw('r'))} ORDER BY r.id ${direction} ${bound}`;",
  },
  {
    file: 'handler/state/listing.ts',
    text: '? sql`${within} c CROSS JOIN ${raw(table)} p WHERE p.tenant = ${tenant} AND p.id = c.id AND ${all}`',
  },
  {
    file: 'handler/state/lists.ts',
    text: 'return list(places.map(({ tenant, id }, n) => sql`(${tenant}, ${id}, ${raw(n)})`));',
  },
  {
    file: 'handler/state/metadata.ts',
    text: 'const rows = pairs.map(([key, value]) => sql`(${tenant}, ${key}, ${value}, ${holder})`);',
  },
  { file: 'handler/state/remove.ts', text: 'WHERE ${which} IN ${ids} ORDER BY ${by} LIMIT ${raw(max)}`;' },
  { file: 'handler/state/remove.ts', text: 'return sql`(${tenant}, ${id})`;' },
  {
    file: 'handler/state/usage.ts',
    text: 'whole === undefined ? sql`tenant = ${tenant}` : sql`tenant >= ${whole} AND tenant < ${afterUsersOf(whole)}`;',
  },
  {
    file: 'handler/state/responses.ts',
    text: 'return sql`r.tenant = ${tenant} AND r.id = ${id} AND r.expires_at > ${now}`;',
  },
  { file: 'handler/background/runner.ts', text: 'return `${tenant}/${id}`;' },
];
