import { replies, type Script } from './scripted.ts';

/** Embeddings as OpenAI's server has them, of each text the same. */
export const embeds: Script = (turn) => {
  const inputs = [turn.body.input].flat();
  const data = inputs.map((_, index) => ({ object: 'embedding', index, embedding: [0.6, 0.8] }));
  const usage = { prompt_tokens: 2 * inputs.length, total_tokens: 2 * inputs.length };
  return replies(200, { object: 'list', data, model: turn.body.model, usage })(turn);
};

const USAGE = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 };

/** A chat completion, or one of a text, streamed where that is asked for. */
export const completes: Script = async (turn) => {
  const { model, messages, stream, stream_options } = turn.body;
  const about = { id: 'chatcmpl-1', object: messages ? 'chat.completion' : 'text_completion', created: 1, model };
  const said = (content: string) => (messages ? { message: { role: 'assistant', content } } : { text: content });
  if (!stream) {
    const choices = [{ index: 0, ...said('Hello.'), finish_reason: 'stop' }];
    return turn.reply(200, { ...about, choices, usage: USAGE });
  }
  const chunk = (choices: object[], more: object = {}) =>
    turn.raw(`data: ${JSON.stringify({ ...about, object: `${about.object}.chunk`, choices, ...more })}\n\n`);
  const delta = (content: string) => (messages ? { delta: { content } } : { text: content });
  for (const text of ['Hel', 'lo.']) await chunk([{ index: 0, ...delta(text), finish_reason: null }]);
  await chunk([{ index: 0, ...delta(''), finish_reason: 'stop' }]);
  if (stream_options?.include_usage) await chunk([], { usage: USAGE });
  await turn.raw('data: [DONE]\n\n');
  turn.end();
};

/** What a server answers at each path whose requests are passed on. */
export const forwardedScripts: Readonly<Record<string, Script>> = {
  '/v1/chat/completions': completes,
  '/v1/completions': completes,
  '/v1/embeddings': embeds,
  '/v1/rerank': replies(200, { results: [{ index: 0, relevance_score: 0.9 }] }),
  '/v1/moderations': replies(200, { id: 'modr-1', model: 'm', results: [{ flagged: false }] }),
  '/v1/images/generations': replies(200, { created: 1, data: [{ b64_json: 'iVBORw0KGgo=' }] }),
  '/v1/audio/speech': replies(200, 'sound', { 'content-type': 'audio/mpeg' }),
  '/v1/audio/transcriptions': replies(200, { text: 'Hello.' }),
};
