import type { ModelCall } from '../backend/backend.ts';
import { ApiError, missing, unsupported } from '../errors.ts';
import { newId } from '../ids.ts';
import type { GivenItem, Item } from '../items/item.ts';
import { isDirective } from '../items/roles.ts';
import type { Response } from '../protocol/response.ts';
import { appliedOptions, givenOptions } from './cache-options.ts';
import { allows, checkChoice, reaching } from './choice.ts';
import { planCompaction } from './compact.ts';
import { Offer } from './deferred.ts';
import type { Heard } from './estimate.ts';
import { joinInput } from './input.ts';
import type { PromptedRequest } from './prompt.ts';
import { asHeard, instruct, toolSearch } from './tool-search.ts';
import { addedTools, type ServerTools, sortTools } from './tools.ts';
import { roomFor, truncate } from './truncate.ts';
import type { Turn } from './turn.ts';

/** Members whose issues are still open: anything but null, false, 0, `disabled` or an empty list would be ignored. */
const LATER = ['moderation', 'access_programs', 'image'] as const;

/** What was before a turn. */
export interface Before {
  items: readonly Item[];
  previous: string | null;
  conversation: { id: string } | null;
  /** What the turn itself has made, where it goes on. */
  made?: readonly Item[];
}

/** A request whose references to items are resolved. */
export type PlannedRequest = Omit<PromptedRequest, 'input' | 'model'> & {
  model: string;
  input?: string | GivenItem[] | null | undefined;
  /** Whether the input ended with a `compaction_trigger`. */
  compacts?: boolean;
  /** Ids in the input of items that the conversation holds, though they are not among what was before. */
  held?: readonly string[] | undefined;
};

/** The turn that a request asks for, of a model with this context if it is known; throws what cannot be honoured. */
export function planTurn(
  request: PlannedRequest,
  serverTools: ServerTools,
  before: Before,
  context: number | undefined,
): Turn {
  refuseLater(request);
  if (request.background && request.store === false) {
    throw new ApiError('invalid_value', 'background needs the response to be stored: store must not be false', {
      param: 'background',
    });
  }
  if (request.stream_options != null && !request.stream) {
    throw new ApiError('invalid_value', 'stream_options is only for stream: true', { param: 'stream_options' });
  }
  const { client, uses: served, echoed } = sortTools(request.tools ?? [], serverTools);
  if (request.input == null && before.previous === null && before.conversation === null) throw missing('input');
  const { own, whole } = joinInput(before.items, request.input ?? [], request.held);
  const added = addedTools([...whole, ...(before.made ?? [])], request, serverTools);
  const given = new Map([...client, ...added.tools]);
  const choice = request.tool_choice ?? 'auto';
  const offered = new Offer(given, added.found, (tool) => allows(choice, tool));
  const tools = [...offered.shown.keys()];
  const uses = offered.searches ? [...served, toolSearch(offered)] : served;
  checkChoice(choice, { shown: tools, given: [...given.keys()] }, uses);
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
  // Without being asked, or asked to decide by itself, the model is given the reasoning of all turns.
  const remembered = request.reasoning?.context === 'current_turn' ? 'current_turn' : 'all_turns';
  const cache = request.prompt_cache_options && givenOptions(request.prompt_cache_options);
  const wantsLogprobs = request.include?.includes('message.output_text.logprobs') || request.top_logprobs;
  const shared = {
    instructions: request.instructions ?? null,
    tool_choice: choice,
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    max_output_tokens: request.max_output_tokens ?? null,
  };
  const instructions = instruct(shared.instructions, offered);
  // A turn begins with the user's words, in whichever request they came: calls are answered within it.
  const begun = remembered === 'current_turn' ? whole.findLastIndex(isUsers) : 0;
  const heard = whole.filter((item, index) => !isDirective(item) && !(item.type === 'reasoning' && index < begun));
  const seen = asHeard(heard);
  const fit =
    request.truncation === 'auto'
      ? fitting(context, { instructions, tools, text }, shared.max_output_tokens)
      : undefined;
  const call: ModelCall = {
    ...shared,
    tool_choice: reaching(choice, offered.deferred.size > 0, added.found),
    model: request.model,
    instructions,
    input: fit ? fit(seen) : seen,
    tools,
    params: offered.shown,
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
  const response: Response = {
    id: newId('resp'),
    object: 'response',
    access_programs: null,
    created_at: Math.floor(Date.now() / 1000),
    completed_at: null,
    status: request.background ? 'queued' : 'in_progress',
    background: request.background ?? false,
    conversation: before.conversation && { id: before.conversation.id },
    error: null,
    incomplete_details: null,
    ...shared,
    max_tool_calls: request.max_tool_calls ?? null,
    metadata: request.metadata ?? {},
    model: request.model,
    moderation: null,
    output: [],
    previous_response_id: before.previous,
    prompt: request.prompt ?? null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    prompt_cache_retention: request.prompt_cache_retention ?? null,
    reasoning: { ...reasoning, context: remembered, ...(mode && { mode }) },
    safety_identifier: request.safety_identifier ?? null,
    service_tier: request.service_tier ?? 'auto',
    store: request.store ?? true,
    temperature: request.temperature ?? 1,
    text: { format: text.format, verbosity: text.verbosity ?? 'medium' },
    tools: echoed,
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? 1,
    truncation: request.truncation ?? 'disabled',
    usage: null,
    ...(cache && { prompt_cache_options: appliedOptions(cache) }),
    ...(request.user != null && { user: request.user }),
  };
  const all = offered.all;
  const most = offered.deferred.size > 0 ? { tools: [...all.keys()], params: all } : undefined;
  const compaction = planCompaction(request, call, context);
  const sealsReasoning = request.include?.includes('reasoning.encrypted_content') ?? false;
  return {
    response,
    input: own,
    call,
    uses,
    sealsReasoning,
    ...(most && { most }),
    ...(fit && { fit }),
    ...(compaction && { compaction }),
  };
}

/** What leaves the oldest of its items out where they do not fit beside what else the model reads. */
function fitting(context: number | undefined, heard: Omit<Heard, 'input'>, reply: number | null) {
  if (context === undefined) throw unsupported('truncation', 'needs the context of the model in the configuration');
  const room = roomFor(heard, context, reply);
  return (items: readonly Item[]) => truncate(items, room);
}

function isUsers(item: Item): boolean {
  return item.type === 'message' && item.role === 'user';
}

/** What the last of each setting in the course of the conversation says. */
function updates(items: readonly Item[]) {
  const changes = items.filter((item) => item.type === 'configuration_update');
  return {
    effort: changes.findLast(({ reasoning }) => reasoning?.effort)?.reasoning?.effort,
    format: changes.findLast(({ text }) => text)?.text?.format,
  };
}

function refuseLater(request: PlannedRequest): void {
  for (const name of LATER) {
    const value = request[name];
    if (value == null || value === false || (Array.isArray(value) && value.length === 0)) continue;
    throw unsupported(name);
  }
}
