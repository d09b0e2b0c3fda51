import type { ModelCall } from '../backend/backend.ts';
import type { Caller } from '../caller.ts';
import { ApiError, missing, unsupported } from '../errors.ts';
import { readLetter } from '../items/agent-message.ts';
import type { Item } from '../items/item.ts';
import { isDirective } from '../items/roles.ts';
import { recordOf } from '../items/views.ts';
import { shortened } from '../items/wire-name.ts';
import { fixedLimits } from '../limits.ts';
import type { ToolChoice } from '../protocol/tools.ts';
import type { RequestValues } from '../request-values.ts';
import { readApprovals } from './approvals.ts';
import { boundedTools, type ToolLimits } from './bounded-tools.ts';
import { presentOptions } from './cache-options.ts';
import { allows, checkChoice, withoutLeftOut, withSearch } from './choice.ts';
import { planCompaction } from './compact.ts';
import { afterCompaction, isCompaction, withSummaries } from './compaction.ts';
import type { History } from './history.ts';
import { joinInput } from './input.ts';
import { newResponse } from './new-response.ts';
import type { ResolvedRequest } from './request.ts';
import { checkForced, isForced } from './served-choice.ts';
import { deferredNames, ToolCatalog } from './tool-catalog.ts';
import { instruct, searchesAsCalls, toolSearch } from './tool-search.ts';
import { addedTools, offeredFunctions, type ServerTools, type SortedTools, sortTools } from './tools.ts';
import { roomFor, truncate } from './truncate.ts';
import type { Turn } from './turn.ts';

/** Members that are not supported yet. A value that asks for nothing is accepted. */
const UNSUPPORTED = ['moderation', 'access_programs', 'image'] as const;

/** The most types of hosted tools that are named as left out: any date makes another type of the same tool. */
const MAX_LEFT_OUT = 16;

/** What a plan needs beside request and history. */
export interface PlanOptions {
  tools: ServerTools;
  /** Who sends the request. */
  caller: Caller;
  limits: ToolLimits;
  /** The model's context in tokens, if configured. */
  context: number | undefined;
  /** What rules send on of the request. Absent where none does. */
  values?: RequestValues | undefined;
}

/**
 * Plans the turn of a request and its history; throws an ApiError for what cannot be honoured. Pure: except for new
 * ids and the time, the same arguments give the same plan, and none of them is changed.
 */
export function planTurn(
  request: ResolvedRequest,
  history: History,
  { tools: serverTools, caller, limits, context, values }: PlanOptions,
): Turn {
  checkRequest(request);
  const sorted = sortTools(request.tools ?? [], serverTools, { caller });
  if (request.input == null && history.previous === null && history.conversation === null) throw missing('input');
  const { own, whole } = joinInput(history.items, request.input ?? [], request.held, request.store !== false);
  const { resumed } = history;
  const output = resumed?.response.output ?? [];
  const tools = planTools(request, sorted, [...whole, ...output], serverTools, caller);
  const settings = settingsOf(request, whole);
  const call = callWithoutInput(request, settings, tools);
  const shortens = request.truncation === 'auto';
  const room = shortens && context !== undefined ? roomFor(call, context, call.max_output_tokens) : undefined;
  const { approved, items } = readApprovals(whole, own, labelsOf(request.tools ?? []));
  const modelItems = truncate(searchesAsCalls(itemsToRead(items, settings.reasoning.context)).map(asRead), room);
  const compaction = planCompaction(request, { ...call, input: modelItems }, context);
  const warmsUp = request.generate === false;
  if (warmsUp && compaction && !compaction.after) {
    throw unsupported('generate', 'must not be false where input ends with a compaction_trigger');
  }
  if (warmsUp && approved.length > 0) {
    throw unsupported('generate', 'must not be false where input approves a call, which runs in the same turn');
  }
  const summaryItem = output.find(isCompaction);
  const input = withSummaries(summaryItem ? afterCompaction([summaryItem], modelItems) : modelItems, history.summaries);
  return {
    response: resumed?.response ?? newResponse(request, history, { ...settings, tools: sorted.echoed }),
    input: own,
    modelItems,
    call: {
      ...call,
      input: resumed ? truncate([...input, ...resumed.newItems], room) : input,
      ...(values && { values }),
    },
    uses: warmsUp ? [] : boundedTools(tools.uses, limits),
    toolContext: { caller, input: whole, approved, include: request.include ?? [] },
    deferred: tools.deferred,
    ...(tools.forced && !warmsUp && { forced: tools.forced }),
    sealsReasoning: request.include?.includes('reasoning.encrypted_content') ?? false,
    ...(tools.all && { allTools: { tools: [...tools.all.keys()], params: tools.all } }),
    ...(room !== undefined && { room }),
    ...(shortens && { shortens }),
    ...(tools.leftOut.length > 0 && { leftOut: tools.leftOut }),
    ...(compaction && !summaryItem && !warmsUp && { compaction }),
    ...(resumed && { resumed }),
  };
}

/** Throws an ApiError for members that are not supported, or not beside one another. */
function checkRequest(request: ResolvedRequest): void {
  for (const name of UNSUPPORTED) {
    const value = request[name];
    if (value == null || value === false || (Array.isArray(value) && value.length === 0)) continue;
    throw unsupported(name);
  }
  if (request.background && request.store === false) {
    throw new ApiError('invalid_value', 'background needs the response to be stored: store must not be false', {
      param: 'background',
    });
  }
  if (request.stream_options != null && !request.stream) {
    throw new ApiError('invalid_value', 'stream_options is only for stream: true', { param: 'stream_options' });
  }
}

type PlannedTools = ReturnType<typeof planTools>;

/**
 * The tools that the model may call, those that `items` add included; `all`, if a search may load more. Throws an
 * ApiError for a choice of a tool that is not there.
 */
function planTools(
  request: ResolvedRequest,
  { client, named, uses: entryUses, leftOut: leftOutOfTools }: SortedTools,
  items: readonly Item[],
  serverTools: ServerTools,
  caller: Caller,
) {
  const added = addedTools(items, request, serverTools);
  const clientTools = new Map([...client, ...added.tools]);
  const serverUses = [...entryUses, ...offeredFunctions(serverTools, named, clientTools.keys(), caller)];
  const leftOut = [...new Set([...leftOutOfTools, ...added.leftOut])].slice(0, MAX_LEFT_OUT);
  const asked = choiceOf(request);
  const forced = isForced(asked) ? asked : undefined;
  if (forced) checkForced(forced, serverUses, serverTools);
  const choice = isForced(asked) ? 'auto' : withoutLeftOut(asked, leftOut, [...clientTools.keys()], serverUses);
  const catalog = new ToolCatalog(clientTools, added.fromSearch, (tool) => allows(choice, tool));
  const uses = catalog.searches ? [...serverUses, toolSearch(catalog)] : serverUses;
  checkChoice(choice, { callable: [...catalog.callable.keys()], all: [...clientTools.keys()] }, uses);
  const hasDeferred = catalog.deferred.size > 0;
  return {
    catalog,
    uses,
    forced,
    deferred: deferredNames(clientTools.keys()),
    choice: withSearch(choice, hasDeferred, added.fromSearch),
    all: hasDeferred ? catalog.all : undefined,
    leftOut,
  };
}

type Settings = ReturnType<typeof settingsOf>;

/** The settings of a turn, by its request and the configuration updates among its items. */
function settingsOf(request: ResolvedRequest, items: readonly Item[]) {
  const update = updates(items);
  const { reasoning, text } = request;
  return {
    shared: {
      instructions: request.instructions ?? null,
      tool_choice: choiceOf(request),
      parallel_tool_calls: request.parallel_tool_calls ?? true,
      max_output_tokens: request.max_output_tokens ?? null,
    },
    reasoning: {
      effort: update.effort ?? reasoning?.effort ?? null,
      summary: reasoning?.summary ?? reasoning?.generate_summary ?? null,
      // Default, and `auto`: the reasoning of all turns.
      context: reasoning?.context === 'current_turn' ? ('current_turn' as const) : ('all_turns' as const),
      ...(reasoning?.mode && { mode: reasoning.mode }),
    },
    text: {
      format: update.format ?? text?.format ?? { type: 'text' as const },
      verbosity: text?.verbosity ?? null,
    },
  };
}

/** The turn's model call, but for its input. */
function callWithoutInput(
  request: ResolvedRequest,
  { shared, reasoning, text }: Settings,
  { catalog, choice }: PlannedTools,
): Omit<ModelCall, 'input'> {
  const { effort, summary, mode } = reasoning;
  const wantsLogprobs = request.include?.includes('message.output_text.logprobs') || request.top_logprobs;
  const cache = request.prompt_cache_options && presentOptions(request.prompt_cache_options);
  return {
    ...shared,
    tool_choice: choice,
    parallel_tool_calls: request.parallel_tool_calls ?? null,
    model: request.model,
    instructions: instruct(shared.instructions, catalog),
    tools: [...catalog.callable.keys()],
    params: catalog.callable,
    truncation: request.truncation === 'auto' ? 'auto' : null,
    temperature: request.temperature ?? null,
    top_p: request.top_p ?? null,
    presence_penalty: request.presence_penalty ?? null,
    frequency_penalty: request.frequency_penalty ?? null,
    text,
    top_logprobs: wantsLogprobs ? (request.top_logprobs ?? 0) : null,
    reasoning: {
      effort,
      summary,
      ...(mode === 'pro' && { mode }),
      ...(request.reasoning?.context && { context: request.reasoning.context }),
    },
    hints: {
      user: request.user ?? null,
      safety_identifier: request.safety_identifier ?? null,
      prompt_cache_key: request.prompt_cache_key == null ? null : shortened(request.prompt_cache_key), // OpenAI's bound
      prompt_cache_options: cache ?? null,
      prompt_cache_retention: request.prompt_cache_retention ?? null,
      service_tier: request.service_tier ?? null,
    },
  };
}

/** The labels of a request's MCP servers; throws an ApiError for two with one, and for too many. */
function labelsOf(tools: readonly { type: string; [key: string]: unknown }[]): Set<unknown> {
  const labels = new Set<unknown>();
  for (const [index, { type, server_label: label }] of tools.entries()) {
    if (type !== 'mcp') continue;
    const param = `tools[${index}].server_label`;
    if (labels.has(label))
      throw new ApiError('invalid_value', `${param} is the label of an earlier MCP server`, { param });
    labels.add(label);
    if (labels.size > fixedLimits.mcpServers)
      throw new ApiError('invalid_value', `tools must not have more than ${fixedLimits.mcpServers} MCP servers`, {
        param: 'tools',
      });
  }
  return labels;
}

/** The items that the model reads: no directives, and under `current_turn` no reasoning of earlier turns. */
function itemsToRead(items: readonly Item[], reasoning: 'current_turn' | 'all_turns'): Item[] {
  // The current turn begins at the latest user message, in whichever request: tool outputs continue a turn.
  const turnStart = reasoning === 'current_turn' ? items.findLastIndex(isUsers) : 0;
  return items.filter((item, index) => !isDirective(item) && !(item.type === 'reasoning' && index < turnStart));
}

/**
 * An agent's message as the user's message that a model reads, and what a hosted tool did as its own; one that a server
 * sealed stays as it is, for that server.
 */
function asRead(item: Item): Item {
  if (item.type === 'agent_message') return readLetter(item) ?? item;
  const text = recordOf(item);
  if (text === undefined) return item;
  const content = [{ type: 'output_text' as const, text, annotations: [], logprobs: [] }];
  return { type: 'message', id: item.id, role: 'assistant', status: 'completed', content };
}

function choiceOf({ tool_choice }: ResolvedRequest): ToolChoice {
  return tool_choice ?? 'auto';
}

function isUsers(item: Item): boolean {
  return item.type === 'message' && item.role === 'user';
}

/** The latest configuration_update of each setting. */
function updates(items: readonly Item[]) {
  const changes = items.filter((item) => item.type === 'configuration_update');
  return {
    effort: changes.findLast(({ reasoning }) => reasoning?.effort)?.reasoning?.effort,
    format: changes.findLast(({ text }) => text)?.text?.format,
  };
}
