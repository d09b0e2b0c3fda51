import { ApiError } from '../../errors.ts';
import type { Backend } from '../backend.ts';
import { errorWords } from './error-words.ts';
import { object, text } from './json-fields.ts';

/** Members of an error that are words for people. */
const FOR_PEOPLE = ['message', 'Message', 'msg', 'error', 'error_message', 'error_msg', 'detail', 'description', 'raw'];

/** The words for people in the body of an error; empty where it has none. */
export function wordsIn(body: string): string {
  return [...new Set(errorWords(body).all(...FOR_PEOPLE))].join('; ');
}

/** A backend whose failures tell clients what its server said, for `errorDetail`. */
export function withErrorDetail(backend: Backend): Backend {
  const { forward } = backend;
  return {
    ...backend,
    ...(forward && {
      forward(...request) {
        const { stream } = forward(...request);
        return { stream: (...given) => telling(stream(...given)) };
      },
    }),
    prepare(call, profile) {
      const { stream, countTokens, ...prepared } = backend.prepare(call, profile);
      return {
        ...prepared,
        stream: (signal, options) => telling(stream(signal, options)),
        ...(countTokens && {
          countTokens: (signal: AbortSignal, personality?: string | null) =>
            countTokens(signal, personality).catch(throwDetailed),
        }),
      };
    },
  };
}

/** The same events; what they fail with is told. */
function telling<E>(events: AsyncIterable<E>): AsyncIterable<E> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = events[Symbol.asyncIterator]();
      return {
        next: () => iterator.next().catch(throwDetailed),
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}

function throwDetailed(error: unknown): never {
  if (!(error instanceof ApiError)) throw error;
  const detail = wordsIn(text(object(error.cause).body));
  if (detail === '') throw error;
  const { kind, message, param, reason, headers, context, cause } = error;
  throw new ApiError(kind, message, {
    param,
    ...(reason && { reason }),
    headers,
    ...(context && { context }),
    cause,
    detail,
  });
}
