import { replies, type Script } from './scripted.ts';

/** Embeddings as OpenAI's server has them, of each text the same. */
export const embeds: Script = (turn) => {
  const inputs = [turn.body.input].flat();
  const data = inputs.map((_, index) => ({ object: 'embedding', index, embedding: [0.6, 0.8] }));
  const usage = { prompt_tokens: 2 * inputs.length, total_tokens: 2 * inputs.length };
  return replies(200, { object: 'list', data, model: turn.body.model, usage })(turn);
};

/** What a server answers at each path whose requests are passed on. */
export const forwardedScripts: Readonly<Record<string, Script>> = {
  '/v1/embeddings': embeds,
};
