import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { RequestValues } from '../../request-values.ts';
import type { SendRules, ServerProfile } from '../backend.ts';
import { HINTS, isServerName, knownServer, type ServerName, unknownServer } from './servers.ts';
import { withMembers } from './set-members.ts';

/** How requests to a server are made, after all that is known of it. */
export interface RequestRules {
  /** Members that are left out; `reasoning_content` is of messages, all others of the request itself. */
  omit: ReadonlySet<string>;
  /** Members that go under another name. */
  rename: Readonly<Record<string, string>>;
  /** Members that are set then, by their paths. */
  set?: SendRules['set'];
  systemMessages: 'first' | 'anywhere';
  nullContent: boolean;
  parallelToolCalls: boolean;
  strictTools: boolean;
  writtenCalls: boolean;
}

/** What OpenAI's reasoning models are asked to include, and a member here: other entries of `include` are the client's. */
export const SEALED = 'reasoning.encrypted_content';

/** What a server has shown, which no table knows: each over what the table says, and under the configuration. */
export type LearnedRules = Pick<SendRules, 'omit' | 'rename' | 'nullContent'>;

/**
 * The rules of an OpenAI-like API, for requests that have the older names (`max_tokens`, `reasoning_content`). The
 * configuration wins over what was learned, that over what was detected, and that over the host.
 */
export function requestRules(
  { server, isOpenAI, send = {} }: ServerProfile,
  detected?: ServerName,
  learned: LearnedRules = {},
): RequestRules {
  const named = isServerName(server) ? server : isOpenAI ? 'openai' : detected;
  const { reasoning, bound, hints, ...flags } = knownServer(named);
  const row = {
    omit: [...HINTS.filter((hint) => !hints.includes(hint)), ...(reasoning === null ? ['reasoning_content'] : [])],
    rename: { max_tokens: bound, ...(reasoning !== null && { reasoning_content: reasoning }) },
  };
  return combined(row, learned, send, flags);
}

/** The rules of a protocol that no table is about: what the configuration says and what was learned. */
export function plainRules({ send = {} }: ServerProfile, learned: LearnedRules = {}): RequestRules {
  return combined({}, learned, send, unknownServer);
}

function combined(
  row: LearnedRules,
  learned: LearnedRules,
  send: SendRules,
  flags: Pick<RequestRules, 'systemMessages' | 'parallelToolCalls' | 'strictTools' | 'writtenCalls'>,
): RequestRules {
  const kept = new Set([...(send.keep ?? []), ...Object.keys(send.rename ?? {})]);
  const omit = [...(row.omit ?? []), ...(learned.omit ?? [])].filter((name) => !kept.has(name));
  return {
    omit: new Set([...omit, ...(send.omit ?? [])]),
    rename: { ...row.rename, ...learned.rename, ...send.rename },
    ...(send.set && { set: send.set }),
    systemMessages: send.systemMessages ?? flags.systemMessages,
    nullContent: send.nullContent ?? learned.nullContent ?? true,
    parallelToolCalls: send.parallelToolCalls ?? flags.parallelToolCalls,
    strictTools: send.strictTools ?? flags.strictTools,
    writtenCalls: send.writtenCalls ?? flags.writtenCalls,
  };
}

/** A request as its server takes it: without some members, others under its own names, and then those that are set. */
export function applyRules(request: JsonObject, rules: RequestRules, values?: RequestValues): JsonObject {
  const applied: JsonObject = {};
  for (const [name, value] of Object.entries(request)) {
    if (!rules.omit.has(name)) applied[rules.rename[name] ?? name] = value;
  }
  if (rules.omit.has(SEALED) && Array.isArray(applied.include)) {
    const include = applied.include.filter((entry) => entry !== SEALED);
    if (include.length > 0) applied.include = include;
    else delete applied.include;
  }
  if (rules.omit.has('cache_control')) {
    for (const name of ['system', 'messages', 'tools']) {
      if (name in applied) applied[name] = withoutMember(applied[name], 'cache_control');
    }
  }
  const { messages } = applied;
  if (Array.isArray(messages)) applied.messages = messages.flatMap((message) => applyToMessage(message, rules));
  return rules.set ? withMembers(applied, rules.set, values) : applied;
}

/** The same for a chat message: none is left of one that held only reasoning, which the server does not take. */
function applyToMessage(message: unknown, { omit, rename, nullContent }: RequestRules): unknown[] {
  if (!isObject(message) || message.role !== 'assistant') return [message];
  const { reasoning_content: reasoning, ...rest } = message;
  if (rest.content === null && !nullContent) rest.content = '';
  if (reasoning === undefined) return [rest];
  if (!omit.has('reasoning_content'))
    return [{ ...rest, [rename.reasoning_content ?? 'reasoning_content']: reasoning }];
  const hasMore = Object.keys(rest).some((name) => name !== 'role' && name !== 'content');
  return rest.content || hasMore ? [rest] : [];
}

/** A list of blocks, or of messages with blocks, of which none has a member. */
function withoutMember(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value.map((entry) => withoutMember(entry, name));
  if (!isObject(value) || !(name in value || Array.isArray(value.content))) return value;
  const { [name]: _, ...rest } = value;
  return Array.isArray(rest.content) ? { ...rest, content: withoutMember(rest.content, name) } : rest;
}
