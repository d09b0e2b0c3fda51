import { endless } from '../../errors.ts';
import type { ItemWriter } from '../../events/item-writer.ts';
import { parseObject } from '../../parse-json.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { object, objects, text } from '../server/json-fields.ts';
import { backendSeal } from '../server/seal.ts';

// What servers want back unchanged in later turns, with the message or the call that it came with: OpenRouter's
// `reasoning_details` (https://openrouter.ai/docs/use-cases/reasoning-tokens), Copilot's `reasoning_opaque`, and the signatures
// in Gemini's `extra_content`, without which it refuses the next turn (https://ai.google.dev/gemini-api/docs/thought-signatures).

/** State of a turn's message, by the names that servers have for it. */
export interface MessageState {
  reasoning_details?: JsonObject[];
  reasoning_opaque?: string;
  extra_content?: JsonObject;
}

/** What came with a call, by the names that servers have for it, and what stood in its `function`. */
interface CallMembers {
  extra_content?: unknown;
  provider_specific_fields?: unknown;
  thought_signature?: unknown;
  function?: Omit<CallMembers, 'function'>;
}

/** State of a call: the call's id, its place among the calls of its turn, and what came with it. */
interface CallState extends CallMembers {
  id: string;
  at: number;
}

/** The members of a call that are its state: LiteLLM (https://docs.litellm.ai/docs/providers/gemini) and others rename Gemini's. */
const CALL_STATE = ['extra_content', 'provider_specific_fields', 'thought_signature'] as const;

/** Whether a member of a call, or of its `function`, is state that goes back. */
export function isState(name: string): boolean {
  return CALL_STATE.some((member) => member === name);
}

/** What one reasoning item carries: state, the server that gave it, and the reasoning as text, since some clients send back nothing else. */
interface Sealed {
  server: string;
  text: string;
  message: MessageState;
  calls: CallState[];
}

/** The most state of one reply, as JSON in characters: a thousand times a signature, and less than a reply may have. */
const MAX_STATE = 4_000_000;

const { seal, open } = backendSeal('chat');

/** Collects the state in one reply, and writes it as the sealed content of reasoning items. */
export class OpaqueState {
  readonly #server: string;
  #message: MessageState = {};
  #calls: CallState[] = [];
  #callCount = 0;
  #size = 0;
  #isPending = false;

  /** For a reply of the server with this id. */
  constructor(server: string) {
    this.#server = server;
  }

  /**
   * Takes in the state of a delta that is about to be written, and writes what came so far with the reasoning that the delta
   * ends, or before the first call. Throws an ApiError for more than a turn may have.
   */
  before(delta: JsonObject, writer: ItemWriter): void {
    const { reasoning_details, reasoning_opaque, extra_content, tool_calls } = delta;
    if (reasoning_details || reasoning_opaque || extra_content) this.#takeIn(delta);
    const isFirst = this.#callCount === 0;
    if (tool_calls) for (const call of objects(tool_calls)) this.#takeCall(call);
    // Between calls it would end one that is not complete, and in a text it would part it: then it waits for the end.
    if (!this.#isPending || !isFirst) return;
    if (this.#callCount > 0 || (delta.content && writer.thought !== undefined)) this.#write(writer);
  }

  /** Closes the open item, and writes what is left. */
  end(writer: ItemWriter, status: 'completed' | 'incomplete'): void {
    if (this.#isPending && writer.thought !== undefined) this.#write(writer);
    writer.close(status);
    if (this.#isPending) this.#write(writer);
    writer.close('completed');
  }

  #takeIn({ reasoning_details, reasoning_opaque, extra_content }: JsonObject): void {
    const message = this.#message;
    for (const detail of objects(reasoning_details)) {
      message.reasoning_details ??= [];
      addDetail(message.reasoning_details, detail);
      this.#count(detail);
    }
    if (text(reasoning_opaque)) {
      message.reasoning_opaque = text(reasoning_opaque);
      this.#count(reasoning_opaque);
    }
    // Gemini marks texts as thoughts by it as well.
    if (isObject(extra_content) && hasSignature(extra_content)) {
      message.extra_content = { ...message.extra_content, ...extra_content };
      this.#count(extra_content);
    }
  }

  #takeCall(call: JsonObject): void {
    if (text(object(call.function).name)) this.#callCount++;
    const members = membersIn(call);
    if (!members) return;
    this.#calls.push({ id: text(call.id), at: Math.max(0, this.#callCount - 1), ...members });
    this.#count(members);
  }

  #count(value: unknown): void {
    this.#isPending = true;
    this.#size += JSON.stringify(value).length;
    if (this.#size > MAX_STATE) throw endless(`${MAX_STATE} characters of state`);
  }

  #write(writer: ItemWriter): void {
    const sealed: Sealed = {
      server: this.#server,
      text: writer.thought ?? '',
      message: this.#message,
      calls: this.#calls,
    };
    writer.seal(seal(JSON.stringify(sealed)));
    this.#message = {};
    this.#calls = [];
    this.#isPending = false;
  }
}

/** The state in a call; undefined where it has none. */
function membersIn(call: JsonObject): CallMembers | undefined {
  const [own, inner] = [stateIn(call), isObject(call.function) ? stateIn(call.function) : undefined];
  return own || inner ? { ...own, ...(inner && { function: inner }) } : undefined;
}

function stateIn(part: JsonObject): JsonObject | undefined {
  let state: JsonObject | undefined;
  for (const name of CALL_STATE) {
    const value = part[name];
    if (isObject(value) || (typeof value === 'string' && value !== '')) state = { ...state, [name]: value };
  }
  return state;
}

/** Adds a detail, or its text to the last one if it goes on with that. */
function addDetail(details: JsonObject[], detail: JsonObject): void {
  const last = details.at(-1);
  const kind = 'summary' in detail ? 'summary' : 'text';
  const goesOn = last && last.type === detail.type && last.index === detail.index && typeof last[kind] === 'string';
  if (!goesOn || 'data' in detail) {
    details.push({ ...detail });
    return;
  }
  for (const [name, value] of Object.entries(detail)) {
    if (name === kind) last[name] = text(last[name]) + text(value);
    else if (value != null) last[name] = value;
  }
}

function hasSignature(extra: JsonObject): boolean {
  return Object.values(extra).some((of) => isObject(of) && 'thought_signature' in of);
}

/** The state of a turn that goes back to its server. */
export interface TurnState {
  /** The reasoning of each item in the order of the items; empty for one that carries none. */
  texts: string[];
  message: MessageState;
  /** The state of each call, in the order of the calls. */
  calls: (CallMembers | undefined)[];
}

/** The state that a turn's reasoning items carry of the server with this id, for the turn's message and its calls. */
export function stateOf(
  items: readonly { encrypted_content?: string | null }[],
  calls: readonly { id: string }[],
  server: string,
): TurnState {
  const sealed = items.map(({ encrypted_content }) => unseal(encrypted_content, server));
  const message: MessageState = {};
  const details: JsonObject[][] = [];
  const ofCalls: TurnState['calls'] = calls.map(() => undefined);
  const numbers = new Map(calls.map(({ id }, at) => [id, at] as const).reverse()); // the first of an id counts
  for (const state of sealed) {
    if (!state) continue;
    const { reasoning_details, ...rest } = state.message;
    Object.assign(message, rest);
    if (reasoning_details) details.push(reasoning_details);
    for (const { id, at, ...members } of state.calls) {
      // By its place where the id was replaced, or the call is one that ran here.
      const known = numbers.get(id);
      const number = known !== undefined && !ofCalls[known] ? known : at;
      if (number in ofCalls) ofCalls[number] ??= members;
    }
  }
  return {
    texts: sealed.map((state) => state?.text ?? ''),
    message: { ...message, ...(details.length > 0 && { reasoning_details: details.flat() }) },
    calls: ofCalls,
  };
}

function unseal(content: string | null | undefined, server: string): Sealed | undefined {
  const json = open(content);
  const sealed = json && parseObject(json);
  if (!sealed || sealed.server !== server) return undefined; // another's, or broken by whoever sent it
  const { reasoning_details, reasoning_opaque, extra_content } = object(sealed.message);
  return {
    server,
    text: text(sealed.text),
    message: {
      ...(Array.isArray(reasoning_details) && { reasoning_details: objects(reasoning_details) }),
      ...(text(reasoning_opaque) && { reasoning_opaque: text(reasoning_opaque) }),
      ...(isObject(extra_content) && { extra_content }),
    },
    calls: objects(sealed.calls).flatMap((call) => {
      const members = membersIn(call);
      return members ? [{ id: text(call.id), at: typeof call.at === 'number' ? call.at : 0, ...members }] : [];
    }),
  };
}
