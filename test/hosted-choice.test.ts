import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Tool } from '../handler/index.ts';
import { testHandler } from './support/doors/in-process.ts';
import { callsFunctions, type ScriptedModel, says, startScriptedModel } from './support/model/scripted.ts';
import { playedTool, plays } from './support/played-tool.ts';

/** The played tool by the type of a hosted one. */
function hosted(type: string): Tool {
  return { ...playedTool, parse: playedTool.parse, type };
}

let model: ScriptedModel;
let handler: Awaited<ReturnType<typeof testHandler>>;
before(async () => {
  model = await startScriptedModel();
  handler = await testHandler(model, { tools: [hosted('web_search'), hosted('mcp')] });
});
after(async () => {
  await handler.close();
  await model.close();
});

const output = () => ({ output: 'found' });
const mine = { type: 'function', name: 'mine' };
const search = { ...plays({ functions: { web_search: output } }), type: 'web_search' };
const pages = { ...plays({ functions: { web_search: output, open_page: output } }), type: 'web_search' };
const crm = {
  ...plays({ functions: { mcp_crm__find: output, mcp_crm__save: output } }),
  ...{ type: 'mcp', server_label: 'crm' },
};
const docs = { ...plays({ functions: { mcp_docs__find: output } }), type: 'mcp', server_label: 'docs' };

async function send(path: string, body: object) {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const reply = await handler.fetch(new Request(`http://localhost${path}`, init));
  const json = (await reply.json()) as { error?: { param: string; message: string }; tool_choice: unknown };
  return { ...json, status: reply.status };
}

/** What a model that calls a function, and then answers, was told to call, and what it was offered, each time. */
async function told(tools: object[], tool_choice: object, name: string) {
  const script = model.script(callsFunctions({ name, args: '{}' }), says('Done.'));
  const response = await send('/v1/responses', { model: script, input: 'Hi', tools, tool_choice });
  assert.equal(response.status, 200, JSON.stringify(response.error));
  assert.deepEqual(response.tool_choice, tool_choice, 'as it was asked for');
  return model.calls(script).map(({ body }) => ({
    choice: body.tool_choice,
    tools: body.tools.map((tool: { function: { name: string } }) => tool.function.name),
  }));
}

/** The choices of such a model. */
const forced = async (tools: object[], choice: object, name: string) => {
  const [first, second] = await told(tools, choice, name);
  assert.deepEqual([first?.choice, second?.choice], ['required', 'auto'], 'a later round is free again');
  assert.ok(second?.tools.includes('mine'));
  return first?.tools;
};

test('a hosted tool can be forced by its type, its preview and its dated types', async () => {
  for (const type of ['web_search', 'web_search_preview', 'web_search_2025_08_26']) {
    assert.deepEqual(await forced([mine, search], { type }, 'web_search'), ['web_search']);
    assert.deepEqual(
      await forced([pages, mine], { type }, 'web_search'),
      ['web_search'],
      'which the other goes on from',
    );
  }
});

test('an MCP server can be forced by its label, and one of its tools by its name', async () => {
  const tools = [crm, docs, mine];
  const type = 'mcp';
  assert.deepEqual(await forced(tools, { type, server_label: 'docs' }, 'mcp_docs__find'), ['mcp_docs__find']);
  const all = ['mcp_crm__find', 'mcp_crm__save'];
  assert.deepEqual(await forced(tools, { type, server_label: 'crm' }, 'mcp_crm__save'), all);
  const one = { type, server_label: 'crm', name: 'save' };
  assert.deepEqual(await forced(tools, one, 'mcp_crm__save'), ['mcp_crm__save']);
});

test('a list allows hosted tools by type, label and name', async () => {
  const list = (...tools: object[]) => ({ type: 'allowed_tools', mode: 'auto', tools });
  const all = [crm, docs, search, mine];
  const allowed = async (choice: object, name: string) => (await told(all, choice, name))[0]?.tools;
  assert.deepEqual(await allowed(list({ type: 'web_search_preview' }, mine), 'web_search'), ['mine', 'web_search']);
  assert.deepEqual(await allowed(list({ type: 'mcp', server_label: 'docs' }), 'mcp_docs__find'), ['mcp_docs__find']);
  const named = list({ type: 'mcp', server_label: 'crm', name: 'find' }, { type: 'web_search' });
  assert.deepEqual((await allowed(named, 'web_search'))?.sort(), ['mcp_crm__find', 'web_search']);
});

test('a choice of what is not there is refused, and says why', async () => {
  const cases: [tools: object[], choice: object, param: string, says: RegExp][] = [
    [[mine], { type: 'image_generation' }, 'tool_choice.type', /which this server does not run: `dropTools`/],
    [[{ type: 'image_generation' }, mine], { type: 'image_generation' }, 'tool_choice.type', /does not run/],
    [[mine], { type: 'web_search' }, 'tool_choice', /a tool of type "web_search" that is not in tools/],
    [[crm], { type: 'mcp', server_label: 'docs' }, 'tool_choice', /type "mcp" named "docs" that is not in tools/],
    [[crm], { type: 'mcp', server_label: 'crm', name: 'gone' }, 'tool_choice', /named "gone" that is not in tools/],
    [
      [crm],
      { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'mcp', server_label: 'crm', name: 'gone' }] },
      'tool_choice',
      /named "gone"/,
    ],
    [[crm], { type: 'mcp', server_label: 7 }, 'tool_choice.server_label', /must be a string/],
  ];
  for (const [tools, tool_choice, param, why] of cases) {
    const script = model.script(says('never'));
    const { status, error } = await send('/v1/responses', { model: script, input: 'Hi', tools, tool_choice });
    assert.deepEqual([status, error?.param], [422, param], JSON.stringify(error));
    assert.match(error?.message ?? '', why);
    assert.deepEqual(model.calls(script), []);
  }
});

test('a count of tokens and a turn without output take such a choice too', async () => {
  const body = { model: model.script(says('Done.')), input: 'Hi', tools: [pages], tool_choice: { type: 'web_search' } };
  assert.equal((await send('/v1/responses/input_tokens', body)).status, 200);
});
