import type { SearchConfig } from '../../config/hosted.ts';
import type { Egress } from '../../egress/egress.ts';
import type { SearchWeb } from './provider.ts';
import { BRAVE_URL, openBrave } from './providers/brave.ts';
import { EXA_URL, openExa } from './providers/exa.ts';
import { openSearxng } from './providers/searxng.ts';
import { openTavily, TAVILY_URL } from './providers/tavily.ts';

/** Bytes of a provider's answer: twenty pages with their texts, and room. */
const MAX_ANSWER = 4 * 1024 * 1024;
/** How long a provider may be silent, in milliseconds: their own searches take a few seconds at most. */
const TIMEOUT_MS = 20_000;

/** The search of the provider that a configuration names. */
export function openProvider({ provider, url, key = '' }: SearchConfig, egress: Egress): SearchWeb {
  const base = new URL(url ?? DEFAULT_URLS[provider]);
  const reach = egress.open({
    maxBytes: MAX_ANSWER,
    timeout: TIMEOUT_MS,
    configured: base,
    credentials: ['x-subscription-token', 'x-api-key'],
  });
  if (provider === 'searxng') return openSearxng(reach, base);
  if (provider === 'brave') return openBrave(reach, base, key);
  return provider === 'tavily' ? openTavily(reach, base, key) : openExa(reach, base, key);
}

/** The configuration of a SearXNG always has an address. */
const DEFAULT_URLS: Readonly<Record<SearchConfig['provider'], string>> = {
  searxng: 'http://127.0.0.1:8888',
  brave: BRAVE_URL,
  tavily: TAVILY_URL,
  exa: EXA_URL,
};
