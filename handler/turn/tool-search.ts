import { newId } from '../ids.ts';
import { parseJson } from '../parse-json.ts';
import type { ItemEvent } from '../protocol/events.ts';
import type { FunctionCall, Item, OutputItem } from '../protocol/items.ts';
import { isObject, type JsonObject } from '../protocol/json.ts';
import type { ClientTool, FunctionTool } from '../protocol/tools.ts';
import type { Tool, ToolResult, ToolUse } from '../tool/tool.ts';
import type { Offer } from './deferred.ts';
import { echo } from './tools.ts';

// The search for tools that the client has deferred, run here. To the model it is a function like any other, in this turn
// and in those that follow; to the client it is a call and its output, both of `execution: "server"`.

const NAME = 'tool_search';

/** Tools, a namespace for one, that a search loads at most: few enough that deferring the others was worth it. */
const MOST = 8;

/** What a word counts that is in a name; one that is only in a description counts 1. */
const IN_NAME = 3;

/** The shortest word, in characters, that a longer one may be a form of. */
const STEM = 3;

const definition: FunctionTool = {
  type: 'function',
  name: NAME,
  description: 'Loads tools by words of their names and descriptions. What is found can be called from then on.',
  parameters: {
    type: 'object',
    properties: { query: { type: 'string', description: 'Names of tools, or words that say what they do' } },
    required: ['query'],
    additionalProperties: false,
  },
};

/** The search as the tool loop runs it. */
export function toolSearch(offer: Offer): ToolUse {
  const tool: Tool = {
    type: NAME,
    parse: () => undefined,
    async *open() {
      return { functions: [{ definition, run: (call) => run(call, offer) }] };
    },
  };
  return { tool, config: undefined };
}

/** The instructions, and the names of what can be searched for with what it is: what a model starts from. */
export function instruct(instructions: string | null, { deferred }: Offer): string | null {
  if (deferred.size === 0) return instructions;
  const lines = Array.from(deferred.keys(), (tool) => {
    const about = 'description' in tool && tool.description ? `: ${tool.description}` : '';
    return `- ${nameOf(tool)}${about}`;
  });
  const told = `These tools can be called once ${NAME} has loaded them:\n${lines.join('\n')}`;
  return instructions ? `${instructions}\n\n${told}` : told;
}

/** The items as the model hears them: the searches that a server ran as calls of a function. */
export function asHeard(items: readonly Item[]): Item[] {
  const heard: Item[] = [];
  let searches = 0;
  let written: JsonObject | undefined;
  for (const item of items) {
    if (item.type === 'tool_search_call' && item.execution === 'server') written = item.arguments;
    else if (item.type === 'tool_search_output' && item.execution === 'server') {
      if (!written) continue;
      const call_id = `search_${searches++}`;
      const shared = { id: item.id, call_id, status: 'completed' } as const;
      heard.push({ ...shared, type: 'function_call', name: NAME, arguments: JSON.stringify(written) });
      heard.push({ ...shared, type: 'function_call_output', output: told(item.tools) });
      written = undefined;
    } else heard.push(item);
  }
  return heard;
}

async function* run(call: FunctionCall, offer: Offer): AsyncGenerator<ItemEvent, ToolResult> {
  const given = argumentsOf(call);
  const tools = search(wordsOf(Object.values(given)), [...offer.deferred.keys()]);
  const shared = { call_id: null, execution: 'server', status: 'completed' } as const;
  yield* whole(0, { ...shared, type: 'tool_search_call', id: newId('tsc'), arguments: given });
  yield* whole(1, { ...shared, type: 'tool_search_output', id: newId('tso'), tools: tools.map(echo) });
  return { output: told(tools), tools: offer.load(tools) };
}

function* whole(output_index: number, item: OutputItem): Generator<ItemEvent> {
  const place = { sequence_number: 0, output_index };
  const begun = { ...item, status: 'in_progress' } as OutputItem; // both of them may be
  yield { type: 'response.output_item.added', ...place, item: begun };
  yield { type: 'response.output_item.done', ...place, item };
}

/** The tools that fit best, the best first; what fits less than half as well as that is left out. */
function search(words: readonly string[], tools: readonly ClientTool[]): ClientTool[] {
  const scored = tools.map((tool) => ({ tool, score: scoreOf(tool, words) }));
  const best = Math.max(0, ...scored.map(({ score }) => score));
  return scored
    .filter(({ score }) => score > 0 && score * 2 >= best)
    .sort((a, b) => b.score - a.score)
    .slice(0, MOST)
    .map(({ tool }) => tool);
}

function scoreOf(tool: ClientTool, words: readonly string[]): number {
  const members = tool.type === 'namespace' ? [tool, ...tool.tools] : [tool];
  const names = wordsOf(members.map(nameOf));
  const about = wordsOf(members.map((member) => 'description' in member && member.description));
  return words.reduce((sum, word) => sum + (fits(word, names) ? IN_NAME : fits(word, about) ? 1 : 0), 0);
}

/** The words of all texts in a list, or in lists in it; those of names, too, that are written as one. */
function wordsOf(values: readonly unknown[]): string[] {
  const texts = values.flat().filter((value) => typeof value === 'string');
  const apart = texts.join(' ').replace(/(?<=\p{Ll})(?=\p{Lu})/gu, ' ');
  return apart.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** Whether a word is among others, perhaps in another form: one of the two goes on where the other ends. */
function fits(word: string, others: readonly string[]): boolean {
  return others.some((other) => {
    const [short, long] = word.length < other.length ? [word, other] : [other, word];
    return long === short || (short.length >= STEM && long.startsWith(short));
  });
}

function argumentsOf(call: FunctionCall): JsonObject {
  try {
    const given: unknown = parseJson(call.arguments);
    return isObject(given) ? given : {};
  } catch {
    return {};
  }
}

function told(tools: readonly { type: string }[]): string {
  if (tools.length === 0) return 'Nothing was found.';
  return `Loaded: ${tools.map(nameOf).join(', ')}`;
}

function nameOf(tool: { type: string }): string {
  return 'name' in tool ? String(tool.name) : tool.type;
}
