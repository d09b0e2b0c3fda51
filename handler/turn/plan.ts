import type { ModelCall } from '../backend/backend.ts';
import { ApiError, missing, unsupported } from '../errors.ts';
import type { Item } from '../items/item.ts';
import { isDirective } from '../items/roles.ts';
import { presentOptions } from './cache-options.ts';
import { allows, checkChoice, withSearch } from './choice.ts';
import { planCompaction } from './compact.ts';
import { afterCompaction, isCompaction, withSummaries } from './compaction.ts';
import type { ModelInput } from './estimate.ts';
import type { History } from './history.ts';
import { joinInput } from './input.ts';
import { newResponse, type PlannedFields } from './new-response.ts';
import type { ResolvedRequest } from './request.ts';
import { ToolCatalog } from './tool-catalog.ts';
import { instruct, searchesAsCalls, toolSearch } from './tool-search.ts';
import { addedTools, type ServerTools, sortTools } from './tools.ts';
import { roomFor, truncate } from './truncate.ts';
import type { Turn } from './turn.ts';

/** Members that are not supported yet. A value that asks for nothing is accepted. */
const UNSUPPORTED = ['moderation', 'access_programs', 'image'] as const;

/** What a plan needs beside request and history. */
export interface PlanOptions {
  tools: ServerTools;
  /** The model's context in tokens, if configured. */
  context: number | undefined;
}

/**
 * Plans the turn of a request and its history; throws an ApiError for what cannot be honoured. Pure: except for new
 * ids and the time, the same arguments give the same plan, and none of them is changed.
 */
export function planTurn(
  request: ResolvedRequest,
  history: History,
  { tools: serverTools, context }: PlanOptions,
): Turn {
  refuseUnsupported(request);
  if (request.background && request.store === false) {
    throw new ApiError('invalid_value', 'background needs the response to be stored: store must not be false', {
      param: 'background',
    });
  }
  if (request.stream_options != null && !request.stream) {
    throw new ApiError('invalid_value', 'stream_options is only for stream: true', { param: 'stream_options' });
  }
  const { client, uses: serverUses, echoed } = sortTools(request.tools ?? [], serverTools);
  if (request.input == null && history.previous === null && history.conversation === null) throw missing('input');
  const { own, whole } = joinInput(history.items, request.input ?? [], request.held);
  const { resumed } = history;
  const output = resumed?.response.output ?? [];
  const added = addedTools([...whole, ...output], request, serverTools);
  const clientTools = new Map([...client, ...added.tools]);
  const choice = request.tool_choice ?? 'auto';
  const catalog = new ToolCatalog(clientTools, added.fromSearch, (tool) => allows(choice, tool));
  const tools = [...catalog.callable.keys()];
  const uses = catalog.searches ? [...serverUses, toolSearch(catalog)] : serverUses;
  checkChoice(choice, { callable: tools, all: [...clientTools.keys()] }, uses);
  const update = updates(whole);
  const text = {
    format: update.format ?? request.text?.format ?? { type: 'text' as const },
    verbosity: request.text?.verbosity ?? null,
  };
  const reasoning = {
    effort: update.effort ?? request.reasoning?.effort ?? null,
    summary: request.reasoning?.summary ?? request.reasoning?.generate_summary ?? null,
  };
  const mode = request.reasoning?.mode;
  // Default, and `auto`: the reasoning of all turns.
  const remembered = request.reasoning?.context === 'current_turn' ? 'current_turn' : 'all_turns';
  const cache = request.prompt_cache_options && presentOptions(request.prompt_cache_options);
  const wantsLogprobs = request.include?.includes('message.output_text.logprobs') || request.top_logprobs;
  const shared = {
    instructions: request.instructions ?? null,
    tool_choice: choice,
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    max_output_tokens: request.max_output_tokens ?? null,
  };
  const instructions = instruct(shared.instructions, catalog);
  // The current turn begins at the latest user message, in whichever request: tool outputs continue a turn.
  const turnStart = remembered === 'current_turn' ? whole.findLastIndex(isUsers) : 0;
  const modelItems = whole.filter(
    (item, index) => !isDirective(item) && !(item.type === 'reasoning' && index < turnStart),
  );
  const room =
    request.truncation === 'auto'
      ? roomIn(context, { instructions, tools, text }, shared.max_output_tokens)
      : undefined;
  const fittingItems = truncate(searchesAsCalls(modelItems), room);
  const sealedCall: ModelCall = {
    ...shared,
    tool_choice: withSearch(choice, catalog.deferred.size > 0, added.fromSearch),
    model: request.model,
    instructions,
    input: fittingItems,
    tools,
    params: catalog.callable,
    temperature: request.temperature ?? null,
    top_p: request.top_p ?? null,
    text,
    top_logprobs: wantsLogprobs ? (request.top_logprobs ?? 0) : null,
    reasoning: { ...reasoning, ...(mode === 'pro' && { mode }) },
    hints: {
      user: request.user ?? null,
      safety_identifier: request.safety_identifier ?? null,
      prompt_cache_key: request.prompt_cache_key ?? null,
      prompt_cache_options: cache ?? null,
      prompt_cache_retention: request.prompt_cache_retention ?? null,
      service_tier: request.service_tier ?? null,
    },
  };
  const compaction = planCompaction(request, sealedCall, context);
  const warmsUp = request.generate === false;
  if (warmsUp && compaction?.only) {
    throw unsupported('generate', 'must not be false where input ends with a compaction_trigger');
  }
  const summaryItem = output.find(isCompaction);
  const input = withSummaries(
    summaryItem ? afterCompaction([summaryItem], fittingItems) : fittingItems,
    history.summaries,
  );
  const all = catalog.all;
  const fields: PlannedFields = {
    shared,
    reasoning: { ...reasoning, context: remembered, ...(mode && { mode }) },
    text,
    tools: echoed,
  };
  return {
    response: resumed?.response ?? newResponse(request, history, fields),
    input: own,
    modelItems: fittingItems,
    call: { ...sealedCall, input: resumed ? truncate([...input, ...resumed.newItems], room) : input },
    uses: warmsUp ? [] : uses,
    sealsReasoning: request.include?.includes('reasoning.encrypted_content') ?? false,
    ...(catalog.deferred.size > 0 && { allTools: { tools: [...all.keys()], params: all } }),
    ...(room !== undefined && { room }),
    ...(compaction && !summaryItem && !warmsUp && { compaction }),
    ...(resumed && { resumed }),
  };
}

/** The tokens left for items under truncation `auto`. */
function roomIn(context: number | undefined, modelInput: Omit<ModelInput, 'input'>, reply: number | null): number {
  if (context === undefined) throw unsupported('truncation', 'needs the context of the model in the configuration');
  return roomFor(modelInput, context, reply);
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

function refuseUnsupported(request: ResolvedRequest): void {
  for (const name of UNSUPPORTED) {
    const value = request[name];
    if (value == null || value === false || (Array.isArray(value) && value.length === 0)) continue;
    throw unsupported(name);
  }
}
