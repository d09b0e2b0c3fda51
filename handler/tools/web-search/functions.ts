import type { ItemEvent } from '../../events/events.ts';
import { newItemId } from '../../items/item.ts';
import { beganSearch, type WebAction } from '../../items/web-search.ts';
import { parseObject } from '../../parse-json.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { ServerFunction, ToolResult } from '../tool.ts';
import { FUNCTION_NAMES } from './definitions.ts';
import { isAllowed } from './domains.ts';

import { SearchFailure } from './provider.ts';
import type { WebTurn } from './turn.ts';
import { PageFailure } from './web-page.ts';
import { tellFound, tellPage, tellResults } from './words.ts';

/** Characters that are looked for at most: more is no text that a model remembers. */
const MAX_PATTERN = 300;

/** What was done, and what the model reads of it. */
interface Done {
  action: WebAction;
  output: string;
  failed?: boolean;
}

type Act = (turn: WebTurn, args: JsonObject, signal: AbortSignal, include: readonly string[]) => Promise<Done>;

/** What runs each function. */
const acts: Readonly<Record<(typeof FUNCTION_NAMES)[number], Act>> = {
  web_search: search,
  open_page: open,
  find_in_page: find,
};

/** Runs a call of one of the functions, and shows it as an item; a failure of the web is told to the model. */
export function runWith(turn: WebTurn, named: string, warn: (error: Error) => void): ServerFunction['run'] {
  const name = FUNCTION_NAMES.find((known) => known === named) ?? 'web_search';
  return async function* run(call, signal, { include }): AsyncGenerator<ItemEvent, ToolResult> {
    const item = beganSearch(newItemId('web_search_call'));
    const at = { sequence_number: 0, output_index: 0 };
    const own = { ...at, item_id: item.id };
    yield { type: 'response.output_item.added', ...at, item };
    yield { type: 'response.web_search_call.in_progress', ...own };
    yield { type: 'response.web_search_call.searching', ...own };
    const args = parseObject(call.arguments);
    const {
      action,
      output,
      failed = false,
    } = args
      ? await acts[name](turn, args, signal, include).catch((error) => failure(name, args, error, signal, warn))
      : { action: actionOf(name, {}), output: 'The arguments are no JSON object.', failed: true };
    if (!failed) yield { type: 'response.web_search_call.completed', ...own };
    const done = { name, arguments: call.arguments, output };
    const status = failed ? 'failed' : 'completed';
    yield { type: 'response.output_item.done', ...at, item: { ...item, status, action, function: done } };
    return { output, failed };
  };
}

async function search(turn: WebTurn, args: JsonObject, signal: AbortSignal, include: readonly string[]): Promise<Done> {
  const { settings, sources } = turn;
  const query = textIn(args, 'query');
  if (query === '') throw new SearchFailure('A search needs a `query`.');
  turn.countSearch();
  const found = await turn.search(query, {
    count: settings.size.results * (settings.blocked.length > 0 ? 2 : 1), // some may be of blocked domains
    domains: settings.domains,
    country: settings.location?.country ?? undefined,
    textLength: settings.size.resultText,
    signal,
  });
  const pages = found.filter(({ url }) => isAllowed(url, settings)).slice(0, settings.size.results);
  const output = tellResults(query, pages, sources, settings.size);
  const showsSources = include.includes('web_search_call.action.sources');
  const urls = pages.map(({ url }) => ({ type: 'url' as const, url: new URL(url).href }));
  return { action: { type: 'search', query, queries: [query], ...(showsSources && { sources: urls }) }, output };
}

async function open(turn: WebTurn, args: JsonObject, signal: AbortSignal): Promise<Done> {
  const { sources, settings } = turn;
  const { page, source, url } = await pageOf(turn, args, signal);
  const part = typeof args.part === 'object' ? 1 : Number(args.part ?? 1);
  const output = tellPage(page, source, Number.isInteger(part) && part > 0 ? part : 1, {
    sources,
    size: settings.size,
    isAllowed: (url) => isAllowed(url, settings),
  });
  return { action: { type: 'open_page', url }, output };
}

async function find(turn: WebTurn, args: JsonObject, signal: AbortSignal): Promise<Done> {
  const pattern = textIn(args, 'text');
  if (pattern === '' || pattern.length > MAX_PATTERN)
    throw new PageFailure(`\`text\` must be the words to find, of at most ${MAX_PATTERN} characters.`);
  const { page, source, url } = await pageOf(turn, args, signal);
  return {
    action: { type: 'find_in_page', url, pattern },
    output: tellFound(page, source, pattern, turn.settings.size),
  };
}

/** The page that a call names, numbered. */
async function pageOf(turn: WebTurn, args: JsonObject, signal: AbortSignal) {
  const url = turn.urlOf(textIn(args, 'page'));
  const page = await turn.load(url, signal);
  const source = turn.sources.add(url, page.title.replace(/\s+/g, ' '), true);
  if (!source) throw new PageFailure('This conversation has seen too many pages.');
  return { page, source, url };
}

function failure(
  name: keyof typeof acts,
  args: JsonObject,
  error: unknown,
  signal: AbortSignal,
  warn: (error: Error) => void,
): Done {
  if (signal.aborted || !(error instanceof SearchFailure || error instanceof PageFailure)) throw error;
  if (error instanceof SearchFailure) warn(error);
  return { action: actionOf(name, args), output: error.message, failed: true };
}

/** What was tried, as far as the model said it. */
function actionOf(name: keyof typeof acts, args: JsonObject): WebAction {
  const url = textIn(args, 'page');
  if (name === 'open_page') return { type: 'open_page', url };
  if (name === 'find_in_page') return { type: 'find_in_page', url, pattern: textIn(args, 'text') };
  const query = textIn(args, 'query');
  return { type: 'search', query, queries: [query] };
}

/** A text among arguments; models also write numbers. */
function textIn(args: JsonObject, name: string): string {
  const value = args[name];
  return typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : '';
}
