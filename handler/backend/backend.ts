import type { ItemEvent } from '../events/events.ts';
import type { Item } from '../items/item.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { IncompleteReason, ServiceTier, Usage } from '../protocol/response.ts';
import type { CallChoice, ClientTool, TextFormat } from '../protocol/tools.ts';
import type { RequestValues } from '../request-values.ts';
import type { TraceHeaders } from '../trace-headers.ts';

/** One call of the model, in the API's own terms; null means "the backend's default". */
export interface ModelCall {
  model: string;
  instructions: string | null;
  input: readonly Item[];
  tools: readonly ClientTool[];
  /** The request field of each tool, for errors. A tool of an earlier turn has none. */
  params: ReadonlyMap<ClientTool, string>;
  tool_choice: CallChoice;
  parallel_tool_calls: boolean | null;
  temperature: number | null;
  top_p: number | null;
  presence_penalty: number | null;
  frequency_penalty: number | null;
  max_output_tokens: number | null;
  /** `auto` where the server may leave out what does not fit, if it knows how; whoever calls does it else. */
  truncation: 'auto' | null;
  text: { format: TextFormat; verbosity: string | null };
  /** Alternatives per token, with log probabilities; null for no log probabilities. */
  top_logprobs: number | null;
  reasoning: {
    effort: string | null;
    summary: string | null;
    mode?: 'pro';
    /** What the client said of the reasoning of earlier turns; the input is already without what it excludes. */
    context?: 'auto' | 'current_turn' | 'all_turns';
  };
  /**
   * What changes no answer, and clients send unasked: passed on where the protocol has a place for the value, left out
   * elsewhere, and never refused.
   */
  hints: {
    user: string | null;
    safety_identifier: string | null;
    prompt_cache_key: string | null;
    prompt_cache_options: JsonObject | null;
    prompt_cache_retention: string | null;
    service_tier: string | null;
  };
  /** What the rules of the configuration (`send.set`, `send.headers`) send on of the client's request. Absent where none does. */
  values?: RequestValues | undefined;
}

/** The end of a model call. The reason is `stop` for tool calls too. */
export interface Finish {
  type: 'finish';
  reason: 'stop' | IncompleteReason;
  /** Null when the backend did not say. */
  usage: Usage | null;
  /** How the server has served the call, where it said. */
  tier?: ServiceTier | undefined;
  /** The model that has served it, as its server names it; empty or absent where it did not say. */
  served?: string | undefined;
  /** The text at which the call was ended here: no backend says so. */
  stopped?: string | undefined;
  /** Tokens, by an estimate, of another call of the turn that failed and was not counted: no backend says so. */
  lost?: { input: number; output: number } | undefined;
}

/** A sign of life: bytes came that yield no event yet. Resets the idle timer. */
export interface KeepAlive {
  type: 'keep_alive';
}

/** What a call of a model yields. */
export type BackendEvent = ItemEvent | KeepAlive | Finish;

/** How grammars of custom tools are handled, since a function cannot enforce them: refused, or described to the model. */
export type Grammars = 'refuse' | 'describe';

/** What the configuration says of the requests to a server, over all that is known of it. Members have the names of its protocol. */
export interface SendRules {
  /** Members that are left out. */
  omit?: readonly string[] | undefined;
  /** Members that are sent, though the server is held not to read them. */
  keep?: readonly string[] | undefined;
  /** Members that are sent under other names. */
  rename?: Readonly<Record<string, string>> | undefined;
  /** Members that are set, by their paths, after all that is left out and renamed. */
  set?: Readonly<Record<string, unknown>> | undefined;
  /** Where system messages may stand: only one, in front, or anywhere. */
  systemMessages?: 'first' | 'anywhere' | undefined;
  /** Whether the `content` of a chat message that holds only calls may be null, and not an empty text. */
  nullContent?: boolean | undefined;
  /** Whether parallel calls are asked for where the client has not said. */
  parallelToolCalls?: boolean | undefined;
  /** Whether functions are asked to be strict where the client has not said. */
  strictTools?: boolean | undefined;
  /** Whether calls may be texts: one that has to be made is asked for as JSON of a schema, and what is written so is a call. */
  writtenCalls?: boolean | undefined;
}

/** The profile of a model server. A backend decides by it what to send and what to refuse. */
export interface ServerProfile {
  /** Whether it is OpenAI's own, which refuses unknown members that others ignore. */
  isOpenAI: boolean;
  grammars: Grammars;
  /** Its name in the table of known servers, where the configuration or its host tells. */
  server?: string | undefined;
  send?: SendRules | undefined;
}

/** How the events of a call are read. A backend may ignore it. */
export interface CallOptions {
  /** Nobody reads single deltas: those of one text that came together may be one event. */
  joinsDeltas?: boolean;
  /**
   * Called once the server has taken the call, which may be long before its first event, with what it says of its rate limits
   * in `rateLimitHeaders`.
   */
  answered?: (rateLimits: Readonly<Record<string, string>>) => void;
  /** Headers that the request to its server is to have, so that its trace goes on there. */
  trace?: TraceHeaders;
}

/** A call translated for its server; nothing has been sent. */
export interface PreparedCall {
  /**
   * Calls the model: sends the request at the first pull. Yields items one after another, `output_index` from 0,
   * without sequence numbers, and a KeepAlive for bytes without an event; then exactly one Finish, and none where the
   * server's stream ends before its answer does. Throws an ApiError if the call fails; ends promptly once the signal
   * aborts.
   */
  stream(signal: AbortSignal, options?: CallOptions): AsyncIterable<BackendEvent>;
  /**
   * The input tokens of the same request, counted by its server; undefined if it does not count. Rejects with an
   * ApiError for an unknown model and for refused credentials. `personality` stands for instructions of OpenAI's own;
   * other servers ignore it.
   */
  countTokens?(signal: AbortSignal, personality?: string | null): Promise<number | undefined>;
}

/** Prepares a call for the server that has its model. Throws an ApiError for what that server cannot carry. */
export type Prepare = (call: ModelCall) => PreparedCall;

/** Another API of model servers, whose requests are passed on as they are. */
export interface ForwardedApi {
  /** Its path below a base URL, such as `/embeddings`. */
  readonly path: string;
  /** The member of its requests that the model reads, for errors. */
  readonly input: string;
  /** Whether its requests are what `send` has members of, beside those that are left out. */
  readonly isChat: boolean;
  /** Whether its streams tell their usage if they are asked to. */
  readonly countsStreams: boolean;
  /** Whether it answers JSON, or events, and nothing else. */
  readonly isJson: boolean;
}

/** A request of another API. */
export interface ForwardedRequest {
  readonly api: ForwardedApi;
  readonly model: string;
  readonly body: ForwardedBody;
  /** The model's name in replies; undefined for the server's own. */
  readonly named: string | undefined;
  readonly values?: RequestValues | undefined;
}

/** Its body: JSON, whose `model` is replaced; or bytes of a media type, which are made for the model's name at its server. */
export type ForwardedBody = { json: JsonObject } | { type: string; bytesFor(model: string): Uint8Array };

/** A part of a reply that is passed on; the first part is the first word of it. */
export interface ForwardedPart {
  type: 'part';
  /** The media type of the whole, as its server says it. */
  media: string;
  /** Whether it is all of the reply. */
  isWhole: boolean;
  /** Whole events, where the reply is made of these. */
  bytes: Uint8Array;
  /** The events in it. */
  deltas: number;
  /** The usage so far, where the server has said it. */
  usage: Usage | null;
  /** The model as its server names it; empty where it does not. */
  served: string;
  /** Why its text ends, in the server's word; empty where it has not said. */
  finish: string;
}

/** What a request that is passed on yields. */
export type ForwardedEvent = ForwardedPart | KeepAlive;

/** How the reply of one is read. */
export interface ForwardOptions extends CallOptions {
  /** Told of the bytes of a reply that is held until it is whole, as they come; throws an ApiError where they are too many. */
  arrived(bytes: number): void;
}

/** A request that is made for its server; nothing has been sent. */
export interface PreparedForward {
  /** Sends it at the first pull. Throws an ApiError if it fails; ends promptly once the signal aborts. */
  stream(signal: AbortSignal, options: ForwardOptions): AsyncIterable<ForwardedEvent>;
}

/** Prepares a request for the server that has its model. Throws an ApiError where that server has no such API. */
export type Forward = (request: ForwardedRequest) => PreparedForward;

/** A model as its server lists it. */
export interface OfferedModel {
  id: string;
  /** Its context in tokens, where the list tells it. */
  context?: number | undefined;
  /** What it takes: `text`, `image`, `audio`, ..., where the list tells it. */
  inputs?: readonly string[] | undefined;
}

/** A protocol for calling models. */
export interface Backend {
  /**
   * Translates a call for a server of this profile, once. Throws an ApiError that names the field for what it cannot
   * carry, before it returns; everything else it carries, but for hints.
   */
  prepare(call: ModelCall, profile: ServerProfile): PreparedCall;
  /** Its models, by their ids or with what else the list tells of them; rejects if it cannot list them. */
  models(signal: AbortSignal): Promise<readonly (string | OfferedModel)[]>;
  /** The context of a model in tokens, where its server tells it; rejects if it cannot be asked. */
  context?(model: string, signal: AbortSignal): Promise<number | undefined>;
  /** Prepares a request that is passed on as it is; absent where its servers have no other APIs. */
  forward?(request: ForwardedRequest, profile: ServerProfile): PreparedForward;
}
