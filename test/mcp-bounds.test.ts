import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { outputParts } from '../handler/items/mcp-output.ts';
import { fixedLimits } from '../handler/limits.ts';
import { BrokenReplies, withBoundedReplies } from '../handler/tools/mcp/bounded-reply.ts';
import { create } from './promises/ask.ts';
import { callOf, entryFor, tool } from './promises/mcp-ask.ts';
import { until } from './promises/state-ask.ts';
import { type Door, post } from './support/doors/door.ts';
import { openInProcess } from './support/doors/in-process.ts';
import { type Given, gives, type McpScript, type McpToolScript } from './support/mcp-server.ts';
import { callsFunctions, says } from './support/model/scripted.ts';

let door: Door;
before(async () => {
  door = await openInProcess();
});
after(() => door.close());

const many = (count: number, one: unknown) => Array.from({ length: count }, () => one);

/** A value this deep. */
function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = { a: value };
  return value;
}

/** What becomes of a call whose tool gives this. */
async function called(given: Given, era: McpScript['era'] = '2025') {
  const server = door.model.mcp.serve([{ name: 'f', run: () => given }, tool('other')], { era });
  const model = door.model.script(callsFunctions(callOf(server, { name: 'f' })), says('ok'));
  const { output, status } = await create(door, { model, tools: [entryFor(server)] });
  assert.equal(status, 'completed');
  const again = door.model.script(callsFunctions(callOf(server, { name: 'other' })), says('ok'));
  const next = await create(door, { model: again, tools: [entryFor(server)] });
  assert.partialDeepStrictEqual(
    next.output.find(({ type }) => type === 'mcp_call'),
    { output: 'other' },
  );
  const call = output.find((item) => item.type === 'mcp_call');
  return call ?? assert.fail('a call');
}

/** The message of the 424 of a server with these tools. */
async function refused(tools: McpToolScript[], script: Partial<McpScript> = {}): Promise<string> {
  const server = door.model.mcp.serve(tools, script);
  const model = door.model.script(says('never'));
  const reply = await post(door, { model, input: 'Hi', tools: [entryFor(server)] });
  assert.equal(reply.status, 424);
  const { error } = (await reply.json()) as { error: { message: string } };
  return error.message;
}

describe('a reply of an MCP server that would take long to parse and to check', () => {
  const results: Record<string, Given> = {
    'empty lists': { structuredContent: { a: many(60_000, []) } },
    'blocks of no kind': { content: many(60_000, { type: 'x' }) as object[] },
    numbers: { structuredContent: { a: many(200_000, 1) } },
    names: { structuredContent: Object.fromEntries(many(200_000, 0).map((_, n) => [`k${n}`, n])) },
  };
  for (const [says, given] of Object.entries(results)) {
    test(`is a failed call: ${says}`, async () => {
      const { status, error } = await called(given);
      assert.equal(status, 'failed');
      const message = `Its reply has more than ${fixedLimits.mcpMembers} members.`;
      assert.deepEqual(error, { type: 'mcp_protocol_error', code: -32_603, message });
    });
  }

  for (const era of ['2025', '2026', 'sse'] as const) {
    test(`is a failed call in every era: ${era}`, async () => {
      const { error } = await called({ structuredContent: { a: many(200_000, 1) } }, era);
      assert.partialDeepStrictEqual(error, { type: 'mcp_protocol_error', code: -32_603 });
      const deep = await called({ structuredContent: nested(fixedLimits.jsonDepth + 1) }, era);
      assert.match(JSON.stringify(deep.error), /Its reply is nested deeper than 128 levels/);
    });
  }

  test('is taken where only its texts look so', async () => {
    const text = '[{,"\\"\n'.repeat(60_000);
    const { output, status } = await called(gives(text));
    assert.equal(status, 'completed');
    assert.ok(output?.startsWith(text.slice(0, 10_000)));
  });

  test('and a text that looks like blocks, of too many members, is a text', () => {
    const text = `[{"type":"image"},${many(300_000, '[]').join(',')}]`;
    assert.ok(outputParts(text) === text);
  });
});

test('a stream of many events, however they come, is read in pieces between which others have their turns', async () => {
  const piece = new TextEncoder().encode(many(300, 'data: {}\n\n').join(''));
  const pieces = () =>
    new ReadableStream({
      start(controller) {
        for (let n = 0; n < 50; n++) controller.enqueue(piece);
        controller.close();
      },
    });
  const headers = { 'content-type': 'text/event-stream' };
  const reach = withBoundedReplies(async () => new Response(pieces(), { headers }), new BrokenReplies());
  let turns = 0;
  const other = setInterval(() => turns++, 0);
  const reply = await reach('http://x/');
  assert.equal((await reply.text()).length, 50 * piece.length);
  clearInterval(other);
  assert.ok(turns >= 20, `${turns}`);
});

test('a server that asks its client much is answered a hundred times, and its call is served', async () => {
  const server = door.model.mcp.serve([], { era: 'sse' });
  const answers = () => server.requests.filter(({ method, id }) => method === undefined && id === 7).length;
  const run = async () => {
    server.say(many(500, 'data: {"jsonrpc":"2.0","id":7,"method":"ping"}\n\n').join(''));
    await until(() => answers() >= 100);
    return gives('asked');
  };
  server.script.tools.push({ name: 'f', run });
  const model = door.model.script(callsFunctions(callOf(server, { name: 'f' })), says('ok'));
  const { output } = await create(door, { model, tools: [entryFor(server)] });
  assert.partialDeepStrictEqual(
    output.find(({ type }) => type === 'mcp_call'),
    { output: 'asked' },
  );
  assert.equal(answers(), 100);
});

describe('a list of tools', () => {
  test('that is too long, in characters or tools, is 424, and names the bound', async () => {
    assert.match(
      await refused([{ ...tool('f'), description: 'd'.repeat(fixedLimits.mcpList) }]),
      /is larger than 1048576 characters/,
    );
    const tools = many(fixedLimits.mcpTools + 1, 0).map((_, n) => tool(`t${n}`));
    assert.match(await refused(tools), /It has more than 1024 tools/);
    assert.match(await refused(tools, { page: 100 }), /It has more than 1024 tools/);
    const properties = Object.fromEntries(many(60_000, 0).map((_, n) => [`p${n}`, {}]));
    assert.match(
      await refused([{ ...tool('f'), inputSchema: { type: 'object', properties } }]),
      /more than 100000 members/,
    );
  });

  test('with schemas that are hard to check is taken: none is compiled, and no pattern is run', async () => {
    const inputSchema = {
      type: 'object',
      $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } },
      properties: {
        a: { type: 'string', pattern: '^(a+)+$' },
        b: { $ref: '#/$defs/a' },
        ...Object.fromEntries(many(10_000, 0).map((_, n) => [`p${n}`, { type: 'string' }])),
      },
    };
    const server = door.model.mcp.serve([{ name: 'f', inputSchema, run: ({ a }) => gives(a) }]);
    const a = `${'a'.repeat(50)}!`;
    const model = door.model.script(callsFunctions(callOf(server, { name: 'f', args: { a } })), says('ok'));
    const { output } = await create(door, { model, tools: [entryFor(server)] });
    assert.partialDeepStrictEqual(
      output.find(({ type }) => type === 'mcp_call'),
      { output: a },
    );
  });
});
