import type { Tokenizer } from '../handler/index.ts';

/** Marks of a model's own that stand in a text are text there. */
const AS_TEXT = { disallowedSpecial: new Set<string>() };

/** Pieces of texts whose tokens are kept in memory: a tenth of what the package would keep. */
const CACHE_SIZE = 10_000;

/** The tokenizer of OpenAI's newer models, o200k; loaded when it is first asked for, since it takes some 30 MB. */
export async function loadTokenizer(): Promise<Tokenizer> {
  const { countTokens, setMergeCacheSize } = await import('gpt-tokenizer/encoding/o200k_base');
  setMergeCacheSize(CACHE_SIZE);
  return (text) => countTokens(text, AS_TEXT);
}
