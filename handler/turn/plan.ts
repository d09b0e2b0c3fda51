import type { ModelCall } from '../backend/backend.ts';
import { ApiError, missing, unsupported } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Item } from '../protocol/items.ts';
import type { CreateRequest } from '../protocol/request.ts';
import type { Response } from '../protocol/response.ts';
import { Offer } from './deferred.ts';
import { joinInput } from './input.ts';
import type { GivenItem } from './items.ts';
import { asHeard, instruct, toolSearch } from './tool-search.ts';
import { addedTools, checkChoice, type ServerTools, sortTools } from './tools.ts';
import { tokensOf, truncate } from './truncate.ts';
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
export type PlannedRequest = Omit<CreateRequest, 'input' | 'model'> & {
  model: string;
  input?: string | GivenItem[] | null | undefined;
  /** Whether the input ended with a `compaction_trigger`. */
  compacts?: boolean;
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
  const { client, uses: served, echoed } = sortTools(request.tools ?? [], serverTools);
  if (request.input == null && before.previous === null && before.conversation === null) throw missing('input');
  const { own, whole } = joinInput(before.items, request.input ?? []);
  const added = addedTools([...whole, ...(before.made ?? [])], request.input, serverTools);
  const offered = new Offer(new Map([...client, ...added.tools]), added.found);
  const tools = [...offered.shown.keys()];
  const uses = offered.searches ? [...served, toolSearch(offered)] : served;
  const choice = request.tool_choice ?? 'auto';
  checkChoice(choice, tools, uses);
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
  const wantsLogprobs = request.include?.includes('message.output_text.logprobs') || request.top_logprobs;
  const shared = {
    instructions: request.instructions ?? null,
    tool_choice: choice,
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    max_output_tokens: request.max_output_tokens ?? null,
  };
  const earlier = new Set(request.reasoning?.context === 'current_turn' ? before.items : []);
  const instructions = instruct(shared.instructions, offered);
  const seen = asHeard(whole).filter((item) => isSaid(item) && !(item.type === 'reasoning' && earlier.has(item)));
  const call: ModelCall = {
    ...shared,
    model: request.model,
    instructions,
    input: request.truncation === 'auto' ? truncate(seen, context, instructions, shared.max_output_tokens) : seen,
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
      prompt_cache_options: request.prompt_cache_options ?? null,
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
    reasoning: { ...reasoning, ...(mode && { mode }) },
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
    ...(request.prompt_cache_options != null && { prompt_cache_options: request.prompt_cache_options }),
    ...(request.user != null && { user: request.user }),
  };
  const compaction = planCompaction(request, call, context);
  return { response, input: own, call, uses, ...(compaction && { compaction }) };
}

/** What part of its model's context a conversation may take before it is compacted, where the client does not say. */
const COMPACT_AT = 0.8;

/** Whether a turn sums up what was said: because it was asked to, or since that has grown too long. Throws for what is wrong. */
function planCompaction(
  { compacts, context_management }: PlannedRequest,
  call: ModelCall,
  context: number | undefined,
): Turn['compaction'] {
  if (compacts) {
    if (call.input.length > 0) return { only: true, context };
    throw new ApiError('invalid_value', 'input has nothing that could be compacted', { param: 'input' });
  }
  for (const [index, { compact_threshold }] of (context_management ?? []).entries()) {
    const param = `context_management[${index}].compact_threshold`;
    const most = compact_threshold ?? (context && context * COMPACT_AT);
    if (most === undefined) throw unsupported(param, 'is needed, since the context of the model is not configured');
    if (tokensOf([call.instructions, call.input, call.tools]) > most) return { only: false, context };
  }
  return undefined;
}

/** Whether an item says something to the model, and does not only change how it is called. */
function isSaid({ type }: Item): boolean {
  return type !== 'additional_tools' && type !== 'configuration_update';
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
