import type { Endpoint } from './endpoint.ts';
import { EmbeddingsRequest } from './requests.ts';

/** Embeddings: vectors of texts. */
export const embeddings: Endpoint = {
  path: '/embeddings',
  operationId: 'createEmbeddings',
  summary: 'Create embeddings',
  schema: EmbeddingsRequest,
  input: 'input',
  isChat: false,
  countsStreams: false,
  isJson: true,
  operation: 'embeddings',
  kind: 'embedding',
  estimates: false,
  replies: { 'application/json': 'Embeddings' },
};
