import * as v from 'valibot';

// The members of requests that are read here; all others are passed on as they are.

/** A request for embeddings. */
export const EmbeddingsRequest = v.looseObject({ model: v.string() });
