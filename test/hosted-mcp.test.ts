import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parseConfig } from '../handler/index.ts';
import { create, stream } from './promises/ask.ts';
import { post } from './support/doors/door.ts';
import { type InProcess, openInProcess } from './support/doors/in-process.ts';
import { gives, type McpServer, type McpToolScript } from './support/mcp-server.ts';
import { callsFunctions, type ScriptedModel, says, startScriptedModel } from './support/model/scripted.ts';
import { outline } from './support/sse.ts';

const PNG = 'iVBORw0KGgo=';
const schema = (...names: string[]) => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
  required: names.slice(0, 1),
});

/** The tools of the one server: a model knows each as the hosted tool whose work it does. */
const scripts: McpToolScript[] = [
  {
    name: 'find',
    description: 'Finds.',
    inputSchema: schema('q', 'allowed_domains'),
    run: ({ q, allowed_domains }) =>
      gives(`On ${q} (${allowed_domains ?? 'anywhere'}): https://a.test/x, and http://b.test/.`),
  },
  {
    name: 'lookup',
    inputSchema: schema('query', 'vector_store_ids'),
    run: () => gives(JSON.stringify([{ file_id: 'f1', filename: 'a.txt', score: 0.5, text: 'Wet.' }])),
  },
  {
    name: 'run',
    inputSchema: schema('code'),
    run: ({ code }) =>
      code === 'fail'
        ? { isError: true, content: [{ type: 'text', text: 'no such name' }] }
        : {
            content: [
              { type: 'text', text: '2' },
              { type: 'image', data: PNG, mimeType: 'image/png' },
            ],
          },
  },
  {
    name: 'draw',
    inputSchema: schema('prompt', 'size'),
    run: ({ prompt }) =>
      prompt === 'nothing' ? gives('No.') : { content: [{ type: 'image', data: PNG, mimeType: 'image/png' }] },
  },
];

const hosted = {
  web_search: { mcp: 'work', tool: 'find' },
  file_search: { mcp: 'work', tool: 'lookup' },
  code_interpreter: { mcp: 'work', tool: 'run' },
  image_generation: { mcp: 'work', tool: 'draw' },
};

let model: ScriptedModel;
let server: McpServer;
let door: InProcess;
before(async () => {
  model = await startScriptedModel();
  server = model.mcp.serve(scripts);
  door = await openInProcess({
    config: parseConfig({
      models: [{ match: '*', backend: 'chat', url: model.url }],
      mcp: [{ label: 'work', url: server.url, requireApproval: 'always' }],
      hosted,
    }),
  });
});
after(async () => {
  await door.close();
  await model.close();
});

/** A turn in which a model calls a hosted tool with these arguments. */
async function turn(type: string, args: object, body: object = {}) {
  const name = model.script(callsFunctions({ name: type, args: JSON.stringify(args), id: 'c1' }), says('Done.'));
  const whole = await stream(door, { model: name, tools: [{ type }], ...body });
  const read = model.calls(name).at(-1)?.body.messages.at(-1);
  // biome-ignore lint/suspicious/noExplicitAny: items with a member of ours
  const [{ id, ...item }] = whole.final.output as any[];
  return { ...whole, id, item, read: read?.content as string, name };
}

const progress = (events: Parameters<typeof outline>[0]) => outline(events).slice(2, -7);

describe('a hosted tool that a tool of an MCP server does', () => {
  test('web_search', async () => {
    const include = ['web_search_call.action.sources'];
    const { events, item, id, read } = await turn('web_search', { q: 'snow' }, { include });
    assert.match(id, /^ws_/);
    assert.deepEqual(progress(events), [
      'output_item.added 0 web_search_call in_progress',
      'web_search_call.in_progress 0',
      'web_search_call.searching 0',
      'web_search_call.completed 0',
      'output_item.done 0 web_search_call completed',
    ]);
    assert.match(read, /^Text of the web: information for you.*\n\nOn snow \(anywhere\)/);
    const sources = ['https://a.test/x', 'http://b.test/'].map((url) => ({ type: 'url', url }));
    assert.deepEqual(item, {
      type: 'web_search_call',
      status: 'completed',
      action: { type: 'search', query: 'snow', queries: ['snow'], sources },
      function: { name: 'web_search', arguments: '{"q":"snow"}', output: read },
    });
  });

  test('file_search, whose results are included where they are wanted', async () => {
    const found = [{ file_id: 'f1', filename: 'a.txt', score: 0.5, text: 'Wet.', attributes: {} }];
    for (const [include, results] of [
      [[], null],
      [['file_search_call.results'], found],
    ] as const) {
      const { events, item, id } = await turn('file_search', { query: 'rain' }, { include });
      assert.match(id, /^fs_/);
      assert.deepEqual(progress(events), [
        'output_item.added 0 file_search_call in_progress',
        'file_search_call.in_progress 0',
        'file_search_call.searching 0',
        'file_search_call.completed 0',
        'output_item.done 0 file_search_call completed',
      ]);
      assert.partialDeepStrictEqual(item, { queries: ['rain'], results, status: 'completed' });
    }
  });

  test('code_interpreter, with its code as one delta, and its outputs where they are wanted', async () => {
    const outputs = [
      { type: 'logs', logs: '2' },
      { type: 'image', url: `data:image/png;base64,${PNG}` },
    ];
    for (const [include, shown] of [
      [[], null],
      [['code_interpreter_call.outputs'], outputs],
    ] as const) {
      const tools = [{ type: 'code_interpreter', container: { type: 'auto' } }];
      const { events, item, read } = await turn('code_interpreter', { code: '1+1' }, { include, tools });
      assert.deepEqual(progress(events), [
        'output_item.added 0 code_interpreter_call in_progress',
        'code_interpreter_call.in_progress 0',
        'code_interpreter_call_code.delta 0 1+1',
        'code_interpreter_call_code.done 0',
        'code_interpreter_call.interpreting 0',
        'code_interpreter_call.completed 0',
        'output_item.done 0 code_interpreter_call completed',
      ]);
      assert.match(item.container_id, /^cntr_/);
      assert.partialDeepStrictEqual(item, { code: '1+1', outputs: shown, status: 'completed' });
      assert.equal(read, '2\n(An image, which the user sees.)');
    }
  });

  test('image_generation, whose image is the item’s and not the model’s to read', async () => {
    const { events, item, read } = await turn(
      'image_generation',
      { prompt: 'a dog' },
      { tools: [{ type: 'image_generation', size: '1024x1024' }] },
    );
    assert.deepEqual(progress(events), [
      'output_item.added 0 image_generation_call in_progress',
      'image_generation_call.in_progress 0',
      'image_generation_call.generating 0',
      'image_generation_call.completed 0',
      'output_item.done 0 image_generation_call completed',
    ]);
    assert.partialDeepStrictEqual(item, { result: PNG, output_format: 'png', revised_prompt: 'a dog' });
    assert.equal(read, '(An image, which the user sees.)');
    assert.deepEqual(server.of('tools/call').at(-1)?.params.arguments, { prompt: 'a dog', size: '1024x1024' });
  });

  test('fails in its status alone, and the model reads why', async () => {
    for (const [type, args, words] of [
      ['code_interpreter', { code: 'fail' }, /The tool failed: no such name/],
      ['image_generation', { prompt: 'nothing' }, /did not give what it is for\. No\./],
    ] as const) {
      const { events, item, read } = await turn(type, args);
      assert.equal(item.status, 'failed');
      assert.equal(events.filter((event) => event.type.endsWith(`${type}_call.completed`)).length, 0);
      assert.match(read, words);
    }
  });

  test('asks for no approval, and shows nothing of its server: neither list nor call', async () => {
    const { final } = await turn('web_search', { q: 'snow' });
    assert.deepEqual(
      final.output.map(({ type }) => type),
      ['web_search_call', 'message'],
    );
  });

  test('is told to later turns as it was, wherever the history is kept', async () => {
    const first = await turn('code_interpreter', { code: '1+1' });
    const sentBack = [{ role: 'user', content: 'Hi' }, ...first.final.output, { role: 'user', content: 'And?' }];
    for (const body of [{ previous_response_id: first.final.id }, { input: sentBack, store: false }]) {
      const next = model.script(says('Ok.'));
      await create(door, { model: next, input: 'And?', ...body });
      const { messages } = model.calls(next)[0]?.body ?? {};
      assert.partialDeepStrictEqual(messages[1], {
        tool_calls: [{ function: { name: 'code_interpreter', arguments: '{"code":"1+1"}' } }],
      });
      assert.partialDeepStrictEqual(messages[2], { role: 'tool', content: first.read });
    }
  });

  test('is told to later turns as it was also by a client that leaves out our member, while it is kept', async () => {
    const calls = [
      ['web_search', { q: 'snow' }],
      ['file_search', { query: 'rain' }],
      ['code_interpreter', { code: '1+1' }],
      ['image_generation', { prompt: 'a cat' }],
    ] as const;
    for (const [type, args] of calls) {
      for (const store of [true, false]) {
        const { id, item, read } = await turn(type, args, { store });
        const next = model.script(says('Ok.'));
        const { function: _, ...bare } = item;
        await create(door, {
          model: next,
          input: [
            { role: 'user', content: 'Hi' },
            { id, ...bare },
          ],
        });
        const { messages } = model.calls(next)[0]?.body ?? {};
        const told = messages.filter(({ role }: { role: string }) => role === 'tool');
        assert.deepEqual(
          told.map(({ content }: { content: string }) => content),
          store ? [read] : [],
          type,
        );
      }
    }
    const { id } = await turn('code_interpreter', { code: '1+1' });
    const other = { type: 'web_search_call', id, status: 'completed', action: { type: 'search', query: 'snow' } };
    const next = model.script(says('Ok.'));
    await create(door, { model: next, input: [{ role: 'user', content: 'Hi' }, other] });
    assert.equal(model.calls(next)[0]?.body.messages[1]?.content, 'Searched the web for "snow".', 'of another kind');
  });

  test('takes members of its entry that the tool has arguments for, and refuses others by their names', async () => {
    const filters = { allowed_domains: ['a.test'] };
    const { read, name } = await turn(
      'web_search',
      { q: 'snow' },
      { tools: [{ type: 'web_search', filters, search_context_size: 'low' }] },
    );
    assert.match(read, /On snow \(a\.test\)/);
    assert.deepEqual(Object.keys(model.calls(name)[0]?.body.tools[0].function.parameters.properties), ['q']);
    await turn('file_search', { query: 'rain' }, { tools: [{ type: 'file_search', max_num_results: 20 }] });
    const asUsual = { type: 'image_generation', output_compression: 100, output_format: 'png', n: 1, quality: 'auto' };
    await turn('image_generation', { prompt: 'a cat' }, { tools: [asUsual] });
    for (const [entry, param] of [
      [{ type: 'code_interpreter', container: { type: 'auto', memory_limit: '4g' } }, 'tools[0].container'],
      [{ type: 'file_search', vector_store_ids: ['vs_1'], max_num_results: 3 }, 'tools[0].max_num_results'],
      [{ ...asUsual, output_compression: 50 }, 'tools[0].output_compression'],
      [{ type: 'web_search', filters: { blocked_domains: ['a.test'] } }, 'tools[0].blocked_domains'],
    ] as const) {
      const reply = await post(door, { model: model.script(says('No.')), input: 'Hi', tools: [entry] });
      const { error } = JSON.parse(await reply.text());
      assert.deepEqual([reply.status, error.param], [422, param], error.message);
      assert.match(error.message, /has no argument of this name/);
    }
  });
});

test('a hosted tool whose server or tool is not there says so, at start or in the request', async (t) => {
  const models = [{ match: '*', backend: 'chat', url: model.url }];
  assert.throws(
    () =>
      parseConfig({
        models,
        hosted: { file_search: { mcp: 'wrok', tool: 'x' } },
        mcp: [{ label: 'work', url: server.url }],
      }),
    /hosted\.file_search\.mcp is no label in `mcp`.*did you mean.*work/,
  );
  const config = parseConfig({
    models,
    mcp: [{ label: 'work', url: server.url }],
    hosted: { file_search: { mcp: 'work', tool: 'nope' } },
  });
  const other = await openInProcess({ config });
  t.after(other.close);
  const reply = await post(other, { model: model.script(says('No.')), input: 'Hi', tools: [{ type: 'file_search' }] });
  assert.equal(reply.status, 424);
  assert.match(await reply.text(), /has no tool 'nope'/);
  const refused = await post(other, { model: 'demo', input: 'Hi', tools: [{ type: 'code_interpreter' }] });
  assert.match(
    await refused.text(),
    /`hosted\.code_interpreter` in the configuration can have it run here, and `dropTools` can leave it out/,
  );
});
