import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixedLimits } from '../handler/limits.ts';
import { ListCache, type ListedServer } from '../handler/tools/mcp/list-cache.ts';

/** What a server has said whose list takes about this many characters. */
function listed(size: number): ListedServer {
  const tool = { name: 'add', description: 'x'.repeat(size), inputSchema: {}, readOnly: false };
  return { tools: [tool], era: { transport: 'http', prior: undefined } };
}

test('lists of MCP servers are kept within a bound: those used longest ago go first, and one that is larger is not kept', () => {
  const cache = new ListCache();
  const third = listed(fixedLimits.mcpLists * 0.3);
  for (const key of ['a', 'b', 'c']) cache.keep(key, third);
  assert.ok(cache.find('a'));
  cache.keep('d', third);
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].filter((key) => cache.find(key)),
    ['a', 'c', 'd'],
  );
  cache.keep('whole', listed(fixedLimits.mcpLists));
  assert.equal(cache.find('whole'), undefined);
  assert.ok(cache.find('a'), 'and nothing went for it');
  // What is kept again, or forgotten, counts once, or not at all.
  for (let again = 0; again < 5; again++) cache.keep('a', third);
  cache.forget('c');
  cache.keep('e', third);
  assert.deepEqual(
    ['a', 'd', 'e'].filter((key) => cache.find(key)),
    ['a', 'd', 'e'],
  );
});
