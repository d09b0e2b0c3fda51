import { ApiError } from '../../errors.ts';
import type { Item } from '../../items/item.ts';
import type { Usage } from '../../protocol/response.ts';
import type { FunctionTool } from '../../protocol/tools.ts';
import type { Backend, BackendEvent, ModelCall, PreparedCall, ServerProfile } from '../backend.ts';

/** A backend under test, with calls that exercise its promises. */
export interface BackendSubject {
  backend: Backend;
  /** What is known of the server that it is tried on. */
  profile: ServerProfile;
  /** Calls that end well, each in its own way: texts, reasoning, calls of functions at once. */
  good: readonly ModelCall[];
  /** A call whose model thinks aloud and calls two functions at once, each time in the same words. */
  talkative: ModelCall;
  /** A call whose stream starts and then does not end. */
  endless: ModelCall;
  /** Calls whose reply is more than is read, though it ends well: an event of more than 16 MiB, more calls than a turn may have. */
  excessive: readonly ModelCall[];
  /** A call that fails; null when it cannot. */
  failing: ModelCall | null;
  /** A call whose stream ends as any does, but before what ends an answer in the protocol; null where there is no stream. */
  brokenOff: ModelCall | null;
  /** A call whose answer ends well, and whose server then keeps the connection open. Default: none. */
  leftOpen?: ModelCall;
  /** A call whose answer its server gives up in the protocol's own way, in the middle of the arguments of a function. Default: none. */
  gaveUp?: ModelCall;
  /** A call whose answer stops in its text for all tokens are used. */
  cut: ModelCall;
  /** A call, and the usage that its server tells, with each count that the protocol has; null where it has none. */
  counted: { call: ModelCall; usage: Usage } | null;
  /** What it lists. */
  models: readonly string[];
  /** The hints that its protocol has no place for; each of the others is to be carried. Default: none. */
  withoutHints?: readonly (keyof ModelCall['hints'])[];
  /** Null for a backend without a server. */
  server: {
    /**
     * What it has got for a model, in its order: the bodies, and with each what of a call stands elsewhere, in the path or a
     * header. A model whose name stands in the path is told by that.
     */
    sent(model: string): readonly unknown[];
    /** Resolves when the connection of a model's last call has closed. */
    closed(model: string): Promise<void>;
  } | null;
  close(): Promise<void>;
}

/** The profile of an unknown server. */
export const anyServer: ServerProfile = { isOpenAI: false, grammars: 'refuse' };

/** A message as it is kept. */
export function userMessage(text: string): Item {
  const content = [{ type: 'input_text' as const, text }];
  return { type: 'message', id: 'msg_1', role: 'user', status: 'completed', content };
}

/** A function that takes any object. */
export function functionTool(name: string): FunctionTool {
  return { type: 'function', name, parameters: { type: 'object', properties: {} } };
}

/** A call with the API's defaults. */
export function modelCall(members: Partial<ModelCall> = {}): ModelCall {
  return {
    model: 'any',
    instructions: null,
    input: [userMessage('Hello')],
    tools: [],
    params: new Map(),
    tool_choice: 'auto',
    parallel_tool_calls: true,
    temperature: null,
    truncation: null,
    presence_penalty: null,
    frequency_penalty: null,
    top_p: null,
    max_output_tokens: null,
    text: { format: { type: 'text' }, verbosity: null },
    top_logprobs: null,
    reasoning: { effort: null, summary: null },
    hints: {
      user: null,
      safety_identifier: null,
      prompt_cache_key: null,
      prompt_cache_options: null,
      prompt_cache_retention: null,
      service_tier: null,
    },
    ...members,
  };
}

const never = new AbortController().signal;

/** Prepares a call; throws where that gives a promise, in which a refusal would come too late. */
export function prepare({ backend, profile }: BackendSubject, call: ModelCall): PreparedCall {
  const prepared: PreparedCall | Promise<unknown> = backend.prepare(call, profile);
  if (!(prepared instanceof Promise)) return prepared;
  prepared.catch(() => {}); // told below
  throw new Error('prepare gives a promise, and has to give a call or throw at once');
}

/** Prepares a call and streams it. */
export function start(
  subject: BackendSubject,
  call: ModelCall,
  signal: AbortSignal = never,
): AsyncIterable<BackendEvent> {
  return prepare(subject, call).stream(signal);
}

/** All events of a call. */
export async function eventsOf(subject: BackendSubject, call: ModelCall): Promise<BackendEvent[]> {
  const events: BackendEvent[] = [];
  for await (const event of start(subject, call)) events.push(event);
  return events;
}

/** Whether what an error names is one of these fields, or in one. */
export function isNamed({ param }: ApiError, fields: readonly string[]): boolean {
  return fields.some((field) => param === field || param?.startsWith(`${field}[`));
}

/** Whether a call cannot be carried for one of these fields. */
export function isRefused(subject: BackendSubject, call: ModelCall, fields: readonly string[]): boolean {
  try {
    prepare(subject, call);
    return false;
  } catch (error) {
    return error instanceof ApiError && isNamed(error, fields);
  }
}
