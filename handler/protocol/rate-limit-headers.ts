/** OpenAI's headers of what is left of a rate limit (https://developers.openai.com/api/docs/guides/rate-limits). */
export const rateLimitHeaders = ['limit', 'remaining', 'reset'].flatMap((part) =>
  ['requests', 'tokens'].map((kind) => `x-ratelimit-${part}-${kind}`),
);
