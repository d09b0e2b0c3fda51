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

/** The most tools one search loads (a namespace is one): few, since deferring is to save tokens. */
const MAX_LOADED = 8;

/** The score of a word found in a name; one found in a description scores 1. */
const NAME_SCORE = 3;

/** The shortest stem, in characters, that matches longer forms of a word. */
const MIN_STEM = 3;

/** The most words of a query that are searched for. */
const MAX_WORDS = 32;

/** The most characters of a description that are searched: its beginning says what the tool does. */
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

/** The search, as a tool of the tool loop. */
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

/** The instructions, with a list of the deferred tools that the model can search for. */
export function instruct(instructions: string | null, { deferred }: ToolCatalog): string | null {
  if (deferred.size === 0) return instructions;
  const lines = Array.from(deferred.keys(), (tool) => {
    const about = 'description' in tool && tool.description ? `: ${tool.description}` : '';
    return `- ${nameOf(tool)}${about}`;
  });
  const notice = `These tools can be called once ${NAME} has loaded them:\n${lines.join('\n')}`;
  return instructions ? `${instructions}\n\n${notice}` : notice;
}

/** The items with the searches that a server ran turned into function calls. */
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

/** A tool in the search index: the words of its names and of its descriptions. */
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

/** The best matches, best first. Those with less than half of the best score are left out. */
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

/** An index of words by stem: only words with the same stem are compared. */
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

  /** Whether a word matches: the same, or one is a prefix of the other. */
  fit(word: string): boolean {
    const alike = this.#byStem.get(word.slice(0, MIN_STEM));
    if (!alike || word.length < MIN_STEM || alike.has(word)) return alike?.has(word) ?? false;
    for (const other of alike) if (word.startsWith(other) || other.startsWith(word)) return true;
    return false;
  }
}

/** The words of all texts in a list, or in lists in it; camelCase is split. */
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
