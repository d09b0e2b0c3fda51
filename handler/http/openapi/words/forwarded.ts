import type { ErrorKind } from '../../../errors.ts';
import type { OperationWords } from './operation-words.ts';
import type { MemberWords } from './usage.ts';

const model = 'qwen3';

/** The operations whose requests are passed on; all of them fail in these ways. */
export function forwardedOperations(errors: readonly ErrorKind[]): Readonly<Record<string, OperationWords>> {
  const tag = 'Other APIs';
  return {
    createEmbeddings: {
      tag,
      errors,
      description: 'Vectors of texts, as the server of the model makes them.',
      requests: {
        'a text': { model, input: 'Hello.' },
        'several, cut short': { model, input: ['Hello.', 'Bye.'], dimensions: 2 },
      },
      replies: {
        'application/json': {
          object: 'list',
          data: [{ object: 'embedding', index: 0, embedding: [0.6, 0.8] }],
          model,
          usage: { prompt_tokens: 2, total_tokens: 2 },
        },
      },
    },
  };
}

/** The members of their requests and replies. */
export const forwardedWords: Readonly<Record<string, MemberWords>> = {
  'EmbeddingsRequest.model': ['The model that is asked.', model],
  'Embeddings.object': ['`list`.', 'list'],
  'Embeddings.data': ['A vector for each text.'],
  'Embeddings.usage': ['The tokens of the texts.'],
};
