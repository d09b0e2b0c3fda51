import type { Json } from './accumulate.ts';
import { type Script, sends } from './model/scripted.ts';
import { type Block, messageEvents, sendsMessage } from './model/scripted-messages.ts';
import { eventsOf, type Said, sendsEvents } from './model/scripted-responses.ts';

// What models say that no specification foresees, and how clients send it back.

/** Numbers from 0 to 1 that are the same for a seed every time (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const WORDS = [
  'Yes',
  ' ',
  '🙂 né',
  '\ud83d',
  'a\u0000b',
  '<|channel|>final',
  '{"a":1}',
  '"\\"\n',
  '\u2028',
  'data: [DONE]',
  'x'.repeat(2_000),
];
const NAMES = [
  'f',
  'sql',
  'db__query',
  'db.query',
  'functions.f',
  'functions.f:0',
  'f<|channel|>commentary',
  'commentary to=functions.f<|constrain|>json',
  '<|channel|>',
  'a.b.c',
  'né 🙂',
  'x'.repeat(70),
  'x.'.repeat(300),
  '__proto__',
  'constructor',
];
const ARGUMENTS = [
  '{"a":1}',
  '{}',
  '',
  ' ',
  '{"city": Oslo}',
  '{"a',
  '[1]',
  'null',
  '"Oslo"',
  '{"input":"x"}',
  '{"a":"\\ud83d"}',
];
const IDS = ['c1', 'c1', 'functions.f:0', 'call 🙂', '', 'x'.repeat(65), 'toolu.1/2', '\ud83d'];

/** The tools of the requests whose replies are made here. */
export const oddTools = [
  { type: 'function', name: 'f', parameters: { type: 'object' } },
  { type: 'custom', name: 'sql' },
  { type: 'namespace', name: 'db', description: '', tools: [{ type: 'function', name: 'query' }] },
];

/** One thing that a model says. */
type Piece =
  | { type: 'text' | 'reasoning' | 'refusal'; words: string }
  | { type: 'call'; id: string; name: string; args: string };

/** What a model says by a seed, and whether it is cut. */
export interface OddReply {
  pieces: Piece[];
  cut: boolean;
}

/** The reply of a seed: every fault of a name, of arguments, of an id and of a text alone and beside others. */
export function oddReply(seed: number): OddReply {
  const random = randomOf(seed);
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T; // no list is empty
  const types = ['text', 'reasoning', 'refusal', 'call', 'call', 'call'] as const;
  const pieces = Array.from({ length: 1 + Math.floor(random() * 5) }, (): Piece => {
    const type = one(types);
    return type === 'call'
      ? { type, id: one(IDS), name: one(NAMES), args: one(ARGUMENTS) }
      : { type, words: one(WORDS) };
  });
  return { pieces, cut: random() < 0.25 };
}

/** A script of each protocol that says a reply. */
export const oddScripts: Record<'chat' | 'responses' | 'anthropic', (reply: OddReply) => Script> = {
  chat({ pieces, cut }) {
    let index = 0;
    const deltas = pieces.map((piece) => {
      if (piece.type === 'reasoning') return { reasoning_content: piece.words };
      if (piece.type !== 'call') return { [piece.type === 'text' ? 'content' : 'refusal']: piece.words };
      const { id, name, args } = piece;
      return { tool_calls: [{ index: index++, id, type: 'function', function: { name, arguments: args } }] };
    });
    return sends(deltas, cut ? 'length' : index > 0 ? 'tool_calls' : 'stop');
  },
  responses({ pieces, cut }) {
    const items = pieces.map((piece): Said => {
      if (piece.type === 'reasoning') return { type: 'reasoning', content: [piece.words] };
      if (piece.type === 'call')
        return { type: 'function_call', call_id: piece.id, name: piece.name, arguments: piece.args };
      return {
        type: 'message',
        content: [{ type: piece.type === 'text' ? 'output_text' : 'refusal', text: piece.words }],
      };
    });
    const reason = { reason: 'max_output_tokens' };
    return sendsEvents(eventsOf(items, cut ? { type: 'incomplete', incomplete_details: reason } : {}));
  },
  anthropic({ pieces, cut }) {
    const blocks = pieces.map((piece): Block => {
      if (piece.type === 'reasoning') return { type: 'thinking', thinking: piece.words, signature: 'c2lnbmVk' };
      if (piece.type === 'call') return { type: 'tool_use', id: piece.id, name: piece.name, input: piece.args };
      return { type: 'text', text: piece.words };
    });
    return sendsMessage(messageEvents(blocks, cut ? { stop_reason: 'max_tokens' } : {}));
  },
};

/** The output of a call, as any client can give it. */
function answerTo({ call_id, type }: Json): Json {
  return {
    type: type === 'custom_tool_call' ? 'custom_tool_call_output' : 'function_call_output',
    call_id,
    output: 'done',
  };
}

/** The outputs of the calls among items: of all of them, or but for those that were cut. */
export function answersTo(items: readonly Json[], cutToo: boolean): Json[] {
  return items.filter(({ type, status }) => /_call$/.test(type) && (cutToo || status !== 'incomplete')).map(answerTo);
}

/** How clients send the items of a reply back, each with what it asks beside. */
export const replays: Record<string, { body: Json; items(output: readonly Json[]): Json[] }> = {
  unchanged: { body: { store: false }, items: (output) => [...output] },
  // openai/codex: codex-rs/protocol/src/models.rs, ResponseItem.
  codex: {
    body: { store: false, include: ['reasoning.encrypted_content'], parallel_tool_calls: true },
    items: (output) =>
      output.map(({ id: _, status, ...item }) => {
        if (item.type === 'reasoning') {
          const { type, summary, encrypted_content } = item;
          return { type, summary, content: null, encrypted_content };
        }
        if (item.type !== 'message') return item.type === 'custom_tool_call' ? { ...item, status } : item;
        const { type, role, content } = item;
        return { type, role, content: content.map((part: Json) => ({ type: 'output_text', text: textOf(part) })) };
      }),
  },
  // vercel/ai: packages/openai/src/responses/convert-to-openai-responses-input.ts, without a store and with one.
  aiSdk: {
    body: { store: false, include: ['reasoning.encrypted_content'] },
    items: (output) =>
      output.flatMap((item): Json[] => {
        const { type, id, summary, encrypted_content, call_id, name, namespace } = item;
        if (type === 'reasoning') return [{ type, id, encrypted_content, summary }];
        if (type === 'function_call')
          return [{ type, call_id, name, arguments: reserialized(item.arguments), namespace }];
        if (type !== 'message') return [{ type, id, call_id, name, input: item.input }];
        const texts = item.content.filter((part: Json) => part.type === 'output_text');
        return texts.map(({ text }: Json) => ({ role: 'assistant', content: [{ type: 'output_text', text }], id }));
      }),
  },
  aiSdkStored: {
    body: { store: true },
    items: (output) =>
      output.flatMap((item): Json[] => {
        const { type, id, call_id, name, namespace } = item;
        const reference = { type: 'item_reference', id };
        if (type === 'message') return item.content.map(() => reference);
        if (type !== 'function_call') return [reference];
        return [{ type, call_id, name, arguments: reserialized(item.arguments), namespace }];
      }),
  },
  // pydantic/pydantic-ai: pydantic_ai_slim/pydantic_ai/models/openai.py, OpenAIResponsesModel.
  pydanticAi: {
    body: { include: ['reasoning.encrypted_content'] },
    items: (output) =>
      output.flatMap((item): Json[] => {
        const { type, id, summary, content, encrypted_content, call_id, name } = item;
        if (type === 'reasoning') return [{ type, id, summary, content, encrypted_content }];
        if (type === 'function_call') return [{ type, id, call_id, name, arguments: item.arguments }];
        if (type !== 'message') return [item];
        return content.length > 0 ? [{ role: 'assistant', content: content.map(textOf).join('') }] : [];
      }),
  },
};

function textOf(part: Json): string {
  return part.text ?? part.refusal;
}

/** Arguments as a client writes them that has parsed them: a text that is no JSON becomes one. */
function reserialized(args: string): string {
  try {
    return JSON.stringify(JSON.parse(args));
  } catch {
    return JSON.stringify(args);
  }
}

/** Whether any server takes what it is sent: null if so, else what it would refuse. */
export function faultOf({ messages, input, ...rest }: Json): string | null {
  if (!JSON.stringify({ messages, input, ...rest }).isWellFormed()) return 'half a character';
  if (input) return faultOfItems(input);
  return rest.max_tokens && rest.system !== null && !rest.stream_options
    ? faultOfBlocks(messages)
    : faultOfChat(messages);
}

const NAME = /^[\w-]{1,64}$/;

function faultOfChat(messages: readonly Json[]): string | null {
  for (const [at, { role, content, tool_calls = [] }] of messages.entries()) {
    if (content === null && tool_calls.length === 0) return 'no content';
    if (role === 'tool' && !['assistant', 'tool'].includes(messages[at - 1]?.role)) return 'an output without its call';
    const outputs = messages.slice(at + 1, at + 1 + tool_calls.length);
    if (!same(outputs, 'tool_call_id', tool_calls, 'id')) return 'a call without its output';
    for (const { function: fn } of tool_calls)
      if (!NAME.test(fn.name) || !isObject(fn.arguments)) return `a call of ${fn.name}`;
  }
  return null;
}

function faultOfItems(items: readonly Json[]): string | null {
  for (const [at, { type, name, arguments: args }] of items.entries()) {
    if (type === 'function_call' && items[at - 1]?.type !== 'function_call') {
      const after = items.slice(at);
      const count = after.findIndex((item) => item.type !== 'function_call');
      const [calls, outputs] = [after.slice(0, count), after.slice(count, 2 * count)];
      if (!same(outputs, 'call_id', calls, 'call_id')) return 'a call without its output';
    }
    if (type === 'function_call' && !(NAME.test(name) && isObject(args))) return `a call of ${name}`;
  }
  return null;
}

function faultOfBlocks(messages: readonly Json[]): string | null {
  for (const [at, { role, content }] of messages.entries()) {
    if (role !== (at % 2 === 0 ? 'user' : 'assistant')) return 'roles that do not alternate';
    const calls = content.filter(({ type }: Json) => type === 'tool_use');
    const results = messages[at + 1]?.content.slice(0, calls.length) ?? [];
    if (!same(results, 'tool_use_id', calls, 'id')) return 'a call without its output';
    if (new Set(calls.map(({ id }: Json) => id)).size < calls.length) return 'an id twice';
    for (const { id, name } of calls) if (!NAME.test(name) || !/^[\w-]+$/.test(id)) return `a call of ${name}`;
  }
  return null;
}

function same(some: readonly Json[], name: string, others: readonly Json[], other: string): boolean {
  const sorted = (list: readonly Json[], member: string) => JSON.stringify(list.map((value) => value[member]).sort());
  return sorted(some, name) === sorted(others, other);
}

function isObject(json: string): boolean {
  try {
    const value = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
