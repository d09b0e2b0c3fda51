import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OpenTools, Tool } from '../handler/index.ts';
import { createHandler, parseConfig } from '../handler/index.ts';
import { testDatabase } from './support/doors/database.ts';
import { testTool } from './support/test-tool.ts';

/** A tool that tells what it says in what responses show of it. */
function telling(type: string, says: string): Tool {
  return { ...testTool, parse: testTool.parse, type, echo: () => ({ type, says }) };
}

test('tools are made of the configuration, and again when it is reloaded; those of the program count before them', async (t) => {
  const database = await testDatabase();
  t.after(() => database.close());
  const open: OpenTools = ({ hosts }, { seal }) => {
    assert.equal(typeof seal('default').seal, 'function');
    return [telling('opened', hosts.join()), telling('owned', 'by the configuration')];
  };
  const configOf = (host: string) => parseConfig({ hosts: [host] });
  const handler = createHandler({
    config: configOf('one.example'),
    database,
    tools: [telling('owned', 'by the program')],
    openTools: [open],
  });
  t.after(() => handler.close(0));
  const shown = async () => {
    const body = JSON.stringify({
      model: 'demo',
      input: 'Hi',
      tools: [{ type: 'opened' }, { type: 'owned' }],
      store: false,
    });
    const reply = await handler.fetch(
      new Request('http://one.example/v1/responses', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      }),
    );
    const { tools } = (await reply.json()) as { tools: { says: string }[] };
    return tools.map(({ says }) => says);
  };
  assert.deepEqual(await shown(), ['one.example', 'by the program']);
  handler.reload(configOf('two.example'));
  assert.deepEqual(await shown(), ['two.example', 'by the program']);
});
