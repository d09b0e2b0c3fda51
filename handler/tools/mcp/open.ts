import { ApiError } from '../../errors.ts';
import type { ItemEvent } from '../../events/events.ts';
import { newItemId } from '../../items/item.ts';
import { ending, type ListedTool, type McpListTools } from '../../items/mcp-list-tools.ts';
import { isNameOf, mcpFunctionName } from '../../items/mcp-name.ts';
import { log } from '../../log.ts';
import type { Seal } from '../../seal.ts';
import { scrubber } from '../scrubber.ts';
import type { ServerFunctions, ToolContext } from '../tool.ts';
import { approvalId, checkApproval } from './approval.ts';
import { callError, isOutdated, listingError } from './failure.ts';
import { functionsOf } from './functions.ts';
import { hashOf, type ListCache } from './list-cache.ts';
import { names, needsApproval } from './policy.ts';
import type { UsedServer } from './servers.ts';
import { type OpenSession, type ServerTool, SharedSession } from './session.ts';
import { resultBlocks, resultText, scrubbed } from './texts.ts';

/** What all servers of a configuration are opened with. */
export interface OpenOptions {
  openSession: OpenSession;
  lists: ListCache;
  /** The Seal of whoever sends a request, and where its rows are. */
  sealFor(context: Pick<ToolContext, 'caller'>): { seal: Seal; partition: string };
  /** Characters of one result. */
  maxResult: number;
}

/** Opens a server for one turn: lists its tools, unless that is in the context already, and has them as functions. */
export async function* openServer(
  used: UsedServer,
  options: OpenOptions,
  signal: AbortSignal,
  context: ToolContext,
): AsyncGenerator<ItemEvent, ServerFunctions> {
  const { label, server, identity, secrets, description, policies } = used;
  const { openSession, lists, maxResult } = options;
  const { seal, partition } = options.sealFor(context);
  const scrub = scrubber(secrets);
  const key = await hashOf(partition, identity, server);
  const session = new SharedSession(
    (opening) => openSession(server, lists.era(key), opening),
    () => lists.forget(key),
  );
  let isOpen = false;
  try {
    const approved = (context.approved ?? []).filter(({ server_label }) => server_label === label);
    const tools = yield* listTools(
      used,
      options,
      { session, key, scrub, isFresh: approved.length > 0 },
      signal,
      context,
    );
    const byName = new Map(tools.map((tool) => [tool.name, tool]));
    const calls = new Map<string, { isChanged: boolean }>();
    for (const request of approved) {
      const found = await checkApproval(seal, identity, request, byName.get(request.name));
      if (found === 'unknown') throw unknownApproval();
      calls.set(request.id, { isChanged: found === 'changed' });
    }
    isOpen = true;
    return {
      functions: functionsOf(tools, {
        label,
        description,
        needsApproval: (tool) => policies.some((policy) => needsApproval(policy, tool)),
        askId: (tool, args) =>
          approvalId(seal, identity, { server_label: label, name: tool.name, arguments: args }, tool),
        approved: calls,
        async call(tool, args, calling, trace) {
          try {
            const result = await session.use(calling, (open) => open.call(tool, args, calling, trace && { ...trace }));
            // Before anything is cut or quoted: a part of a secret is one too.
            const told = scrubbed(result, scrub);
            if (!told.isError) return scrub(resultText(told, maxResult));
            return { type: 'mcp_tool_execution_error', content: resultBlocks(told, maxResult) };
          } catch (error) {
            calling.throwIfAborted();
            if (isOutdated(error)) lists.forget(key);
            const failure = callError(scrubbedError(error, scrub));
            log.warn('a call of an MCP tool failed', {
              server_label: label,
              tool: scrub(tool.name),
              type: failure.type,
            });
            return failure;
          }
        },
      }).map((fn) => ({
        ...fn,
        definition: { ...scrubbed(fn.definition, scrub), name: fn.definition.name },
      })),
      calls: approved.map(({ id, name, arguments: args }) => ({
        type: 'function_call',
        id: newItemId('function_call'),
        call_id: id,
        name: mcpFunctionName(label, name),
        arguments: args,
        status: 'completed',
      })),
      owns: (name) => isNameOf(label, name),
      close: () => session.end(),
    };
  } finally {
    if (!isOpen) await session.end();
  }
}

interface Listing {
  session: SharedSession;
  key: string;
  scrub: (text: string) => string;
  /** Whether a list that is kept is too old. */
  isFresh: boolean;
}

/** The tools that a request allows of a server's. They are shown as an item, unless the latest list in the context is the same. */
async function* listTools(
  { label, allowed, hasToken }: UsedServer,
  { lists }: OpenOptions,
  { session, key, scrub, isFresh }: Listing,
  signal: AbortSignal,
  { input }: ToolContext,
): AsyncGenerator<ItemEvent, ServerTool[]> {
  const item: McpListTools = {
    type: 'mcp_list_tools',
    id: newItemId('mcp_list_tools'),
    server_label: label,
    tools: [],
  };
  const at = { sequence_number: 0, output_index: 0 };
  const of = { ...at, item_id: item.id };
  const begin = function* (): Generator<ItemEvent> {
    yield { type: 'response.output_item.added', ...at, item };
    yield { type: 'response.mcp_list_tools.in_progress', ...of };
  };
  const before = input.findLast((one) => one.type === 'mcp_list_tools' && one.server_label === label);
  if (!before) yield* begin();
  try {
    const kept = isFresh ? undefined : lists.find(key);
    const all =
      kept ?? (await session.use(signal, async (open) => ({ tools: await open.list(signal), era: open.era })));
    if (!kept) lists.keep(key, all);
    const tools = all.tools.filter((tool) => allowed.every((filter) => names(filter, tool)));
    const listed = scrubbed(tools.map(asListed), scrub);
    if (before?.type === 'mcp_list_tools' && (await hashOf(before.tools)) === (await hashOf(listed))) return tools;
    if (before) yield* begin();
    yield { type: 'response.mcp_list_tools.completed', ...of };
    yield { type: 'response.output_item.done', ...at, item: { ...item, tools: listed, ...ending(listed) } };
    return tools;
  } catch (error) {
    signal.throwIfAborted();
    const { failure, why } = listingError(label, scrubbedError(error, scrub), hasToken);
    if (before) yield* begin();
    yield { type: 'response.mcp_list_tools.failed', ...of };
    yield { type: 'response.output_item.done', ...at, item: { ...item, error: scrub(why) } };
    throw failure;
  }
}

function asListed({ name, description, inputSchema, readOnly }: ServerTool): ListedTool {
  return { name, description, input_schema: inputSchema, annotations: { read_only: readOnly } };
}

/** An error for the log, whose words have no credentials. */
function scrubbedError(error: unknown, scrub: (text: string) => string): unknown {
  if (!(error instanceof Error)) return error;
  const words = scrub(error.message);
  if (words !== error.message) error.message = words; // that of a signal's reason cannot be set, and repeats nobody
  return error;
}

function unknownApproval(): ApiError {
  const message =
    'approval_request_id of an mcp_approval_response names an approval request that this server did not make.';
  return new ApiError('refused', message, { param: 'input' });
}
