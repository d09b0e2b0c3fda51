import * as v from 'valibot';
import { AnyObject, maybe } from '../../protocol/fields.ts';

// The members of requests that are read here; all others are passed on as they are.

const streamed = {
  stream: maybe(v.boolean()),
  stream_options: maybe(v.looseObject({ include_usage: maybe(v.boolean()) })),
};

/** A request for a chat completion. */
export const ChatRequest = v.looseObject({
  model: v.string(),
  messages: v.array(AnyObject),
  ...streamed,
  prompt_cache_key: maybe(v.string()),
});

/** A request for a completion of a text. */
export const CompletionRequest = v.looseObject({ model: v.string(), ...streamed });

/** A request for embeddings. */
export const EmbeddingsRequest = v.looseObject({ model: v.string() });
