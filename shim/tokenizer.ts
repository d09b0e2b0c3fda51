import type { Tokenizer } from '../handler/index.ts';

/** Special tokens in a text count as plain text. */
const AS_TEXT = { disallowedSpecial: new Set<string>() };

/** Cached pieces of text: a tenth of the default of the package. */
const CACHE_SIZE = 10_000;

/** OpenAI's newer tokenizer, o200k; loaded on first use, since it takes about 30 MB. */
export async function loadTokenizer(): Promise<Tokenizer> {
  const { countTokens, setMergeCacheSize } = await import('gpt-tokenizer/encoding/o200k_base');
  setMergeCacheSize(CACHE_SIZE);
  return (text) => countTokens(text, AS_TEXT);
}
