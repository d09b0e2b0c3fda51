// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are lines of sources

/** A line with a tenant that no caller notices the lack of, and why none is needed there, or that none has been found yet. */
export interface Survivor {
  file: string;
  text: string;
  why: string;
}

const DELIVERY =
  'A delivery is found by the id of an event, which clients never name, at a URL, which is of one tenant.';
const NOBODY = 'A delivery of nobody goes to no webhook: test/tenant-config.test.ts.';
const ORIGIN = 'What it reads of a job goes into log lines and spans: test/tenant-callers.test.ts.';
const TURN =
  'A conversation names a turn of its own, as long as that runs: another of the same id would have to run at once.';
const MEMORY = 'It only says how much memory to reserve: too much at worst.';
const WRITES = 'It asks early what every write of the turn asks again.';
const FAIR = 'It only says whose turn is next.';
const BLOCKS = 'It only says which number the next block of events gets: they need not be without gaps.';
const COMMAND = 'The command of an operator lists keys by it, and callers do not: test/thorough/keys-command.test.ts.';
const OLDER = 'It reads what programs without lists have written, which had no tenants: all of it is of one.';
const SAME = 'It writes the status that is there already.';
const UNNOTICED = 'Open: two callers with the same ids have not noticed it yet.';
const UNTRIED = 'Open: it has not been tried yet.';

/** Each of them; `test/long/tenant-mutants.test.ts` fails for one that is not in the source any more. */
export const survivors: readonly Survivor[] = [
  {
    file: 'handler/state/deliveries.ts',
    text: 'VALUES (${tenant}, ${event}, ${url}, ${JSON.stringify(body)}, 0, ${now}, ${now},',
    why: NOBODY,
  },
  {
    file: 'handler/state/deliveries.ts',
    text: `coalesce((SELECT j.asked FROM jobs j WHERE j.tenant = \${tenant} AND j.response = \${id}), ''))\`),`,
    why: ORIGIN,
  },
  {
    file: 'handler/state/deliveries.ts',
    text: 'claimed: write(sql`UPDATE deliveries SET tries = tries + 1, next_at = ${now + claimMs} WHERE (tenant, id, url) IN',
    why: DELIVERY,
  },
  {
    file: 'handler/state/deliveries.ts',
    text: 'return write(sql`DELETE FROM deliveries WHERE tenant = ${tenant} AND id = ${id} AND url = ${url}`);',
    why: DELIVERY,
  },
  {
    file: 'handler/state/deliveries.ts',
    text: 'return write(sql`UPDATE deliveries SET next_at = ${until} WHERE tenant = ${tenant} AND id = ${id} AND url = ${url}`);',
    why: DELIVERY,
  },
  {
    file: 'handler/state/deliveries.ts',
    text: 'return write(sql`DELETE FROM deliveries WHERE (tenant, id, url) IN (${old})`);',
    why: DELIVERY,
  },
  {
    file: 'handler/state/history.ts',
    text: 'return sql`FROM conversations c LEFT JOIN responses r ON r.tenant = c.tenant AND r.id = c.turn',
    why: TURN,
  },
  {
    file: 'handler/state/history.ts',
    text: 'export const LOCKED = sql`EXISTS (SELECT 1 FROM responses r WHERE r.tenant = c.tenant AND r.id = c.turn AND ${OPEN})`;',
    why: TURN,
  },
  {
    file: 'handler/state/jobs.ts',
    text: 'WHERE i.tenant = ${tenant} AND i.holder = ${id} AND i.side = ${kind}), 0)`;',
    why: MEMORY,
  },
  {
    file: 'handler/state/jobs.ts',
    text: `FROM chunks k WHERE k.tenant = \${tenant} AND k.holder = \${id} AND k.side = 'job' AND k.place = 0), 0) AS bytes\`),`,
    why: MEMORY,
  },
  {
    file: 'handler/state/jobs.ts',
    text: '(SELECT count(*) FROM events e WHERE e.tenant = ${tenant} AND e.response = ${id}) AS blocks`),',
    why: BLOCKS,
  },
  {
    file: 'handler/state/jobs.ts',
    text: 'found: read(sql`SELECT r.owner FROM responses r WHERE r.tenant = ${tenant} AND r.id = ${id}`),',
    why: WRITES,
  },
  {
    file: 'handler/state/jobs.ts',
    text: 'FROM responses r LEFT JOIN jobs j ON j.tenant = r.tenant AND j.response = r.id',
    why: FAIR,
  },
  {
    file: 'handler/state/keys.ts',
    text: 'const where = tenant === undefined ? sql`id > ${after}` : sql`tenant = ${tenant} AND id > ${after}`;',
    why: COMMAND,
  },
  {
    file: 'handler/state/listed.ts',
    text: `LEFT JOIN chunks k ON r.body = '' AND k.tenant = r.tenant AND k.holder = r.id AND k.side = 'body' AND k.place = 0`,
    why: OLDER,
  },
  {
    file: 'handler/state/listed.ts',
    text: 'WHERE (s.total <= ${MAX_BYTES} OR s.total = s.size) AND r.tenant = s.tenant AND r.id = s.id',
    why: OLDER,
  },
  {
    file: 'handler/state/listed.ts',
    text: 'const which = sql`tenant = ${tenant} AND id = ${id} AND listed = 0 AND metadata = ${metadata}`;',
    why: OLDER,
  },
  {
    file: 'handler/state/listing.ts',
    text: 'found: read(sql`SELECT i.id FROM items i WHERE i.tenant = ${tenant} AND i.id = ${id ?? null} LIMIT 1`),',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/lists.ts',
    text: 'const statusIs = sql`(SELECT h.status FROM responses h WHERE h.tenant = p.tenant',
    why: UNTRIED,
  },
  {
    file: 'handler/state/lists.ts',
    text: 'ids: (tenant: string) => sql`SELECT a.id FROM ${of} a WHERE a.tenant = ${tenant} AND a.status = ${status ?? null}`,',
    why: UNTRIED,
  },
  {
    file: 'handler/state/lists.ts',
    text: 'is: sql`(SELECT h.conversation FROM responses h WHERE h.tenant = p.tenant AND h.id = p.id) = ${id}`,',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/lists.ts',
    text: 'is: sql`EXISTS (SELECT 1 FROM items i WHERE i.tenant = p.tenant AND i.holder = p.id AND i.id = ${id})`,',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/lists.ts',
    text: 'is: sql`EXISTS (SELECT 1 FROM responses h WHERE h.tenant = p.tenant AND h.id = ${id}',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/lists.ts',
    text: 'is: sql`EXISTS (SELECT 1 FROM items i WHERE i.tenant = p.tenant AND i.conversation = p.id AND i.id = ${id})`,',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/lists.ts',
    text: `WHERE r.body = '' AND k.tenant = r.tenant AND k.holder = r.id AND k.side = 'body' AND k.place = 0), 0)`,
    why: UNNOTICED,
  },
  {
    file: 'handler/state/lists.ts',
    text: `LEFT JOIN chunks k ON r.body = '' AND k.tenant = r.tenant AND k.holder = r.id AND k.side = 'body' AND k.place = 0`,
    why: UNNOTICED,
  },
  {
    file: 'handler/state/log.ts',
    text: '(SELECT 1 FROM events e WHERE e.tenant = ${tenant} AND e.response = ${id} AND e.n = ${n}) THEN status END',
    why: UNNOTICED,
  },
  { file: 'handler/state/log.ts', text: 'WHERE tenant = ${tenant} AND id = ${id}`);', why: SAME },
  {
    file: 'handler/state/log.ts',
    text: 'found: read(sql`SELECT r.log_until FROM responses r WHERE r.tenant = ${tenant} AND r.id = ${id}`),',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/log.ts',
    text: 'found: read(sql`SELECT r.status, (SELECT e.last FROM events e WHERE e.tenant = r.tenant AND e.response = r.id',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/log.ts',
    text: 'FROM responses r WHERE r.tenant = ${tenant} AND r.id = ${id}`),',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/log.ts',
    text: `) e LEFT JOIN chunks k ON e.body = '' AND k.tenant = e.tenant AND k.holder = e.response AND k.side = 'log'`,
    why: UNNOTICED,
  },
  {
    file: 'handler/state/metadata.ts',
    text: 'return write(sql`DELETE FROM metadata WHERE tenant = ${tenant} AND holder = ${holder}`);',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/owner.ts',
    text: 'rows: read(sql`SELECT made_by FROM responses WHERE tenant = ${tenant} AND id = ${id}',
    why: UNTRIED,
  },
  {
    file: 'handler/state/owner.ts',
    text: 'UNION ALL SELECT made_by FROM conversations WHERE tenant = ${tenant} AND id = ${id}`),',
    why: UNTRIED,
  },
  {
    file: 'handler/state/process-lease.ts',
    text: 'write(sql`${END_TURNS} WHERE r.owner = ${this.id} AND ${OPEN} AND r.tenant = ${tenant} AND r.id = ${id}`),',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/references.ts',
    text: 'WHERE r.tenant = i.tenant AND r.id = i.holder AND r.expires_at > ${Date.now()}))`,',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/references.ts',
    text: 'read(sql`SELECT i.id FROM items i WHERE i.tenant = ${tenant} AND i.conversation = ${conversation}',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/remove.ts',
    text: 'const BEGUN_IN = sql`EXISTS (SELECT 1 FROM responses r WHERE r.tenant = v.tenant AND r.conversation = v.id)`;',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/remove.ts',
    text: '${weightOf(sql`i.tenant = r.tenant AND i.holder = r.id`)}',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/remove.ts',
    text: '(ids) => sql`UPDATE responses AS r SET waits = 1 WHERE (r.tenant, r.id) IN ${ids} AND (${OPEN} OR ${CONTINUED})`,',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/remove.ts',
    text: 'WHERE (r.tenant, r.id) IN ${ids} AND r.waits = 1 AND NOT ${CONTINUED}`,',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/remove.ts',
    text: 'WHERE (v.tenant, v.id) IN ${ids} AND v.waits = 1 AND NOT ${BEGUN_IN}`,',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/remove.ts',
    text: 'WHERE (r.tenant, r.id) IN ${ids} AND NOT ${logExists(LOG_TEXTS)}`,',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/remove.ts',
    text: 'WHERE (c.tenant, c.id) IN (SELECT v.tenant, v.id FROM conversations v',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/remove.ts',
    text: '${weightOf(sql`i.tenant = v.tenant AND i.conversation = v.id`)}',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/remove.ts',
    text: '(ids) => sql`DELETE FROM conversations AS v WHERE (v.tenant, v.id) IN ${ids}',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/responses.ts',
    text: `WHERE k.tenant = \${tenant} AND k.holder = \${id} AND k.side = 'body' AND k.place = 0), 0))`,
    why: UNNOTICED,
  },
  {
    file: 'handler/state/responses.ts',
    text: 'found: read(sql`SELECT r.status FROM responses r WHERE r.tenant = ${tenant} AND r.id = ${id}`),',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/responses.ts',
    text: `where: sql\`i.tenant = \${tenant} AND i.holder = \${id} AND i.side = 'input'\`,`,
    why: UNNOTICED,
  },
  {
    file: 'handler/state/tenants.ts',
    text: 'WHERE r.tenant = ${tenant} AND r.id = ${id} AND ${OPEN}`),',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/text.ts',
    text: 'AND k.tenant = i.tenant AND k.holder = i.holder AND k.side = i.side AND k.place = i.place), 0)`;',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/turn-rows.ts',
    text: 'VALUES (${tenant}, ${response.id}, ${previous}, ${from?.id ?? null}, ${from?.base ?? null}, ${owner},',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/turn-rows.ts',
    text: 'const ofTurn = sql`tenant = ${tenant} AND holder = ${id}`;',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/turn-rows.ts',
    text: 'write(sql`DELETE FROM idempotency WHERE tenant = ${tenant} AND response = ${id}`),',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/turn-rows.ts',
    text: 'write(sql`DELETE FROM responses WHERE tenant = ${tenant} AND id = ${id}`),',
    why: UNNOTICED,
  },
  {
    file: 'handler/state/turn-rows.ts',
    text: 'return write(sql`UPDATE conversations SET turn = NULL WHERE tenant = ${tenant} AND id = ${id} AND turn = ${turn}`);',
    why: UNNOTICED,
  },
  { file: 'handler/state/history-cache.ts', text: 'return `${id}\\n${tenant}`;', why: UNNOTICED },
  {
    file: 'handler/seal.ts',
    text: 'const bound = (id: string, purpose: SealPurpose) => encoder.encode(JSON.stringify([MARK, 2, id, tenant, purpose]));',
    why: UNNOTICED,
  },
];
