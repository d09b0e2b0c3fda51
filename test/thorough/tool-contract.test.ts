import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ItemEvent } from '../../handler/events/events.ts';
import type { OutputItem } from '../../handler/items/item.ts';
import type { McpCall } from '../../handler/items/mcp.ts';
import { mcpFunctionName } from '../../handler/items/mcp-name.ts';
import { toolContract } from '../../handler/tools/contract/index.ts';
import type { ServerFunction, Tool, ToolResult } from '../../handler/tools/tool.ts';
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

describe('a tool does not keep the contract with', { concurrency: true }, () => {
  for (const [what, tool, promise, says] of broken) {
    test(what, async () => {
      const { run } = toolContract.find(({ name }) => name.startsWith(promise)) ?? assert.fail(promise);
      await assert.rejects(
        run(() => toolSubject(tool, use)),
        says,
      );
    });
  }
});
