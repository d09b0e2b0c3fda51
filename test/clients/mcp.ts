import assert from 'node:assert/strict';
import { gives } from '../support/mcp-server.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { heard } from './heard.ts';
import type { Stage } from './scenarios.ts';

const find = { name: 'find', description: 'Finds a customer.', run: () => gives('Ann') };

/** Two turns, the first with a call of an MCP tool; the client keeps the items, and sends them back, its calls if it `keepsCalls`. */
export async function mcpReplay({ door, start }: Stage, keepsCalls = true) {
  door.model.mcp.serve([find], {}, 'crm');
  const call = { name: 'mcp_crm__find', args: '{"id":1}', id: 'c1' };
  const { model, client } = start(callsFunctions(call), says('one'), says('two'));
  assert.deepEqual(await client.outcome, { result: { texts: ['one', 'two'] } });
  const told = heard(door, model).map((line) => line.replace(/\b(mcp_[\da-f]{48}|c1)\b/, 'ID'));
  assert.deepEqual(told, [
    'user: A',
    ...(keepsCalls ? ['assistant: mcp_crm__find {"id":1} #ID', 'tool ID: Ann'] : []),
    'assistant: one',
    'user: B',
  ]);
  return door.sent(model).at(-1)?.body;
}

/** A call of an MCP tool that the client approves. */
export async function mcpApproval({ door, start }: Stage) {
  door.model.mcp.serve([find], {}, 'asks');
  const call = { name: 'mcp_asks__find', args: '{"id":1}', id: 'c1' };
  const { model, client } = start(callsFunctions(call), says('Ann it is.'));
  assert.deepEqual(await client.outcome, { result: { text: 'Ann it is.' } });
  assert.match(heard(door, model).at(-1) ?? '', /^tool \w+: Ann$/);
  return door.sent(model).at(-1)?.body;
}
