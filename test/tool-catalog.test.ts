import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientTool } from '../handler/protocol/tools.ts';
import { ToolCatalog } from '../handler/turn/tool-catalog.ts';

const f = { type: 'function', name: 'f' } as const;
const later: ClientTool = { ...f, defer_loading: true };
const space: ClientTool = { type: 'namespace', name: 'n', description: 'd', tools: [f, { ...later, name: 'g' }] };

/** Tools at places that say their order. */
function offer(
  search: 'server' | 'client',
  tools: readonly ClientTool[],
  found: readonly ClientTool[] = [],
): ToolCatalog {
  const all: ClientTool[] = [{ type: 'tool_search', execution: search }, ...tools, ...found];
  return new ToolCatalog(new Map(all.map((tool, index) => [tool, `tools[${index}]`])), new Set(found));
}

test('a server that does not search is not told that a tool was deferred', () => {
  const offered = offer('server', [later, space]);
  assert.deepEqual([...offered.callable], [[{ ...space, tools: [f] }, 'tools[2]']]);
  const [first, second] = offered.deferred.keys();
  const found = [first, second] as ClientTool[]; // there are two
  const load = offered.loader();
  assert.deepEqual(load(found), [f, { ...space, tools: [{ ...f, name: 'g' }] }]);
  assert.deepEqual(load(found), []);
  assert.deepEqual([...offered.callable.values()], ['tools[2]']);
  assert.deepEqual([...offer('server', [], [later]).callable.keys()], [f]);
});

test('a server whose client searches is told as the client says it', () => {
  const offered = offer('client', [space], [later]);
  assert.deepEqual([...offered.callable.keys()].slice(1), [{ ...space, tools: [f] }, later]);
  assert.ok(!offered.searches);
});

test('of two tools of one name the first is offered', () => {
  const other: ClientTool = { ...f, description: 'another' };
  assert.deepEqual([...offer('server', [f, other], [later]).callable.keys()], [f]);
});
