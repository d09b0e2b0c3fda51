import assert from 'node:assert/strict';
import { exampleTools } from '../coverage/example-tools.ts';
import { says } from '../support/model/scripted.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { callOf, create, modelRequest } from './ask.ts';
import { promise } from './promise.ts';
import { fits, showsRows } from './surface-ask.ts';

const search = { type: 'tool_search', execution: 'server' };

promise(
  'surface.tools',
  { says: 'tools of every type are echoed, member by member', source: 'openai 7.57.0 types: Tool' },
  async (door) => {
    const echoed: unknown[] = [];
    for (const tool of exampleTools) {
      const model = door.model.openai(answers(message('ok')));
      const { tools } = await create(door, { model, tools: tool.type === 'tool_search' ? [tool] : [tool, search] });
      assert.deepEqual(tools[0], tool);
      fits('Tool', ...tools);
      echoed.push(...tools);
    }
    showsRows('surface.tools', [
      ['tools', echoed],
      ['parameters', [{ tools: echoed }]],
      ['response', [{ tools: echoed }]],
    ]);
  },
);

/** Tools that a model can call from the start, without a search. */
const initialTools: typeof exampleTools = JSON.parse(
  JSON.stringify(exampleTools.filter(({ type }) => type !== 'tool_search')).replaceAll(',"defer_loading":true', ''),
);

promise(
  'surface.tools-told',
  {
    says: 'a model gets tools of every type, over Chat Completions and over Responses',
    source: 'openai 7.57.0 types: Tool',
  },
  async (door) => {
    for (const tool of initialTools) {
      const model = door.model.openai(answers(message('ok')));
      await create(door, { model, tools: [tool] });
      const [heard] = callOf(door, model).body.tools;
      assert.equal(heard.type, tool.type);
      for (const name of ['name', 'description', 'display_width', 'environment']) {
        if (name in tool) assert.deepEqual(heard[name], (tool as Record<string, unknown>)[name]);
      }
      const { tools } = await modelRequest(door, { tools: [tool] });
      const names = tools.map(({ function: fn }: { function: { name: string } }) => fn.name);
      const members =
        'tools' in tool
          ? tool.tools.map(({ name }) => `${tool.name}__${name}`)
          : ['name' in tool ? tool.name : tool.type];
      assert.deepEqual(names, members);
      const words = JSON.stringify(tools);
      for (const { name, description, path } of 'environment' in tool ? (skillsOf(tool.environment) ?? []) : []) {
        for (const word of [name, description, path]) assert.ok(words.includes(word), word);
      }
      for (const name of ['display_width', 'environment']) {
        const value = (tool as Record<string, unknown>)[name]; // only tools of one type have it as a plain value
        if (typeof value !== 'object') assert.ok(words.includes(`${value ?? ''}`), name);
      }
      if ('tools' in tool) {
        assert.equal(words.split(`Part of ${tool.name}: `).length, tool.tools.length + 1, 'each says of what it is');
      }
    }
  },
);

type Skills = { name: string; description: string; path: string }[] | undefined;

function skillsOf(environment: unknown): Skills {
  return typeof environment === 'object' ? (environment as { skills?: Skills }).skills : undefined;
}

const tools = [
  { type: 'function', name: 'f' },
  { type: 'function', name: 'g' },
  { type: 'custom', name: 'c' },
  { type: 'shell' },
  { type: 'apply_patch' },
  { type: 'computer' },
];
const preview = { type: 'computer_use_preview', display_width: 800, display_height: 600, environment: 'linux' };
const some = [{ type: 'function', name: 'f' }, { type: 'custom', name: 'c' }, { type: 'shell' }];

/** Choices, each with the tools and the `tool_choice` that a Chat Completions server gets for it. */
const choices: [choice: unknown, names: readonly string[], mode?: string, among?: object[]][] = [
  ['none', []],
  ['auto', ['f', 'g', 'c', 'shell', 'apply_patch', 'computer'], 'auto'],
  ['required', ['f', 'g', 'c', 'shell', 'apply_patch', 'computer'], 'required'],
  [{ type: 'function', name: 'g' }, ['g'], 'required'],
  [{ type: 'custom', name: 'c' }, ['c'], 'required'],
  [{ type: 'shell' }, ['shell'], 'required'],
  [{ type: 'apply_patch' }, ['apply_patch'], 'required'],
  [{ type: 'computer' }, ['computer'], 'required'],
  [{ type: 'computer_use' }, ['computer'], 'required'],
  [{ type: 'computer_use_preview' }, ['computer_use_preview'], 'required', [...tools, preview]],
  [{ type: 'allowed_tools', mode: 'auto', tools: some }, ['f', 'c', 'shell'], 'auto'],
  [{ type: 'allowed_tools', mode: 'required', tools: some }, ['f', 'c', 'shell'], 'required'],
];

promise(
  'surface.tool-choices',
  { says: 'every choice of a tool is kept to, and echoed', source: 'openai 7.57.0 types: ToolChoice' },
  async (door) => {
    for (const [tool_choice, names, mode, among = tools] of choices) {
      const model = door.model.script(says('ok'));
      const response = await create(door, { model, tools: among, tool_choice });
      assert.deepEqual(response.tool_choice, tool_choice);
      fits('Response', response);
      const { tools: heard = [], tool_choice: heardMode } = callOf(door, model).body;
      assert.deepEqual(
        heard.map(({ function: fn }: { function: { name: string } }) => fn.name),
        names,
      );
      assert.equal(heardMode, mode);
    }
    const asked = choices.map(([choice]) => choice);
    showsRows('surface.tool-choices', [
      ['tool_choice', asked],
      ['parameters', asked.map((tool_choice) => ({ tool_choice }))],
      ['response', asked.map((tool_choice) => ({ tool_choice }))],
    ]);
  },
);
