import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sealWith } from '../handler/seal.ts';
import { approvalId, checkApproval } from '../handler/tools/mcp/approval.ts';
import type { ServerTool } from '../handler/tools/mcp/session.ts';
import { create } from './promises/ask.ts';
import { add, callOf, entryFor } from './promises/mcp-ask.ts';
import { testConfig } from './support/doors/door.ts';
import { openInProcess } from './support/doors/in-process.ts';
import { callsFunctions, startScriptedModel } from './support/model/scripted.ts';
import { plays } from './support/played-tool.ts';

const [old, new_] = ['k1', 'k2'].map((id) => ({ id, key: `the secret ${id} of tests, of 32 bytes.` }));
const tool: ServerTool = { name: 'find', description: 'Finds.', inputSchema: { type: 'object' }, readOnly: true };
const call = { server_label: 'crm', name: 'find', arguments: '{"id":1}' };

/** A request as this tenant was asked. */
async function asked(tenant: string, secrets = [old]) {
  const seal = sealWith(secrets.flatMap((secret) => secret ?? []))(tenant);
  const id = await approvalId(seal, 'url http://crm', call, tool);
  return { type: 'mcp_approval_request' as const, id, ...call };
}

const check = (tenant: string, secrets: (typeof old)[], request: Awaited<ReturnType<typeof asked>>, as = tool) =>
  checkApproval(sealWith(secrets.flatMap((secret) => secret ?? []))(tenant), 'url http://crm', request, as);

test('what one tenant was asked no other can approve', async () => {
  const request = await asked('acme');
  assert.equal(await check('acme', [old], request), 'asked');
  assert.equal(await check('other', [old], request), 'unknown');
});

test('it is approved after another secret was put first, and not once its own is gone', async () => {
  const request = await asked('acme');
  assert.equal(await check('acme', [new_, old], request), 'asked');
  assert.equal(await check('acme', [new_], request), 'unknown');
});

test('two requests for the same call have ids of their own, as long as a call id may be', async () => {
  const [first, second] = [await asked('acme'), await asked('acme')];
  assert.notEqual(first.id, second.id);
  assert.ok(first.id.length <= 64);
});

test('a tool of which anything that the model or the user reads is another is asked about again', async () => {
  const request = await asked('acme');
  for (const change of [{ description: 'Finds!' }, { inputSchema: { type: 'object', properties: {} } }])
    assert.equal(await check('acme', [old], request, { ...tool, ...change }), 'changed');
});

test('a request comes after slow calls of other tools, however few may run at a time, and outlasts `limits.tool`', async (t) => {
  const model = await startScriptedModel();
  const given = testConfig(model);
  const door = await openInProcess({ config: { ...given, limits: { ...given.limits, tool: 3_000, toolCalls: 1 } } });
  t.after(() => door.close());
  t.after(() => model.close());
  const server = model.mcp.serve([add]);
  const works = async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_600));
    return { output: 'worked' };
  };
  const tools = [plays({ functions: { works } }), entryFor(server, { require_approval: 'always' })];
  const work = (id: string) => ({ name: 'works', args: '{}', id });
  const asked = callsFunctions(callOf(server, { id: 'c1' }), work('c2'), callOf(server, { id: 'c3' }), work('c4'));
  const { status, output } = await create(door, { model: model.script(asked), tools });
  assert.equal(status, 'completed');
  assert.deepEqual(
    output.map(({ type }) => type),
    ['mcp_list_tools', 'mcp_call', 'mcp_call', 'mcp_approval_request', 'mcp_approval_request'],
  );
});
