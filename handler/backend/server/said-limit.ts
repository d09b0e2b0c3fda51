/**
 * The limit in what servers say of an overflow: "maximum context length is 4096 tokens", "prompt is too long: 210000 tokens >
 * 200000 maximum", "with 32768 maximum context length". Their sentences have their sources in refusals.ts.
 */
const LIMIT =
  /(\d[\d,]*) maximum context length|(?:context (?:length|size|window)|(?:maximum|allowed) (?:\w+ )?length|tokens allowed|limit|max_model_len|n_ctx|<=|less than|>|\[\d+,)(?! by )[^\d\n]{0,40}(\d[\d,]*)/i;

/** The smallest number that is taken for a limit. */
const LEAST = 256;

/** The context in tokens that a server names where an input does not fit it; undefined where it names none. */
export function limitIn(gist: string): number | undefined {
  const [, before, after] = LIMIT.exec(gist) ?? [];
  const limit = Number((before ?? after ?? '').replaceAll(',', ''));
  return Number.isSafeInteger(limit) && limit >= LEAST ? limit : undefined;
}
