import assert from 'node:assert/strict';
import { testConnectorToken } from '../support/doors/door.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { create, unprocessable } from './ask.ts';
import { add, callOf, tool } from './mcp-ask.ts';
import { promise } from './promise.ts';

const PAGE = 'docs/mcp.md#connectors';

promise(
  'mcp-connectors.used',
  {
    says: 'a server of the configuration is used by its label or as connector_id, and no client needs its key',
    source: PAGE,
  },
  async (door) => {
    const server = door.model.mcp.serve([add], { token: testConnectorToken }, 'open');
    for (const entry of [{ server_label: 'open' }, { server_label: 'mine', connector_id: 'open' }]) {
      const model = door.model.script(callsFunctions(callOf({ label: entry.server_label })), says('5'));
      const { output, tools } = await create(door, { model, tools: [{ type: 'mcp', ...entry }] });
      const { server_label } = entry;
      assert.partialDeepStrictEqual(output[1], { type: 'mcp_call', server_label, output: '5', status: 'completed' });
      assert.partialDeepStrictEqual(tools, [{ type: 'mcp', ...entry, server_url: null }]);
      assert.doesNotMatch(JSON.stringify({ output, tools }), new RegExp(testConnectorToken));
    }
    assert.ok(server.requests.length > 0);
  },
);

promise(
  'mcp-connectors.narrowed',
  { says: 'a client may narrow what the configuration allows, and cannot widen it', source: PAGE },
  async (door) => {
    door.model.mcp.serve([add, tool('get'), tool('drop')], { token: testConnectorToken }, 'narrow');
    const asked = async (more: object, name: string) => {
      const model = door.model.script(callsFunctions(callOf({ label: 'narrow' }, { name, args: {} })), says('ok'));
      const { output } = await create(door, { model, tools: [{ type: 'mcp', server_label: 'narrow', ...more }] });
      const [list] = output;
      assert.ok(list?.type === 'mcp_list_tools');
      return { names: list.tools.map((one) => one.name), last: output.at(-1)?.type };
    };
    assert.deepEqual(await asked({}, 'get'), { names: ['add', 'get'], last: 'message' });
    assert.deepEqual(await asked({}, 'add'), { names: ['add', 'get'], last: 'mcp_approval_request' });
    assert.equal((await asked({ require_approval: 'never' }, 'add')).last, 'mcp_approval_request');
    assert.equal((await asked({ require_approval: 'always' }, 'get')).last, 'mcp_approval_request');
    assert.deepEqual((await asked({ allowed_tools: ['get', 'drop'] }, 'get')).names, ['get']);
  },
);

promise(
  'mcp-connectors.of-others',
  {
    says: 'a server that is for other tenants, or needs a scope that a caller lacks, is as unknown as any',
    source: PAGE,
  },
  async (door) => {
    const unknown = await messageFor('nothing-there');
    for (const label of ['of-others']) assert.equal((await messageFor(label)).replace(label, 'nothing-there'), unknown);
    assert.match(unknown, /of which there are open, narrow/);
    assert.doesNotMatch(unknown, /of-others/);

    async function messageFor(connector_id: string) {
      const tools = [{ type: 'mcp', server_label: 's', connector_id }];
      const reply = await door.fetch('/v1/responses', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'demo', input: 'Hi', tools }),
      });
      assert.equal(reply.status, 422);
      const { error } = (await reply.json()) as { error: { message: string } };
      return error.message;
    }
  },
);

promise(
  'mcp-connectors.own-headers',
  { says: 'a client sets no headers of a server of the configuration', source: PAGE },
  async (door) => {
    const entry = { type: 'mcp', server_label: 'open', headers: { 'x-a': 'b' } };
    await unprocessable(door, { tools: [entry] }, 'tools[0].headers');
  },
);
