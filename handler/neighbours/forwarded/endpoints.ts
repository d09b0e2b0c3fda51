import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { Endpoint } from './endpoint.ts';
import {
  ChatRequest,
  CompletionRequest,
  EmbeddingsRequest,
  ImageRequest,
  ModerationRequest,
  RerankRequest,
  SpeechRequest,
} from './requests.ts';

/** What most of them are: JSON in and out, whose tokens are counted by servers. */
const PLAIN = { input: 'input', isChat: false, countsStreams: false, isJson: true, estimates: false } as const;

/** What makes text: it can be streamed, and its tokens are estimated where nobody counts them. */
const TEXT = { ...PLAIN, countsStreams: true, estimates: true } as const;

/** All of them. */
export const endpoints: readonly Endpoint[] = [
  {
    ...TEXT,
    path: '/chat/completions',
    operationId: 'createChatCompletion',
    summary: 'Create a chat completion',
    schema: ChatRequest,
    input: 'messages',
    isChat: true,
    sessionOf: chatSession,
    operation: 'chat',
    kind: 'chat',
    replies: { 'application/json': 'ChatCompletion', 'text/event-stream': 'ChatCompletionChunk' },
  },
  {
    ...TEXT,
    path: '/completions',
    operationId: 'createCompletion',
    summary: 'Create a completion',
    schema: CompletionRequest,
    input: 'prompt',
    sessionOf: ({ prompt }) => textOf(prompt),
    operation: 'text_completion',
    kind: 'completion',
    replies: { 'application/json': 'Completion', 'text/event-stream': 'Completion' },
  },
  {
    ...PLAIN,
    path: '/embeddings',
    operationId: 'createEmbeddings',
    summary: 'Create embeddings',
    schema: EmbeddingsRequest,
    operation: 'embeddings',
    kind: 'embedding',
    replies: { 'application/json': 'Embeddings' },
  },
  {
    ...PLAIN,
    path: '/rerank',
    operationId: 'rerank',
    summary: 'Order documents by a question',
    schema: RerankRequest,
    input: 'documents',
    operation: 'rerank',
    kind: 'rerank',
    replies: { 'application/json': 'Ranking' },
  },
  {
    ...PLAIN,
    path: '/moderations',
    operationId: 'createModeration',
    summary: 'Classify content',
    schema: ModerationRequest,
    operation: 'moderation',
    kind: 'moderation',
    replies: { 'application/json': 'Moderation' },
  },
  {
    ...PLAIN,
    path: '/images/generations',
    operationId: 'createImage',
    summary: 'Create images',
    schema: ImageRequest,
    input: 'prompt',
    operation: 'image_generation',
    kind: 'image',
    replies: { 'application/json': 'Images', 'text/event-stream': 'ImageEvent' },
  },
  {
    ...PLAIN,
    path: '/audio/speech',
    operationId: 'createSpeech',
    summary: 'Say a text aloud',
    schema: SpeechRequest,
    isJson: false,
    operation: 'speech',
    kind: 'speech',
    replies: { 'application/octet-stream': { description: 'sound, in the format that was asked for' } },
  },
  {
    ...PLAIN,
    path: '/audio/transcriptions',
    operationId: 'createTranscription',
    summary: 'Write down what is said',
    schema: 'form',
    input: 'file',
    isJson: false,
    operation: 'transcription',
    kind: 'transcription',
    replies: { 'application/json': 'Transcription', 'text/event-stream': 'TranscriptionEvent' },
  },
];

/** The most characters of a text that tell sessions apart. */
const MAX_SESSION = 1_024;

/** What chats of one session have in common: the client's key, else the first thing that its user said. */
function chatSession({ messages, prompt_cache_key }: JsonObject): string {
  if (typeof prompt_cache_key === 'string') return prompt_cache_key;
  const all = Array.isArray(messages) ? messages.filter(isObject) : [];
  return textOf((all.find(({ role }) => role === 'user') ?? all[0])?.content);
}

function textOf(said: unknown): string {
  return (typeof said === 'string' ? said : (JSON.stringify(said) ?? '')).slice(0, MAX_SESSION);
}
