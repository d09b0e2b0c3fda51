import { rateLimitHeaders } from '../../protocol/rate-limit-headers.ts';
import type { Upstream } from '../../transport.ts';

/** The name of each header, and Anthropic's (https://platform.claude.com/docs/en/api/rate-limits). */
const names = rateLimitHeaders.map((name) => {
  const [, , part, kind] = name.split('-');
  return { name, anthropics: `anthropic-ratelimit-${kind}-${part}`, isReset: part === 'reset' };
});

/** What a server's reply says of its rate limits, in OpenAI's headers, which Groq, Azure and others send too. */
export function rateLimitsIn({ header }: Pick<Upstream, 'header'>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name, anthropics, isReset } of names) {
    const value = header(name) ?? (isReset ? untilTime(header(anthropics)) : header(anthropics));
    if (value && /^[\w.: -]{1,40}$/.test(value)) found[name] = value;
  }
  return found;
}

/** Anthropic's reset is a time, OpenAI's what is left until then. */
function untilTime(time: string | null): string | undefined {
  if (time === null) return undefined;
  const seconds = Math.ceil((Date.parse(time) - Date.now()) / 1000);
  return Number.isNaN(seconds) ? undefined : `${Math.max(0, seconds)}s`;
}
