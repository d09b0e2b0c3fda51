import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ItemEvent } from '../../handler/events/events.ts';
import type { Item, OutputItem } from '../../handler/items/item.ts';
import type { McpCall } from '../../handler/items/mcp.ts';
import { mcpFunctionName } from '../../handler/items/mcp-name.ts';
import { toolContract } from '../../handler/tools/contract/index.ts';
import { watchTool } from '../../handler/tools/contract/watch.ts';
import { resultOf } from '../../handler/tools/result-of.ts';
import type {
  ServerFunction,
  ServerFunctions,
  TextMarks,
  Tool,
  ToolContext,
  ToolResult,
} from '../../handler/tools/tool.ts';
import { tryContract } from '../support/contract.ts';
import { knownTool, type TestToolConfig, testTool } from '../support/test-tool.ts';
import { toolSubject } from '../support/tool-subject.ts';

const use = {
  entry: { label: 'subject', shows: true, named: true },
  calls: { name: mcpFunctionName('subject', 'add'), args: { a: 123_000, b: 456 } },
  result: '123456',
  waits: { name: mcpFunctionName('subject', 'wait'), args: {} },
};

for (const tool of [testTool, knownTool]) {
  tryContract(`${tool.type} keeps the contract of a tool`, toolContract, () => toolSubject(tool, use));
}

/** The test tool with all that a tool may be able to do. */
const ableTool: Tool = {
  ...testTool,
  parse: testTool.parse,
  type: 'able_tool',
  echo: ({ secret: _, ...entry }) => entry,
  async *open(config, signal, context) {
    const opened = yield* testTool.open(config as TestToolConfig, signal, context);
    const { name = '' } = opened.functions[0]?.definition ?? {};
    const call = { type: 'function_call' as const, id: 'fc_approved', call_id: 'approved', name };
    const calls = [{ ...call, arguments: JSON.stringify(use.calls.args), status: 'completed' as const }];
    return { ...opened, marks, ...(isApproved(context.input.at(-1)) && { calls }) };
  },
};

const cited = { type: 'url_citation' as const, url: 'https://x.test/', title: 'X' };
const marks: TextMarks = {
  begins: '[[',
  ends: ']]',
  maxLength: 8,
  replace: (inner) =>
    inner === '1' ? { text: 'one', annotation: { ...cited, start_index: 0, end_index: 'one'.length } } : undefined,
};

function isApproved(item: Item | undefined): boolean {
  return JSON.stringify(item)?.includes('I approve.') ?? false;
}

const able = {
  ...use,
  entry: { ...use.entry, secret: 'sesame' },
  secrets: ['sesame'],
  approves: [{ role: 'user', content: 'I approve.' }],
};
tryContract('able_tool keeps the contract of a tool', toolContract, () => toolSubject(ableTool, able));

type Run = AsyncGenerator<ItemEvent, ToolResult>;

/** The test tool whose functions are others. */
function altered(change: (fn: ServerFunction) => ServerFunction): Tool {
  return {
    ...testTool,
    parse: testTool.parse,
    async *open(config, signal, context) {
      const opened = yield* testTool.open(config as TestToolConfig, signal, context);
      return { ...opened, functions: opened.functions.map(change) };
    },
  };
}

/** The test tool whose functions show other events. */
function showing(change: (event: ItemEvent) => ItemEvent | undefined): Tool {
  return altered((fn) => ({
    ...fn,
    async *run(call, signal, context): Run {
      const events = fn.run(call, signal, context);
      for (;;) {
        const next = await events.next();
        if (next.done) return next.value;
        const shown = change(next.value);
        if (shown) yield shown;
      }
    },
  }));
}

const named = altered((fn) => ({ ...fn, definition: { ...fn.definition, name: `${fn.definition.name}!` } }));
const silent = altered((fn) => ({
  ...fn,
  async *run(call, signal, context): Run {
    return { ...(yield* fn.run(call, signal, context)), output: 'done' };
  },
}));
const forgetful: Tool = { ...testTool, parse: testTool.parse, definitions: () => [] };
const open = showing((event) => (event.type === 'response.output_item.done' ? undefined : event));
const foreign = showing((event) =>
  'item' in event ? { ...event, item: { ...event.item, type: 'novel_call' } as never } : undefined,
);

/** The test tool whose items are others once they are done. */
function ending(change: (item: McpCall) => McpCall): Tool {
  return showing((event) =>
    event.type === 'response.output_item.done' && event.item.type === 'mcp_call'
      ? { ...event, item: change(event.item) }
      : event,
  );
}

/** The test tool whose items have other ids. */
function called(rename: (id: string) => string): Tool {
  return showing((event) => {
    if ('item' in event) return { ...event, item: { ...event.item, id: rename(`${event.item.id}`) } as OutputItem };
    return 'item_id' in event ? { ...event, item_id: rename(event.item_id) } : event;
  });
}

const boastful = ending((item) => ({ ...item, output: `I have found ${item.output}` }));
const renamed = ending((item) => ({ ...item, name: `${item.name}_numbers` }));
const reordered = ending((item) => ({ ...item, arguments: item.arguments.replaceAll(',', ', ') }));

const broken: [what: string, tool: Tool, promise: string, says: RegExp][] = [
  ['names that no server takes', named, 'its functions have names', /is no name of a function/],
  ['other functions than it said', forgetful, 'its functions have names', /are others than those/],
  ['results that are kept back', silent, 'the model reads', /has not read 123456/],
  ['items without an end', open, 'what clients see of it is told whole', /begun and never done/],
  ['items that no next turn can read', foreign, 'the next turn goes on', /a request came to/],
  ['outputs that are others a turn later', boastful, 'later turns tell', /the model read .*, and reads a turn later/],
  ['functions that are others a turn later', renamed, 'later turns tell', /the model read .*, and reads a turn later/],
  [
    'arguments that are others a turn later',
    reordered,
    'later turns tell',
    /the model read .*, and reads a turn later/,
  ],
  ['ids that are too long', called((id) => `${id}${id}`), 'each of its items has an id', /longer than 64/],
  [
    'ids of another type',
    called((id) => id.replace('mcp_', 'msg_')),
    'each of its items',
    /is no id of the type mcp_call/,
  ],
  ['one id for all', called(() => 'mcp_1'), 'each of its items', /two items have one id/],
  ['items that cannot be sent back', foreign, 'a client that keeps its items', /a request came to/],
];

/** What the able tool does not keep. */
function unable(change: Partial<Tool>, opened: (opened: ServerFunctions) => ServerFunctions = (it) => it): Tool {
  return {
    ...ableTool,
    parse: ableTool.parse,
    async *open(config, signal, context) {
      return opened(yield* ableTool.open(config, signal, context));
    },
    ...change,
  };
}
const approving = unable({
  open: (config, signal, context) =>
    ableTool.open(config, signal, { ...context, input: context.input.filter(isApproved) }),
});
const endless = unable({}, (opened) => ({ ...opened, marks: { ...marks, maxLength: 4 } }));
const misplaced = unable({}, (opened) => ({
  ...opened,
  marks: { ...marks, replace: () => ({ text: '', annotation: { ...cited, start_index: 0, end_index: 3 } }) },
}));

broken.push(
  ['secrets that are shown', unable({ echo: (entry) => entry }), 'what is secret', /the response shows sesame/],
  ['calls that run again', approving, 'a call that a client has approved', /runs once more in the next turn/],
  ['marks without room', endless, 'its functions have names', /no mark has room in 4 characters/],
  ['citations outside of the text', misplaced, 'its functions have names', /a citation of 0 to 3 in a text of 0/],
  ['one id for calls at once', called(() => 'mcp_1'), 'calls of one round', /two items have one id/],
);

test('a tool that is watched is otherwise the same', async () => {
  const whole: Required<Tool> = {
    ...ableTool,
    parse: ableTool.parse,
    echo: (entry) => ({ ...entry, echoed: true }),
    definitions: () => [{ type: 'function', name: 'known' }],
    credentials: ['secret'],
  };
  const { tool } = watchTool(whole);
  assert.deepEqual(Object.keys(tool).sort(), Object.keys(whole).sort(), 'no member of the port is forgotten');
  assert.deepEqual(tool.echo?.({ type: 'x' }), { type: 'x', echoed: true });
  assert.deepEqual(tool.credentials, whole.credentials);
  assert.deepEqual(tool.definitions?.(undefined), whole.definitions(undefined));
  const context: ToolContext = { caller: { id: 'x' }, input: [], include: [] };
  const opened = await resultOf(tool.open(whole.parse({}, 'tools[0]'), new AbortController().signal, context));
  assert.equal(opened.marks, marks);
  await opened.close?.();
});

describe('a tool does not keep the contract with', { concurrency: true }, () => {
  for (const [what, tool, promise, says] of broken) {
    test(what, async () => {
      const { run } = toolContract.find(({ name }) => name.startsWith(promise)) ?? assert.fail(promise);
      await assert.rejects(
        run(() => toolSubject(tool, tool.type === 'able_tool' ? able : use)),
        says,
      );
    });
  }
});
