import type { ErrorKind } from '../../../errors.ts';
import type { OperationWords } from './operation-words.ts';
import type { MemberWords } from './usage.ts';

const model = 'qwen3';

const textUsage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 };

/** The operations whose requests are passed on; all of them fail in these ways. */
export function forwardedOperations(errors: readonly ErrorKind[]): Readonly<Record<string, OperationWords>> {
  const tag = 'Other APIs';
  const message = { role: 'user', content: 'Say hello.' };
  return {
    createChatCompletion: {
      tag,
      errors,
      description:
        'A chat completion, by a server with `backend: chat`. Nothing of it is kept here. Usage is always asked for, and the chunk with it given to who asked.',
      requests: {
        'a text': { model, messages: [message] },
        streamed: { model, messages: [message], stream: true, stream_options: { include_usage: true } },
      },
      replies: {
        'application/json': {
          ...{ id: 'chatcmpl-1', object: 'chat.completion', created: 1_798_761_600, model },
          choices: [{ index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }],
          usage: textUsage,
        },
      },
    },
    createCompletion: {
      tag,
      errors,
      description: 'The older API, without messages.',
      requests: { 'a text': { model, prompt: 'Once upon a time', max_tokens: 16 } },
      replies: {
        'application/json': {
          ...{ id: 'cmpl-1', object: 'text_completion', created: 1_798_761_600, model },
          choices: [{ index: 0, text: 'Hello.', finish_reason: 'stop' }],
          usage: textUsage,
        },
      },
    },
    rerank: {
      tag,
      errors,
      description:
        'The documents that have most to do with a question, as vLLM, Jina and Cohere have it; OpenAI has no such API.',
      requests: { 'two documents': { model, query: 'What is an oak?', documents: ['A tree.', 'A fish.'] } },
      replies: { 'application/json': { results: [{ index: 0, relevance_score: 0.9 }] } },
    },
    createModeration: {
      tag,
      errors,
      description: 'What is wrong with a text or an image.',
      requests: { 'a text': { model, input: 'Hello.' } },
      replies: { 'application/json': { id: 'modr-1', model, results: [{ flagged: false }] } },
    },
    createImage: {
      tag,
      errors,
      description: 'Images of a text.',
      requests: { 'a text': { model, prompt: 'An oak.' } },
      replies: { 'application/json': { created: 1_798_761_600, data: [{ b64_json: 'iVBORw0KGgo=' }] } },
    },
    createSpeech: {
      tag,
      errors,
      description: 'A text, said aloud: sound in the format that was asked for, as it is made.',
      requests: { 'a text': { model, input: 'Hello.', voice: 'alloy' } },
    },
    createTranscription: {
      tag,
      errors,
      description:
        'What is said in a sound, as text, or in the format that was asked for. The form is passed on as it came.',
      requests: { 'a sound': { model, file: '(a file)' } },
      replies: { 'application/json': { text: 'Hello.' } },
    },
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
  ...Object.fromEntries(
    [
      ...['ChatRequest', 'CompletionRequest', 'EmbeddingsRequest', 'RerankRequest', 'ModerationRequest'],
      ...['ImageRequest', 'SpeechRequest'],
    ].map((name): [string, MemberWords] => [
      `${name}.model`,
      ['The model that is asked, as `models` in the configuration names it.', model],
    ]),
  ),
  'ChatRequest.messages': ['What was said.'],
  'RerankRequest.documents': ['What is ordered: texts, or objects with one.', ['A tree.', 'A fish.']],
  'Ranking.results': ['The documents by their places in the request, the best first.'],
  'Moderation.id': ['The id of the reply.', 'modr-1'],
  'Moderation.results': ['What was found, for each input.'],
  'ImageRequest.stream': ['Whether parts of an image come as they are made.'],
  'Images.data': ['The images.'],
  'ImageEvent.type': ['What it has.', 'image_generation.completed'],
  'Transcription.text': ['What was said.', 'Hello.'],
  'TranscriptionEvent.type': ['What it has.', 'transcript.text.delta'],
  'ChatRequest.stream': ['Whether the answer comes as it is made.'],
  'CompletionRequest.stream': ['Whether the answer comes as it is made.'],
  'ChatRequest.stream_options': ['Only beside `stream: true`.'],
  'CompletionRequest.stream_options': ['Only beside `stream: true`.'],
  'stream_options.include_usage': ['Whether the last chunk says the tokens.'],
  'ChatRequest.prompt_cache_key': ['Requests with the same one prefer the same server.', 'support-agent'],
  choices: ['The answers.'],
  'ChatCompletion.object': ['`chat.completion`.', 'chat.completion'],
  'ChatCompletionChunk.object': ['`chat.completion.chunk`.', 'chat.completion.chunk'],
  'Completion.object': ['`text_completion`.', 'text_completion'],
  created: ['Seconds since 1970.', 1_798_761_600],
  'Embeddings.object': ['`list`.', 'list'],
  'Embeddings.data': ['A vector for each text.'],
  'Embeddings.usage': ['The tokens of the texts.'],
};
