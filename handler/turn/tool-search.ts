import type { ItemEvent } from '../events/events.ts';
import { itemEvents } from '../events/item-events.ts';
import type { FunctionCall } from '../items/function.ts';
import { type Item, newItemId } from '../items/item.ts';
import { parseJson } from '../parse-json.ts';
import { isObject, type JsonObject } from '../protocol/json.ts';
import type { ClientTool, FunctionTool } from '../protocol/tools.ts';
import type { Tool, ToolResult, ToolUse } from '../tools/tool.ts';
import type { ToolCatalog } from './tool-catalog.ts';
import { echo } from './tools.ts';

// The search for tools that the client has deferred, run here. To the model it is a function like any other, in this turn
// and in those that follow; to the client it is a call and its output, both of `execution: "server"`.

const NAME = 'tool_search';

/** Tools, a namespace for one, that a search loads at most: few enough that deferring the others was worth it. */
const MAX_LOADED = 8;

/** What a word counts that is in a name; one that is only in a description counts 1. */
const NAME_SCORE = 3;

/** The shortest word, in characters, that a longer one may be a form of. */
const MIN_STEM = 3;

/** Words of a query that count: a model that writes more of them knows not what it looks for. */
const MAX_WORDS = 32;

/** Characters of a description that are searched: it says at its beginning what the tool is for. */
const MAX_DESCRIPTION = 4_000;

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
export function toolSearch(catalog: ToolCatalog): ToolUse {
  const entries = new Map<ClientTool, SearchEntry>();
  const entryOf = (tool: ClientTool) => {
    const entry = entries.get(tool) ?? searchEntry(tool);
    entries.set(tool, entry);
    return entry;
  };
  const tool: Tool = {
    type: NAME,
    parse: () => undefined,
    definitions: () => [definition],
    async *open() {
      const load = catalog.loader();
      return { functions: [{ definition, run: (call) => run(call, catalog, entryOf, load) }] };
    },
  };
  return { tool, config: undefined };
}

/** The instructions, and the names of what can be searched for with what it is: what a model starts from. */
export function instruct(instructions: string | null, { deferred }: ToolCatalog): string | null {
  if (deferred.size === 0) return instructions;
  const lines = Array.from(deferred.keys(), (tool) => {
    const about = 'description' in tool && tool.description ? `: ${tool.description}` : '';
    return `- ${nameOf(tool)}${about}`;
  });
  const notice = `These tools can be called once ${NAME} has loaded them:\n${lines.join('\n')}`;
  return instructions ? `${instructions}\n\n${notice}` : notice;
}

/** The items as the model hears them: the searches that a server ran as calls of a function. */
export function searchesAsCalls(items: readonly Item[]): Item[] {
  const result: Item[] = [];
  let searches = 0;
  let query: JsonObject | undefined;
  for (const item of items) {
    if (item.type === 'tool_search_call' && item.execution === 'server') query = item.arguments;
    else if (item.type === 'tool_search_output' && item.execution === 'server') {
      if (!query) continue;
      const call_id = `search_${searches++}`;
      const shared = { id: item.id, call_id, status: 'completed' } as const;
      result.push({ ...shared, type: 'function_call', name: NAME, arguments: JSON.stringify(query) });
      result.push({ ...shared, type: 'function_call_output', output: resultText(item.tools) });
      query = undefined;
    } else result.push(item);
  }
  return result;
}

async function* run(
  call: FunctionCall,
  catalog: ToolCatalog,
  entryOf: (tool: ClientTool) => SearchEntry,
  load: ReturnType<ToolCatalog['loader']>,
): AsyncGenerator<ItemEvent, ToolResult> {
  const args = argumentsOf(call);
  const words = [...new Set(wordsOf(Object.values(args)))].slice(0, MAX_WORDS);
  const tools = search(words, Array.from(catalog.deferred.keys(), entryOf));
  const shared = { call_id: null, execution: 'server', status: 'completed' } as const;
  yield* itemEvents({ ...shared, type: 'tool_search_call', id: newItemId('tool_search_call'), arguments: args }, 0);
  yield* itemEvents(
    { ...shared, type: 'tool_search_output', id: newItemId('tool_search_output'), tools: tools.map(echo) },
    1,
  );
  return { output: resultText(tools), tools: load(tools) };
}

/** A tool, the words of its names, and those of its descriptions. */
interface SearchEntry {
  tool: ClientTool;
  names: Words;
  about: Words;
}

function searchEntry(tool: ClientTool): SearchEntry {
  const members = tool.type === 'namespace' ? [tool, ...tool.tools] : [tool];
  const about = members.map((member) => 'description' in member && member.description?.slice(0, MAX_DESCRIPTION));
  return { tool, names: new Words(wordsOf(members.map(nameOf))), about: new Words(wordsOf(about)) };
}

/** The tools that fit best, the best first; what fits less than half as well as that is left out. */
function search(words: readonly string[], tools: readonly SearchEntry[]): ClientTool[] {
  const scored = tools.map((entry) => ({ tool: entry.tool, score: scoreOf(entry, words) }));
  const best = scored.reduce((max, { score }) => Math.max(max, score), 0);
  return scored
    .filter(({ score }) => score > 0 && score * 2 >= best)
    .sort((a, b) => b.score - a.score)
    .slice(0, MAX_LOADED)
    .map(({ tool }) => tool);
}

function scoreOf({ names, about }: SearchEntry, words: readonly string[]): number {
  return words.reduce((sum, word) => sum + (names.fit(word) ? NAME_SCORE : about.fit(word) ? 1 : 0), 0);
}

/** Words that are looked for in any form; only those that begin alike are compared. */
class Words {
  readonly #byStem = new Map<string, Set<string>>();

  constructor(words: readonly string[]) {
    for (const word of words) {
      const stem = word.slice(0, MIN_STEM);
      const alike = this.#byStem.get(stem);
      if (alike) alike.add(word);
      else this.#byStem.set(stem, new Set([word]));
    }
  }

  /** Whether a word is among them, perhaps in another form: one of the two goes on where the other ends. */
  fit(word: string): boolean {
    const alike = this.#byStem.get(word.slice(0, MIN_STEM));
    if (!alike || word.length < MIN_STEM || alike.has(word)) return alike?.has(word) ?? false;
    for (const other of alike) if (word.startsWith(other) || other.startsWith(word)) return true;
    return false;
  }
}

/** The words of all texts in a list, or in lists in it; those of names, too, that are written as one. */
function wordsOf(values: readonly unknown[]): string[] {
  const texts = values.flat().filter((value) => typeof value === 'string');
  const apart = texts.join(' ').replace(/(?<=\p{Ll})(?=\p{Lu})/gu, ' ');
  return apart.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

function argumentsOf(call: FunctionCall): JsonObject {
  try {
    const args: unknown = parseJson(call.arguments);
    return isObject(args) ? args : {};
  } catch {
    return {};
  }
}

function resultText(tools: readonly { type: string }[]): string {
  if (tools.length === 0) return 'Nothing was found.';
  return `Loaded: ${tools.map(nameOf).join(', ')}`;
}

function nameOf(tool: { type: string }): string {
  return 'name' in tool ? String(tool.name) : tool.type;
}
