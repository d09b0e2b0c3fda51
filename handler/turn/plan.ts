import type { ModelCall } from '../backend/backend.ts';
import { ApiError, missing, unsupported } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Item } from '../protocol/items.ts';
import type { CreateRequest } from '../protocol/request.ts';
import type { EchoedTool, Response } from '../protocol/response.ts';
import { FunctionTool } from '../protocol/tools.ts';
import type { Tool, ToolUse } from '../tool/tool.ts';
import { check } from '../validate.ts';
import { joinInput } from './input.ts';
import type { Turn } from './turn.ts';

/** Members whose issues are still open: anything but null, false, 0, `disabled` or an empty list would be ignored. */
const LATER = [
  'background',
  'include',
  'prompt',
  'context_management',
  'max_tool_calls',
  'moderation',
  'access_programs',
  'image',
] as const;

/** What was before a turn. */
export interface Before {
  items: readonly Item[];
  previous: string | null;
  conversation: { id: string } | null;
}

/** The turn that a request asks for; throws what cannot be honoured. */
export function planTurn(request: CreateRequest, registered: ReadonlyMap<string, Tool>, before: Before): Turn {
  refuseLater(request);
  const { functions, uses, echoed } = sortTools(request.tools ?? [], registered);
  const choice = request.tool_choice ?? 'auto';
  checkChoice(choice, functions, uses);
  if (request.input == null && before.previous === null && before.conversation === null) throw missing('input');
  const { own, whole } = joinInput(before.items, request.input ?? []);
  const text = {
    format: request.text?.format ?? { type: 'text' as const },
    verbosity: request.text?.verbosity ?? null,
  };
  const shared = {
    instructions: request.instructions ?? null,
    tool_choice: choice,
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    max_output_tokens: request.max_output_tokens ?? null,
  };
  const call: ModelCall = {
    ...shared,
    model: request.model,
    input: whole,
    tools: functions,
    temperature: request.temperature ?? null,
    top_p: request.top_p ?? null,
    text,
    reasoning: { effort: request.reasoning?.effort ?? null },
    hints: {
      user: request.user ?? null,
      safety_identifier: request.safety_identifier ?? null,
      prompt_cache_key: request.prompt_cache_key ?? null,
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
    status: 'in_progress',
    background: false,
    conversation: before.conversation && { id: before.conversation.id },
    error: null,
    incomplete_details: null,
    ...shared,
    max_tool_calls: null,
    metadata: request.metadata ?? {},
    model: request.model,
    moderation: null,
    output: [],
    previous_response_id: before.previous,
    prompt: null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    prompt_cache_retention: request.prompt_cache_retention ?? null,
    reasoning: { effort: request.reasoning?.effort ?? null, summary: request.reasoning?.summary ?? null },
    safety_identifier: request.safety_identifier ?? null,
    service_tier: request.service_tier ?? 'auto',
    store: request.store ?? true,
    temperature: request.temperature ?? 1,
    text: { format: text.format, verbosity: text.verbosity ?? 'medium' },
    tools: echoed,
    top_logprobs: 0,
    top_p: request.top_p ?? 1,
    truncation: 'disabled',
    usage: null,
    ...(request.user != null && { user: request.user }),
  };
  return { response, input: own, call, uses };
}

function refuseLater(request: CreateRequest): void {
  for (const name of LATER) {
    const value = request[name];
    if (value == null || value === false || (Array.isArray(value) && value.length === 0)) continue;
    throw unsupported(name);
  }
  if (request.truncation === 'auto') throw unsupported('truncation', 'may only be "disabled"');
  if (request.top_logprobs) throw unsupported('top_logprobs', 'may only be 0');
}

function sortTools(tools: NonNullable<CreateRequest['tools']>, registered: ReadonlyMap<string, Tool>) {
  const functions: FunctionTool[] = [];
  const uses: ToolUse[] = [];
  const echoed: EchoedTool[] = [];
  for (const [index, entry] of tools.entries()) {
    const param = `tools[${index}]`;
    const tool = registered.get(entry.type);
    if (entry.type === 'function') {
      const fn = check(FunctionTool, entry, param);
      if (functions.some(({ name }) => name === fn.name)) {
        throw new ApiError('invalid_value', `${param}.name is the name of an earlier function`, {
          param: `${param}.name`,
        });
      }
      functions.push(fn);
      echoed.push({
        ...fn,
        description: fn.description ?? null,
        parameters: fn.parameters ?? null,
        strict: fn.strict ?? false,
      });
    } else if (tool) {
      uses.push({ tool, config: tool.parse(entry, param) });
      echoed.push(entry);
    } else throw unsupported(`${param}.type`, 'is not a type of tool that this server supports');
  }
  return { functions, uses, echoed };
}

function checkChoice(
  choice: ModelCall['tool_choice'],
  functions: readonly FunctionTool[],
  uses: readonly ToolUse[],
): void {
  const param = 'tool_choice';
  if (choice === 'required' && functions.length + uses.length === 0) {
    throw new ApiError('invalid_value', 'tool_choice is "required" but tools names none', { param });
  }
  if (typeof choice === 'object' && !functions.some(({ name }) => name === choice.name)) {
    throw new ApiError('invalid_value', 'tool_choice names a function that is not in tools', { param });
  }
}
