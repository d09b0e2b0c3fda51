import type { BackendEvent } from '../backend/backend.ts';
import type { Caller } from '../caller.ts';
import type { CostMeter } from '../costs.ts';
import type { ApiError } from '../errors.ts';
import type { LifecycleEvent } from '../events/events.ts';
import { kinds } from '../items/index.ts';
import type { OutputItem } from '../items/item.ts';
import { isCall } from '../items/roles.ts';
import { excerpt } from '../log.ts';
import type { Response } from '../protocol/response.ts';
import type { ToolNews } from './rounds.ts';
import { costsOf, type TurnCosts } from './turn-costs.ts';
import { countDelta, countUsage } from './turn-tokens.ts';
import { countLast } from './turn-totals.ts';

/**
 * All that is known of one turn so far: made when it is planned, and kept up to date by `observe`. The log line, and all else
 * that tells of a turn, is made of it. What is not known is null.
 */
export interface TurnSummary extends TurnCosts {
  /** When it began, by `performance.now()`. */
  readonly startedAt: number;
  /** What is done, in the words of the GenAI conventions. Absent for a turn. */
  operation?: string;
  /**
   * The backend of its model, as the configuration names it, and the host of that backend's URL, with its port if it has one: of several
   * servers the one that was asked last.
   */
  backend: string;
  urlHost: string | null;
  /** The model as its server is asked for it. */
  sentModel: string;
  /** How often a server was asked beyond once for each model call, since one was passed over. */
  passedOver: number;
  /** The model that was asked in place of the one that the request names. */
  fallback: string | null;
  /** The model as the request names it. */
  readonly model: string;
  /** The id of the response, once it is planned. */
  response: string | null;
  /** What it goes on from. */
  readonly previous: string | null;
  readonly conversation: string | null;
  /** Who it is made for; null where nothing tells tenants or users apart. */
  readonly tenant: string | null;
  readonly user: string | null;
  /** The model as its server names it, once it has said; empty where it does not. */
  served: string;
  /** Milliseconds from its start to the first of what the model said, deltas or an item. */
  firstTokenMs: number | null;
  /** The model calls begun, those of a process that died included. */
  rounds: number;
  /** The tools called, by the names of functions and the types of other calls, each once; once it has ended. */
  tools: readonly string[];
  /**
   * How it ended: `stop`, `tool_calls` where the client has to answer some, the reason of an incomplete response, `failed` or
   * `cancelled`.
   */
  finish:
    | 'stop'
    | 'tool_calls'
    | 'failed'
    | 'cancelled'
    | 'max_output_tokens'
    | 'max_messages'
    | 'content_filter'
    | null;
  /** The code of a failed response's error. */
  errorCode: string | null;
  /** The stop sequence at which the model was stopped. */
  stopped?: string | undefined;
}

/** Where a turn's model is: its backend, the host of its URL, and its name there if that is another one. */
interface ServerAddress extends Pick<TurnSummary, 'backend' | 'urlHost'> {
  name?: string | undefined;
}

/** What a turn tells as it goes: what its model calls yield, and the events that carry the response. */
export type TurnNews = BackendEvent | ToolNews | LifecycleEvent;

/** What a request says of its turn. */
interface TurnRequest {
  model: string;
  previous_response_id?: string | null | undefined;
  conversation?: string | { id: string } | null | undefined;
}

/** The summary of a turn that begins now, whose model is at this address, for a caller. */
export function newTurnSummary(
  { model, previous_response_id: previous = null, conversation }: TurnRequest,
  { backend, urlHost, name }: ServerAddress,
  { tenant, user }: { readonly tenant?: string | undefined; readonly user?: string | undefined },
  meter?: CostMeter,
): TurnSummary {
  return {
    startedAt: performance.now(),
    backend,
    urlHost,
    sentModel: name ?? model,
    passedOver: 0,
    fallback: null,
    model,
    response: null,
    previous,
    conversation: (typeof conversation === 'object' ? conversation?.id : conversation) ?? null,
    tenant: tenant ?? null,
    user: user ?? null,
    meter,
    costs: null,
    served: '',
    usage: null,
    deltas: 0,
    characters: 0,
    uncountedInput: null,
    modelInput: {},
    firstTokenMs: null,
    rounds: 0,
    tools: [],
    finish: null,
    errorCode: null,
  };
}

/** Takes in which of several servers is asked now. */
export function observeAsked(
  summary: TurnSummary,
  { address, fallback, passedOver }: { address: ServerAddress; fallback: string | null; passedOver: number },
): void {
  summary.backend = address.backend;
  summary.urlHost = address.urlHost;
  summary.sentModel = address.name ?? fallback ?? summary.model;
  summary.fallback = fallback;
  if (passedOver > 0) summary.passedOver++;
}

/** Keeps a summary up to date. It is called with every delta, of which only the first costs more than a comparison or two. */
export function observe(summary: TurnSummary, news: TurnNews): void {
  if ('delta' in news || news.type === 'response.output_item.done') {
    summary.firstTokenMs ??= performance.now() - summary.startedAt;
    if ('delta' in news && typeof news.delta === 'string') countDelta(summary, news.delta);
  } else if (news.type === 'response.compaction.compacting') {
    countDelta(summary, ''); // of a summary that fails nothing else is known
  } else if (news.type === 'finish') {
    if (news.served) summary.served = news.served;
    summary.lost = news.lost;
    summary.stopped = news.stopped;
  } else if (news.type === 'round') {
    if (news.usage) countUsage(summary, news.usage, false);
    summary.rounds = news.round;
  } else if ('response' in news) observeResponse(summary, news);
}

/** Takes in that the server refused the first call, before there was an event: nothing was made, and nothing is charged. */
export function observeRefusal(summary: TurnSummary, refusal: ApiError): void {
  summary.rounds = 1;
  summary.uncountedInput = 0;
  summary.finish = 'failed';
  summary.errorCode = errorCodeOf(refusal);
}

/** Takes in a response as an event has it. */
function observeResponse(summary: TurnSummary, { type, response }: LifecycleEvent): void {
  summary.response = response.id;
  if (type === 'response.created' || type === 'response.queued') return;
  summary.rounds ||= 1;
  if (type === 'response.in_progress') return;
  countLast(summary, response);
  summary.tools = toolsOf(response.output);
  summary.finish = finishOf(response);
  summary.errorCode = response.error?.code ?? null;
}

function finishOf({ status, incomplete_details, output }: Response): TurnSummary['finish'] {
  if (status === 'completed') return output.some((item) => isCall(item)) ? 'tool_calls' : 'stop';
  if (status === 'incomplete') return incomplete_details?.reason ?? null;
  return status === 'cancelled' ? status : 'failed';
}

function toolsOf(output: readonly OutputItem[]): string[] {
  const names = new Set<string>();
  for (const item of output) {
    const { role } = kinds[item.type];
    if (role === 'call' || role === 'server call') names.add(nameOf(item));
  }
  return [...names];
}

function nameOf(item: OutputItem): string {
  return 'name' in item && typeof item.name === 'string' ? item.name : item.type;
}

/** The longest id or name in a log line, in characters, and the most names of tools: clients and servers make them up. */
const MAX_TEXT = 100;
const MAX_TOOLS = 16;

/** The fields of a log line. */
export type TurnFields = Record<string, unknown>;

/** Adds who has sent a request to its line, or to that of what it asked for, as far as it is known. */
export function addCaller(
  line: TurnFields,
  { tenant, user, project, key }: Pick<Caller, 'tenant' | 'user' | 'project' | 'key'>,
): void {
  if (tenant !== undefined) line.tenant = excerpt(tenant, MAX_TEXT);
  if (user !== undefined) line.user = excerpt(user, MAX_TEXT);
  if (project !== undefined) line.project = excerpt(project, MAX_TEXT);
  if (key !== undefined) line.key = key;
}

/** Adds the fields of a turn to its log line, but for who has asked for it, and without those of which nothing is known. */
export function addFields(line: TurnFields, summary: TurnSummary): void {
  const { urlHost, previous, conversation, usage, firstTokenMs, rounds, tools, finish, errorCode } = summary;
  line.backend = summary.backend;
  if (urlHost !== null) line.url_host = urlHost;
  if (summary.fallback !== null) line.fallback = excerpt(summary.fallback, MAX_TEXT);
  if (summary.passedOver > 0) line.passed_over = summary.passedOver;
  if (previous !== null) line.previous = excerpt(previous, MAX_TEXT);
  if (conversation !== null) line.conversation = excerpt(conversation, MAX_TEXT);
  if (usage !== null) {
    const { cached_tokens } = usage.input_tokens_details;
    const { reasoning_tokens } = usage.output_tokens_details;
    line.input_tokens = usage.input_tokens;
    line.output_tokens = usage.output_tokens;
    if (cached_tokens > 0) line.cached_tokens = cached_tokens;
    if (reasoning_tokens > 0) line.reasoning_tokens = reasoning_tokens;
  }
  if (firstTokenMs !== null) line.first_token_ms = tenths(firstTokenMs);
  if (rounds > 0) line.rounds = rounds;
  if (tools.length > 0) line.tools = tools.slice(0, MAX_TOOLS).map((name) => excerpt(name, MAX_TEXT));
  if (finish !== null) line.finish = finish;
  if (errorCode !== null) line.error_code = errorCode;
  if (summary.meter && finish !== null) line.cost = costsOf(summary);
}

/** The code of an error for the log: a word also where clients get a number. */
export function errorCodeOf(error: ApiError): string {
  return error.streamCode ?? error.kind;
}

/** Milliseconds with one digit after the point. */
export function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
