import type { JsonObject } from '../../protocol/json.ts';
import type { EchoedTool } from '../../protocol/response.ts';
import { type UserLocation, WebSearchTool } from '../../protocol/web-search.ts';
import { check } from '../../validate.ts';

/** How one turn may search, as its request says. */
export interface SearchSettings {
  /** Of which pages may be, none being all; and of which they may not. */
  domains: readonly string[];
  blocked: readonly string[];
  location: UserLocation | undefined;
  size: ContextSize;
  /** Whether pages are loaded. Without that only what the provider knows can be searched. */
  opensPages: boolean;
  /** Searches of one turn at most. */
  maxSearches: number;
}

/** How much of the web the model reads at a time. */
export interface ContextSize {
  /** Results of a search. */
  results: number;
  /** Characters of a result's text, of a part of a page, and around a text that was found. */
  resultText: number;
  partText: number;
  foundText: number;
  /** Links of a part of a page. */
  links: number;
}

const SIZES: Readonly<Record<'low' | 'medium' | 'high', ContextSize>> = {
  low: { results: 3, resultText: 400, partText: 4_000, foundText: 200, links: 5 },
  medium: { results: 5, resultText: 1_000, partText: 8_000, foundText: 400, links: 10 },
  high: { results: 10, resultText: 2_000, partText: 16_000, foundText: 800, links: 20 },
};

/** The settings of an entry of `tools`; throws an ApiError that names the field below `param`. */
export function settingsOf(entry: JsonObject, param: string): SearchSettings {
  const tool = check(WebSearchTool, entry, param);
  const { filters, user_location, search_context_size, external_web_access, max_uses } = tool;
  return {
    domains: filters?.allowed_domains ?? [],
    blocked: filters?.blocked_domains ?? [],
    location: user_location ?? undefined,
    size: SIZES[search_context_size ?? 'medium'],
    opensPages: external_web_access ?? true,
    maxSearches: max_uses ?? Number.POSITIVE_INFINITY,
  };
}

/** An entry as responses show it: with all members that OpenAI shows. */
export function echoOf({ type, ...entry }: JsonObject & { type: string }): EchoedTool {
  const { filters, search_context_size, user_location, ...others } = check(WebSearchTool, { type, ...entry });
  const nowhere = { city: null, country: null, region: null, timezone: null };
  return {
    ...Object.fromEntries(Object.entries(others).filter(([, value]) => value != null)),
    type,
    filters: filtersOf(filters),
    search_context_size: search_context_size ?? 'medium',
    user_location: user_location ? { ...nowhere, ...user_location } : null,
  };
}

/** The filters that there are; null without any. */
function filtersOf(filters: WebSearchTool['filters']): JsonObject | null {
  const given = Object.entries(filters ?? {}).filter(([, domains]) => domains != null);
  return given.length > 0 ? Object.fromEntries(given) : null;
}
