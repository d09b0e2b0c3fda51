import type { JsonSchema } from './json-schema.ts';

const text = { type: 'string' };
const list = { type: 'array', items: { type: 'object' } };
const object = { type: 'object' };

function reply(properties: Record<string, JsonSchema>): JsonSchema {
  return { type: 'object', properties, required: Object.keys(properties) };
}

const completion = reply({ id: text, object: text, created: { type: 'integer' }, model: text, choices: list });

/** What servers answer to requests that are passed on, as OpenAI's own does: nothing is made of it here. */
export const forwardedReplies: Readonly<Record<string, JsonSchema>> = {
  ChatCompletion: completion,
  ChatCompletionChunk: completion,
  Completion: completion,
  Ranking: reply({ results: list }),
  Moderation: reply({ id: text, model: text, results: list }),
  Images: reply({ created: { type: 'integer' }, data: list }),
  ImageEvent: reply({ type: text }),
  Transcription: reply({ text }),
  TranscriptionEvent: reply({ type: text }),
  Embeddings: reply({ object: text, data: list, model: text, usage: object }),
};
