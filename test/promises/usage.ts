import assert from 'node:assert/strict';
import type { UsagePage, UsageResult } from '../../handler/protocol/usage.ts';
import type { Door } from '../support/doors/door.ts';
import { says } from '../support/model/scripted.ts';
import { create, refuses, stream } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { have, settled } from './state-ask.ts';

const source = 'docs/usage.md';
const DAY = 86_400;

const query = (door: Door, parameters: Record<string, string>): Promise<UsagePage> =>
  have(door, 'GET', `/v1/usage?${new URLSearchParams(parameters)}`);

/** Every group, page by page of `limit` groups; other promises' models are among them. */
async function all(door: Door, group_by: string, limit = '1000'): Promise<(UsageResult & { start: number })[]> {
  const results: (UsageResult & { start: number })[] = [];
  for (let after = ''; ; ) {
    const page = await query(door, { group_by, limit, ...(after && { after }) });
    for (const bucket of page.data)
      results.push(...bucket.results.map((one) => ({ ...one, start: bucket.start_time })));
    if (!page.has_more) return results;
    assert.ok(page.last_id && page.last_id !== after, 'a page leads on');
    after = page.last_id;
  }
}

promise(
  'usage.turns',
  { says: 'what turns used is there at once, by their model and kind, whether they are stored or not', source },
  async (door) => {
    const model = door.model.script(says('Hello'));
    await create(door, { model });
    await create(door, { model, store: false });
    await stream(door, { model });
    await settled(door, (await create(door, { model, background: true })).id);
    await have(door, 'POST', '/v1/responses/compact', { model, input: [{ role: 'user', content: 'Hello.' }] });
    const own = (await all(door, 'model,kind')).filter((one) => one.model === model);
    const counts = own.map(({ kind, requests, total_tokens }) => [kind, requests, total_tokens]);
    assert.deepEqual(counts, [
      ['background', 1, 18],
      ['compaction', 1, 18],
      ['stream', 1, 18],
      ['turn', 2, 36],
    ]);
    const { requests, input_tokens, output_tokens, costs, user, project, key } = own[3] ?? assert.fail();
    assert.deepEqual({ requests, input_tokens, output_tokens }, { requests: 2, input_tokens: 22, output_tokens: 14 });
    assert.deepEqual({ costs, user, project, key }, { costs: {}, user: null, project: null, key: null });
    const [whole, ...others] = (await all(door, 'model')).filter((one) => one.model === model);
    assert.deepEqual([whole?.requests, whole?.total_tokens, whole?.kind, others.length], [5, 90, null, 0]);
  },
  NEEDS_HEADERS,
);

promise(
  'usage.days',
  { says: 'usage is in buckets of whole days in UTC, and what is outside the range is not in it', source },
  async (door) => {
    const model = door.model.script(says('Hello'));
    const { created_at } = await create(door, { model });
    const [one, ...others] = (await all(door, 'day,model')).filter((one) => one.model === model);
    assert.equal(others.length, 0);
    assert.equal((one?.start ?? 1) % DAY, 0);
    assert.ok(Math.abs((one?.start ?? 0) - created_at) < DAY + 60);
    const page = await query(door, { start_time: `${created_at}`, end_time: `${created_at + 1}`, group_by: 'model' });
    const [bucket, ...more] = page.data;
    assert.deepEqual([(bucket?.start_time ?? 1) % DAY, more.length], [0, 0]);
    assert.equal(bucket?.end_time, (bucket?.start_time ?? 0) + DAY);
    const before = { start_time: `${created_at - 9 * DAY}`, end_time: `${created_at - 2 * DAY}`, group_by: 'model' };
    assert.deepEqual(await query(door, before), { object: 'page', data: [], last_id: null, has_more: false });
  },
  NEEDS_HEADERS,
);

promise(
  'usage.pages',
  { says: 'usage of many groups comes in pages, each group once', source },
  async (door) => {
    const models = Array.from({ length: 3 }, () => door.model.script(says('Hello')));
    for (const model of models) await create(door, { model });
    const found = await all(door, 'model,day', '40');
    for (const model of models) assert.equal(found.filter((one) => one.model === model).length, 1);
  },
  NEEDS_HEADERS,
);

promise(
  'usage.wrong',
  { says: 'a wrong range, group, cursor or limit of usage is refused by its name', source },
  async (door) => {
    const wrong = {
      start_time: ['x', '-1', '1.5', '2026-01-01', '9'.repeat(12)],
      end_time: ['', 'x'],
      group_by: ['', 'colour', 'day,,user', 'day;user', 'tenant'],
      after: ['', 'x', 'resp_1', btoa('[1]'), btoa('["x","","","","",""]'), btoa('[1,"\\u0000","","","",""]')],
      limit: ['0', '1001', 'x', ''],
    };
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) {
        const reply = await door.fetch(`/v1/usage?${new URLSearchParams({ [name]: value })}`);
        const text = await reply.text();
        assert.equal(reply.status, 422, `${name}=${value}: ${text}`);
        assert.match(JSON.parse(text).error.param, new RegExp(`^${name}`), text);
      }
    }
    const refused = async (range: Record<string, string>, param: string) =>
      refuses(await door.fetch(`/v1/usage?${new URLSearchParams(range)}`), { status: 422, code: 422, param });
    await refused({ start_time: '1000', end_time: '1000' }, 'end_time');
    await refused({ start_time: '0', end_time: `${367 * DAY}` }, 'start_time');
  },
  NEEDS_HEADERS,
);
