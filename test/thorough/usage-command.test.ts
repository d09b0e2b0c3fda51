import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { newKey } from '../../handler/identity/key.ts';
import { startProduct } from '../../shim/product.ts';
import { usage } from '../../shim/usage.ts';
import { readUsageFlags } from '../../shim/usage-flags.ts';
import { newFolder } from '../support/folder.ts';
import { says, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';

const MAIN = join(import.meta.dirname, '../../shim/main.ts');

const callers = {
  alice: { tenant: 'acme', user: 'alice' },
  bob: { tenant: 'acme', user: 'bob' },
  other: { tenant: 'acme2', user: 'alice' },
};
type Who = keyof typeof callers;

/** A product on a database in a file that goes on while `usage` looks at it. */
async function open(t: TestContext, config: object = {}) {
  const model = await startScriptedModel();
  const port = await freePort();
  const folder = newFolder();
  const keys: Partial<Record<Who, string>> = {};
  const entries: object[] = [];
  for (const [name, caller] of Object.entries(callers)) {
    const { key, id, sha256 } = await newKey();
    keys[name as Who] = key; // a name of the list
    entries.push({ id, sha256, ...caller });
  }
  const file = join(folder, 'a.yaml');
  const whole = {
    listen: { grpc: 'off', http: `127.0.0.1:${port}`, envoy: 'off', admin: 'off' },
    models: [{ match: '*', backend: 'chat', url: model.url }],
    costs: [{ match: '*', cel: 'total_tokens' }],
    database: `sqlite:${join(folder, 'a.db')}`,
    auth: [{ keys: entries }],
    isolation: 'user',
    usage: true,
    ...config,
  };
  await writeFile(file, JSON.stringify(whole));
  const product = await startProduct({ flags: { config: file }, env: {}, say() {} });
  t.after(async () => {
    await product.stop();
    await model.close();
  });
  const name = model.script(says('Hello'));
  const ask = async (who: Who) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${keys[who]}` };
    const body = JSON.stringify({ model: name, input: 'Hi' });
    const reply = await fetch(`http://127.0.0.1:${port}/v1/responses`, { method: 'POST', headers, body });
    assert.equal(reply.status, 200, await reply.text());
  };
  const run = async (...args: string[]) => {
    const [printed, said]: [string[], string[]] = [[], []];
    const output = { print: (line: string) => printed.push(line), say: (line: string) => said.push(line) };
    await usage([...args, '-config', file], {}, output);
    return { printed: printed.join('\n'), said: said.join('\n') };
  };
  return { file, ask, run };
}

const cells = (printed: string) => printed.split('\n').map((line) => line.trim().split(/\s+/));

test('usage tells what tenants have used, and their users, while the server runs', async (t) => {
  const { ask, run } = await open(t);
  assert.equal((await run()).printed, 'nothing was used');
  for (const who of ['alice', 'alice', 'bob', 'other'] as const) await ask(who);
  const [heading, ...rows] = cells((await run()).printed);
  assert.deepEqual(heading, ['tenant', 'requests', 'input', 'cached', 'output', 'total', 'costs']);
  assert.deepEqual(rows, [
    ['acme', '3', '33', '0', '21', '54', 'llm_cost=54'],
    ['acme2', '1', '11', '0', '7', '18', 'llm_cost=18'],
  ]);
  const [, ...users] = cells((await run('-tenant', 'acme', '-by=user,kind')).printed);
  assert.deepEqual(
    users.map(([user, kind, requests]) => [user, kind, requests]),
    [
      ['alice', 'turn', '2'],
      ['bob', 'turn', '1'],
    ],
  );
  const [, ...days] = cells((await run('-by', 'day')).printed);
  assert.deepEqual(
    days.map(([, requests]) => requests),
    ['4'],
  );
  assert.match(days[0]?.[0] ?? '', /^\d{4}-\d\d-\d\d$/);
  assert.equal((await run('-to', '2020-01-31')).printed, 'nothing was used');
  assert.equal((await run('-tenant', 'nobody')).printed, 'nothing was used');
});

test('with -json each group is a line, on stdout alone', async (t) => {
  const { ask, file } = await open(t);
  for (const who of ['alice', 'other'] as const) await ask(who);
  const child = spawn(process.execPath, [MAIN, 'usage', '-json', '-by', 'tenant,key', '-config', file]);
  const [out, said] = [text(child.stdout), text(child.stderr)];
  const [code] = await once(child, 'close');
  assert.equal(code, 0, await said);
  assert.equal(await said, '');
  const groups = (await out)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    groups.map(({ tenant }) => tenant),
    ['acme', 'acme2'],
  );
  const { key, ...group } = groups[0];
  assert.match(key, /^[a-z\d]+$/);
  assert.deepEqual(group, {
    tenant: 'acme',
    requests: 1,
    ...{ input_tokens: 11, cached_input_tokens: 0, cached_write_input_tokens: 0 },
    ...{ output_tokens: 7, reasoning_tokens: 0, total_tokens: 18, costs: { llm_cost: 18 } },
  });
});

test('where nothing is kept, usage says so', async (t) => {
  const { ask, run } = await open(t, { usage: false });
  await ask('alice');
  const { printed, said } = await run();
  assert.equal(printed, 'nothing was used');
  assert.match(said, /no `usage: true`/);
});

describe('what is wrong with the arguments is said', () => {
  for (const [args, says] of [
    ['-by colour', 'flag -by: "colour" is none of tenant, day, user, project, key, model, kind'],
    ['-by modle', 'flag -by: "modle" is none of tenant, day, user, project, key, model, kind: did you mean model?'],
    ['-from 2027-02-30', 'flag -from: "2027-02-30" is no day, such as 2027-01-31'],
    ['-from x', 'flag -from: "x" is no day, such as 2027-01-31'],
    ['-from 2027-01-02 -to 2027-01-01', 'flag -from is behind -to'],
    ['-tenant', 'flag -tenant needs a value'],
    ['-json=no', 'flag -json takes no value'],
    ['-json -json', 'flag -json is there twice'],
    ['-tennant a', 'unknown flag -tennant: did you mean -tenant? (see usage -help)'],
    ['acme', 'unexpected argument "acme" (see usage -help)'],
  ] as const) {
    test(args, () => {
      assert.throws(() => readUsageFlags(args.split(' '), Date.now()), { message: says });
    });
  }

  test('the last 30 days are the default', () => {
    const now = Date.UTC(2027, 0, 31, 23, 59);
    const { from, to, by } = readUsageFlags([], now);
    assert.deepEqual([from, to, by], [Date.UTC(2027, 0, 2), Date.UTC(2027, 0, 31), ['tenant']]);
  });
});
