import { toBase64 } from '../base64.ts';
import { ApiError } from '../errors.ts';
import { isObject, type JsonObject } from '../protocol/json.ts';
import type { ForwardedEvent, PreparedForward } from './backend.ts';
import { demoReply } from './demo-reply.ts';

/** Numbers in a vector, unless the request says how many. */
const DIMENSIONS = 256;
const MAX_DIMENSIONS = 8_192;

const MAX_INPUTS = 2_048;

/**
 * The demo model's embeddings, in which each word has a place of its own, so that texts with the same words are near each other. Throws
 * an ApiError for what is no input.
 */
export function demoEmbeddings(json: JsonObject, model: string, named: string): PreparedForward {
  const inputs = inputsOf(json.input);
  const dimensions = json.dimensions ?? DIMENSIONS;
  if (!Number.isInteger(dimensions) || Number(dimensions) < 1 || Number(dimensions) > MAX_DIMENSIONS)
    throw invalid('dimensions', `must be a whole number from 1 to ${MAX_DIMENSIONS}`);
  const isBase64 = json.encoding_format === 'base64';
  const data = inputs.map((words, index) => {
    const vector = vectorOf(words, Number(dimensions));
    const embedding = isBase64 ? toBase64(new Uint8Array(vector.buffer)) : Array.from(vector);
    return { object: 'embedding', index, embedding };
  });
  const tokens = inputs.reduce((sum, { length }) => sum + length, 0);
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  const bytes = new TextEncoder().encode(JSON.stringify({ object: 'list', data, model: named, usage }));
  return {
    async *stream(): AsyncGenerator<ForwardedEvent, void> {
      yield demoReply(bytes, model, { input: tokens, output: 0 });
    },
  };
}

/** The words of each input: of a text, of several, or of tokens. */
function inputsOf(input: unknown): string[][] {
  const all = Array.isArray(input) && !input.every((one) => typeof one === 'number') ? input : [input];
  const inputs = all.map(wordsOf);
  if (inputs.length === 0 || inputs.length > MAX_INPUTS) throw invalid('input', `must hold 1 to ${MAX_INPUTS} texts`);
  return inputs;
}

function wordsOf(input: unknown): string[] {
  if (typeof input === 'string' && input !== '') return input.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [input];
  if (Array.isArray(input) && input.length > 0 && input.every(Number.isInteger)) return input.map(String);
  throw invalid('input', isObject(input) ? 'must not be an object' : 'must be a text, tokens, or a list of these');
}

function invalid(param: string, why: string): ApiError {
  return new ApiError('invalid_value', `${param} ${why}`, { param });
}

/** A vector of length 1, to whose places words add by their hashes (FNV-1a). */
function vectorOf(words: readonly string[], dimensions: number): Float32Array<ArrayBuffer> {
  const vector = new Float32Array(dimensions);
  for (const word of words) {
    let hash = 0x811c9dc5;
    for (let at = 0; at < word.length; at++) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
    const place = (hash >>> 1) % dimensions;
    vector[place] = (vector[place] ?? 0) + 1;
  }
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}
