import type { ApiError } from '../../errors.ts';
import { errorWords } from '../server/error-words.ts';
import { object, text } from '../server/json-fields.ts';

/**
 * Whether a request was refused for earlier thinking. Newer models accept it only behind unchanged instructions,
 * tools and messages, which our clients may change between turns.
 */
export function isAboutThinking(failure: ApiError): boolean {
  return failure.param === 'input' && /thinking/.test(messageOf(failure));
}

/** The model's maximum of output tokens, from an error that refuses more. */
export function boundIn(failure: ApiError): number | undefined {
  if (failure.param !== 'max_output_tokens') return undefined;
  const bound = Number(/^\W*max_tokens: \d+ > (\d+)/.exec(messageOf(failure))?.[1]);
  return bound > 0 ? bound : undefined;
}

function messageOf({ cause }: ApiError): string {
  return errorWords(text(object(cause).body)).all('message')[0] ?? '';
}
