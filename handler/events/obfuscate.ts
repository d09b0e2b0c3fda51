import type { CreateRequest } from '../protocol/request.ts';
import type { ResponseEvent } from './events.ts';

/** The block size of the padding, in characters, so that sizes of deltas reveal little of the text. */
const BLOCK_LENGTH = 16;

/** The events as `stream_options` asks for them. */
export function withObfuscation<R>(
  events: AsyncGenerator<ResponseEvent, R>,
  { stream_options }: Pick<CreateRequest, 'stream_options'>,
): AsyncGenerator<ResponseEvent, R> {
  return stream_options?.include_obfuscation ? obfuscate(events) : events;
}

/** Events whose deltas carry an `obfuscation` of random letters, as `stream_options.include_obfuscation` asks. */
async function* obfuscate<R>(events: AsyncGenerator<ResponseEvent, R>): AsyncGenerator<ResponseEvent, R> {
  for (;;) {
    const next = await events.next();
    if (next.done) return next.value;
    const event = next.value;
    if ('delta' in event && typeof event.delta === 'string') {
      // The event types do not all declare `obfuscation`.
      yield { ...event, obfuscation: letters(BLOCK_LENGTH - (event.delta.length % BLOCK_LENGTH)) } as ResponseEvent;
    } else yield event;
  }
}

function letters(count: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(count));
  return Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_';
