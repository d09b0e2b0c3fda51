import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Caller, Identify } from '../handler/index.ts';
import { parseConfig } from '../handler/index.ts';
import { openInProcess } from './support/doors/in-process.ts';

const callers: Record<string, Caller> = {
  alice: { id: 'a', tenant: 't', user: 'alice' },
  bob: { id: 'b', tenant: 't', user: 'bob', scopes: ['read', 'write'] },
  root: { id: 'r', tenant: 't', user: 'root', scopes: ['read', 'write', 'admin'] },
  // Her tenant begins as the other does, and her user has his name.
  eve: { id: 'e', tenant: 't2', user: 'alice', scopes: ['read', 'write', 'admin'] },
};
const identify: Identify = ({ headers }) => callers[headers.get('x-who') ?? ''] ?? assert.fail();

interface Page {
  data: { id: string; made_by: string }[];
  last_id: string | null;
  has_more: boolean;
}

for (const isolation of ['user', 'tenant'] as const) {
  test(`lists have what their caller may see, with isolation: ${isolation}`, async (t) => {
    const door = await openInProcess({ identify, config: parseConfig({ isolation }) });
    t.after(() => door.close());
    const send = async (who: string, path: string, body?: object) => {
      const headers = { 'x-who': who, 'content-type': 'application/json' };
      const init = body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers };
      const reply = await door.fetch(path, init);
      assert.equal(reply.status, 200, `${who} ${path}`);
      return reply.json();
    };
    const made: Record<string, { responses: string; conversations: string }> = {};
    for (const who of Object.keys(callers)) {
      const conversation = (await send(who, '/v1/conversations', { metadata: { k: 'v' } })) as { id: string };
      const body = { model: 'demo', input: 'Hi', metadata: { k: 'v' }, conversation: conversation.id };
      const response = (await send(who, '/v1/responses', body)) as { id: string };
      made[who] = { responses: response.id, conversations: conversation.id };
    }
    const all = isolation === 'tenant' ? ['alice', 'bob', 'root'] : undefined;
    for (const kind of ['responses', 'conversations'] as const) {
      const idsOf = (...who: string[]) => who.map((name) => made[name]?.[kind]).sort();
      const list = async (who: string, query: string) => {
        const found: string[] = [];
        for (let after = ''; ; ) {
          const page = (await send(who, `/v1/${kind}?limit=1&${query}${after}`)) as Page;
          found.push(...page.data.map(({ id }) => id));
          if (!page.has_more) return found.sort();
          after = `&after=${encodeURIComponent(page.last_id ?? '')}`;
        }
      };
      for (const query of ['', 'metadata[k]=v', 'created_after=1', 'order=asc']) {
        assert.deepEqual(await list('alice', query), idsOf(...(all ?? ['alice'])), `alice ${query}`);
        assert.deepEqual(await list('bob', query), idsOf(...(all ?? ['bob'])), `bob ${query}`);
        assert.deepEqual(await list('root', query), idsOf('alice', 'bob', 'root'), `root ${query}`);
        assert.deepEqual(await list('eve', query), idsOf('eve'), `eve ${query}`);
      }
      assert.deepEqual(await list('root', 'user=bob'), idsOf('bob'));
      assert.deepEqual(await list('bob', 'user=alice'), all ? idsOf('alice') : []);
      assert.deepEqual(await list('eve', 'user=bob'), []);
      for (const id of [made.alice?.responses, made.alice?.conversations]) {
        assert.deepEqual(await list('root', `id=${id}`), idsOf('alice'));
        assert.deepEqual(await list('root', `id=${id}&user=alice`), idsOf('alice'));
        assert.deepEqual(await list('bob', `id=${id}`), all ? idsOf('alice') : []);
        assert.deepEqual(await list('eve', `id=${id}`), []);
      }
      if (all) continue;
      // A cursor that names another's partition leads out of no tenant.
      for (const [who, after] of [
        ['root', `zoe:${made.eve?.[kind]}`],
        ['root', `alice\u001fx:${made.eve?.[kind]}`],
        ['bob', `alice:${made.alice?.[kind]}`],
      ] as const) {
        const reply = await door.fetch(`/v1/${kind}?order=desc&after=${encodeURIComponent(after)}`, {
          headers: { 'x-who': who },
        });
        const page = (await reply.json()) as Partial<Page>;
        for (const { id } of page.data ?? []) assert.ok(idsOf('alice', 'bob', 'root').includes(id));
      }
    }
  });
}
