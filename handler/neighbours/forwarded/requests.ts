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

/** A request to order documents by what they have to do with a question. */
export const RerankRequest = v.looseObject({ model: v.string(), documents: v.array(v.union([v.string(), AnyObject])) });

/** A request to say what is wrong with a text or an image. */
export const ModerationRequest = v.looseObject({ model: v.optional(v.string(), 'omni-moderation-latest') });

/** A request for images of a text. */
export const ImageRequest = v.looseObject({ model: v.string(), stream: maybe(v.boolean()) });

/** A request to say a text aloud. */
export const SpeechRequest = v.looseObject({ model: v.string() });
