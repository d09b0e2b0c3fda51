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

const call = callsFunctions({ name: 'mcp_asks__find', args: '{"id":1}', id: 'c1' });

/** The server whose calls are asked for, at a place that all have: it counts no calls, as others call it at the same time. */
function serve({ door }: Stage): void {
  door.model.mcp.serve([find], { era: '2026' }, 'asks');
}

/** A call of an MCP tool that the client approves; it runs once, also where a turn after that has all items again. */
export async function mcpApproval(stage: Stage, texts = ['Ann it is.', 'two']) {
  serve(stage);
  const { door } = stage;
  const { model, client } = stage.start(call, ...texts.map((text) => says(text)));
  assert.deepEqual(await client.outcome, { result: { texts } });
  const told = heard(door, model).map((line) => line.replace(/\bmcpr?_[\da-f]+\b/, 'ID'));
  const later = texts.length > 1 ? ['assistant: Ann it is.', 'user: B'] : [];
  assert.deepEqual(told, ['user: A', 'assistant: mcp_asks__find {"id":1} #ID', 'tool ID: Ann', ...later]);
  return door.sent(model).at(-1)?.body;
}

/** An answer to a request that the client does not send back, nor goes on from: it is refused with the cure. */
export async function mcpApprovalRefused(stage: Stage) {
  serve(stage);
  const { client } = stage.start(call, says('never'));
  const { error } = await client.outcome;
  assert.equal(error?.status, 400);
  assert.match(error.message, /send its mcp_approval_request back before it, or go on from the response/);
}
