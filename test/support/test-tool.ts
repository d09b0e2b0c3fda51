import { unsupported } from '../../handler/errors.ts';
import type { ItemEvent } from '../../handler/events/events.ts';
import type { FunctionCall } from '../../handler/items/function.ts';
import { newItemId } from '../../handler/items/item.ts';
import type { McpCall } from '../../handler/items/mcp.ts';
import { mcpFunctionName } from '../../handler/items/mcp-name.ts';
import type { FunctionTool } from '../../handler/protocol/tools.ts';
import type { ServerFunction, Tool, ToolResult } from '../../handler/tools/tool.ts';

/** What has become of the test tool of one `label`; `waiting` and `left` count the calls of `wait` begun and given up. */
export function testToolUseOf(label: string): { opened: number; closed: number; waiting: number; left: number } {
  const known = uses.get(label) ?? { opened: 0, closed: 0, waiting: 0, left: 0 };
  uses.set(label, known);
  return known;
}

const uses = new Map<string, { opened: number; closed: number; waiting: number; left: number }>();

/**
 * A server-side tool for tests, `{ type: 'test_tool' }`: `add` gives a sum, `show` text and an image, `ask` ends
 * the turn, `cite` adds a citation to the text that follows, `fail` throws, `wait` waits until the turn is given up.
 * Clients see its calls as MCP calls, and with `shows` an item when it is opened. With `named` its functions are called as later turns call
 * them.
 */
export const testTool: Tool<TestToolConfig> = {
  type: 'test_tool',
  parse(entry, param) {
    if (entry.label !== undefined && typeof entry.label !== 'string')
      throw unsupported(`${param}.label`, 'must be a text');
    return { label: entry.label ?? 'test', shows: entry.shows === true, named: entry.named === true };
  },
  async *open({ label, shows, named }) {
    const fn = (name: string, run: Run) => testFunction(name, { label, named }, run);
    const use = testToolUseOf(label);
    use.opened++;
    if (shows) {
      const item = mcpCall(label, 'open', '{}');
      const at = { sequence_number: 0, output_index: 0 };
      yield { type: 'response.output_item.added', ...at, item };
      yield { type: 'response.output_item.done', ...at, item: { ...item, output: 'opened', status: 'completed' } };
    }
    return {
      functions: [
        fn('add', ({ a, b }) => ({ output: String(Number(a) + Number(b)) })),
        fn('show', () => ({
          output: [
            { type: 'input_text', text: 'a picture' },
            { type: 'input_image', image_url: 'data:image/png;base64,AA==' },
          ],
        })),
        fn('ask', () => ({ output: 'asked', endTurn: true })),
        fn('cite', () => ({
          output: 'cited',
          citations: [{ type: 'url_citation', url: 'http://x.test/', title: 'X', start_index: 0, end_index: 1 }],
        })),
        fn('fail', () => {
          throw new Error('secret detail of a tool');
        }),
        fn('wait', (_, signal) => {
          use.waiting++;
          const { promise, reject } = Promise.withResolvers<never>();
          const leave = () => {
            use.left++;
            reject(signal.reason);
          };
          if (signal.aborted) leave();
          else signal.addEventListener('abort', leave, { once: true });
          return promise;
        }),
      ],
      close: async () => {
        use.closed++;
      },
    };
  },
};

/** An entry of the test tool. */
export interface TestToolConfig {
  label: string;
  shows: boolean;
  named: boolean;
}

/** The same as one whose functions are known before it is opened. */
export const knownTool: typeof testTool = {
  ...testTool,
  type: 'known_tool',
  definitions: (config) => ['add', 'show', 'ask', 'cite', 'fail', 'wait'].map((name) => definitionOf(name, config)),
};

function definitionOf(own: string, { label, named }: Omit<TestToolConfig, 'shows'>): FunctionTool {
  const name = named ? mcpFunctionName(label, own) : own;
  return { type: 'function', name, description: `test function ${name}`, parameters: { type: 'object' } };
}

type Run = (args: Record<string, unknown>, signal: AbortSignal) => ToolResult | Promise<ToolResult>;

function testFunction(name: string, config: Omit<TestToolConfig, 'shows'>, run: Run): ServerFunction {
  const { label } = config;
  return {
    definition: definitionOf(name, config),
    async *run(call: FunctionCall, signal: AbortSignal): AsyncGenerator<ItemEvent, ToolResult> {
      const item = mcpCall(label, name, call.arguments);
      const at = { sequence_number: 0, item_id: item.id, output_index: 0 };
      yield { type: 'response.output_item.added', sequence_number: 0, output_index: 0, item };
      yield { type: 'response.mcp_call.in_progress', ...at };
      yield { type: 'response.mcp_call_arguments.delta', ...at, delta: call.arguments };
      yield { type: 'response.mcp_call_arguments.done', ...at, arguments: call.arguments };
      const result = await run(JSON.parse(call.arguments), signal);
      const output = typeof result.output === 'string' ? result.output : null;
      yield { type: 'response.mcp_call.completed', ...at };
      yield {
        type: 'response.output_item.done',
        sequence_number: 0,
        output_index: 0,
        item: { ...item, output, status: 'completed' },
      };
      return result;
    },
  };
}

function mcpCall(server_label: string, name: string, written: string): McpCall {
  return {
    type: 'mcp_call',
    id: newItemId('mcp_call'),
    server_label,
    name,
    arguments: written,
    output: null,
    error: null,
    approval_request_id: null,
    status: 'in_progress',
  };
}
