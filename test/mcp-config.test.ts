import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHandler, parseConfig } from '../handler/index.ts';
import { openMcp } from '../handler/tools/mcp/index.ts';
import { usedServer } from '../handler/tools/mcp/servers.ts';
import { showConfig } from '../shim/show-config.ts';
import { testDatabase } from './support/doors/database.ts';
import { testConfigFile } from './support/doors/door.ts';
import { testHandler } from './support/doors/in-process.ts';
import { gives } from './support/mcp-server.ts';
import { callsFunctions, says, startScriptedModel } from './support/model/scripted.ts';

const url = 'http://crm.internal/mcp';

test('a wrong server of the configuration is named by its place', () => {
  for (const [entry, says] of [
    [{}, /configuration: mcp\.0 must have url, or command/],
    [{ url }, /configuration: mcp\.0\.label is missing/],
    [{ label: 'a b', url }, /mcp\.0\.label must be 1 to 64 letters/],
    [{ label: 'crm' }, /mcp\.0 must have url, or command for a program of this machine/],
    [{ label: 'crm', url: 'crm' }, /mcp\.0\.url must be a URL/],
    [{ label: 'crm', url, command: ['x'] }, /mcp\.0 must have url or command, and not both/],
    [{ label: 'crm', command: [] }, /mcp\.0\.command/],
    [{ label: 'crm', command: ['x'], env: { 'A-B': '1' } }, /mcp\.0\.env\.A-B must be the name of a variable/],
    [{ label: 'crm', url, headers: { host: 'x' } }, /mcp\.0\.headers\.host must be the name of a header/],
    [{ label: 'crm', url, headers: { a: 'x\ny' } }, /mcp\.0\.headers\.a must be the value of a header/],
    [{ label: 'crm', url, allowedTools: {} }, /mcp\.0\.allowedTools/],
    [{ label: 'crm', url, requireApproval: 'sometimes' }, /mcp\.0\.requireApproval must be always, never/],
    [{ label: 'crm', url, scopes: ['sing'] }, /mcp\.0\.scopes\.0 must be one of read, write/],
  ] as const)
    assert.throws(() => parseConfig({ mcp: [entry] }), says);
  const twice = [
    { label: 'crm', url },
    { label: 'crm', url },
  ];
  assert.throws(() => parseConfig({ mcp: twice }), /mcp\.1 has the label of another/);
});

test('servers need the tool, and programs a root that starts them', async (t) => {
  const database = await testDatabase();
  t.after(() => database.close());
  const model = { match: '*', backend: 'demo' };
  const remote = parseConfig({ models: [model], mcp: [{ label: 'crm', url }] });
  assert.throws(() => createHandler({ config: remote, database }), /mcp needs openMcp, from antiphon\/mcp/);
  const program = parseConfig({ models: [model], mcp: [{ label: 'git', command: ['x'] }] });
  assert.throws(
    () => createHandler({ config: program, database, openTools: [openMcp] }),
    /mcp\.0\.command needs a root that starts programs/,
  );
});

test('the credentials of a user come before those of its tenant, and these before those of all', () => {
  const { mcp } = parseConfig({
    mcp: [
      {
        ...{ label: 'crm', url, headers: { authorization: 'Bearer all', 'x-team': 'blue' } },
        credentials: [
          { tenant: 'acme', headers: { Authorization: 'Bearer acme' } },
          { tenant: 'acme', user: 'ann', headers: { authorization: 'Bearer ann' } },
        ],
      },
    ],
  });
  const sent = (caller: object, more: object = {}) => {
    const entry = { type: 'mcp', server_label: 'crm', ...more };
    const { server } = usedServer(entry, 'tools[0]', mcp, { id: 'c', ...caller });
    assert.ok('headers' in server);
    assert.equal(server.headers['x-team'], 'blue');
    return server.headers.authorization;
  };
  assert.equal(sent({}), 'Bearer all');
  assert.equal(sent({ tenant: 'other', user: 'ann' }), 'Bearer all');
  assert.equal(sent({ tenant: 'acme', user: 'bob' }), 'Bearer acme');
  assert.equal(sent({ tenant: 'acme', user: 'ann' }), 'Bearer ann');
  assert.equal(sent({ tenant: 'acme' }, { authorization: 'own' }), 'Bearer own');
});

test('a server is there for its tenants and for the scopes that it asks', () => {
  const { mcp } = parseConfig({ mcp: [{ label: 'crm', url, tenants: ['acme'], scopes: ['write', 'background'] }] });
  const use = (caller: object) =>
    usedServer({ type: 'mcp', server_label: 'crm' }, 'tools[0]', mcp, { id: 'c', ...caller });
  assert.equal(use({ tenant: 'acme' }).label, 'crm');
  assert.equal(use({ tenant: 'acme', scopes: ['write', 'background'] }).label, 'crm');
  for (const caller of [{}, { tenant: 'other' }, { tenant: 'acme', scopes: ['write'] }])
    assert.throws(() => use(caller), /is no label in `mcp` of the configuration$/);
});

test('/config shows no header, no credential and no variable of a program', async () => {
  const config = parseConfig({
    mcp: [
      { label: 'crm', url, headers: { a: 'sec-1' }, credentials: [{ tenant: 't', headers: { b: 'sec-2' } }] },
      { label: 'git', command: ['x'], env: { C: 'sec-3' } },
    ],
  });
  const text = await showConfig(config, []).text();
  assert.doesNotMatch(text, /sec-\d/);
  assert.match(text, /"label": "git"/);
});

test('a reload takes other servers, and what they allow', async (t) => {
  const model = await startScriptedModel();
  const server = model.mcp.serve([{ name: 'get', run: () => gives('got') }]);
  const config = parseConfig({ ...testConfigFile(model), mcp: [] });
  const handler = await testHandler(model, { config });
  t.after(async () => {
    await handler.close();
    await model.close();
  });
  const ask = async () => {
    const name = model.script(callsFunctions({ name: 'mcp_new__get', args: '{}' }), says('ok'));
    const body = { model: name, input: 'Hi', tools: [{ type: 'mcp', server_label: 'new' }] };
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const reply = await handler.fetch(new Request('http://test/v1/responses', init));
    const { output = [] } = (await reply.json()) as { output?: { type: string }[] };
    return [reply.status, output.at(-1)?.type];
  };
  const withServer = (requireApproval: 'always' | 'never') =>
    parseConfig({ ...testConfigFile(model), mcp: [{ label: 'new', url: server.url, requireApproval }] });
  assert.deepEqual(await ask(), [422, undefined]);
  handler.reload(withServer('never'));
  assert.deepEqual(await ask(), [200, 'message']);
  handler.reload(withServer('always'));
  assert.deepEqual(await ask(), [200, 'mcp_approval_request']);
  handler.reload(config);
  assert.deepEqual(await ask(), [422, undefined]);
});
