import { type Check, checkChat, checkChatStream, checkResponse, checkResponseStream } from './check.ts';
import type { Answer } from './connection.ts';
import { newNonce, promptOf, type Shape, tagOf, tailOf } from './text.ts';

/** What a server is spoken to in. */
export type Language = 'chat' | 'chat stream' | 'responses' | 'responses stream';

/** One request as it goes over the wire, and the check of its answer, which gives the text deltas in it. */
export interface Ask {
  nonce: string;
  /** What the model says. */
  text: string;
  request: string;
  check(answer: Answer): number;
}

interface Kind {
  path: string;
  body(prompt: string): object;
  check: Check;
}

const CHAT = '/v1/chat/completions';
const RESPONSES = '/v1/responses';
const model = 'bench';
const user = (content: string) => [{ role: 'user', content }];

const kinds: Record<Language, Kind> = {
  chat: { path: CHAT, body: (prompt) => ({ model, messages: user(prompt) }), check: checkChat },
  'chat stream': { path: CHAT, body: (prompt) => chatStream(user(prompt)), check: checkChatStream },
  responses: { path: RESPONSES, body: (input) => ({ model, input }), check: checkResponse },
  'responses stream': {
    path: RESPONSES,
    body: (input) => ({ model, input, stream: true }),
    check: checkResponseStream,
  },
};

/** A streamed chat completion's request, as the handler makes it. */
export function chatStream(messages: readonly object[]): object {
  return { model, messages, stream: true, stream_options: { include_usage: true } };
}

/** A maker of requests in a language for a shape, each with a nonce of its own; `more` are members of the body. */
export function asker(language: Language, shape: Shape, promptLength = 100, more: object = {}): () => Ask {
  const { path, body, check } = kinds[language];
  const sample = newNonce();
  const prompt = promptOf(tagOf(sample, shape), promptLength);
  const [before = '', after = ''] = post(path, { ...body(prompt), ...more }).split(sample);
  const tail = tailOf(shape).join('');
  return () => {
    const nonce = newNonce();
    const text = nonce + tail;
    return { nonce, text, request: before + nonce + after, check: (answer) => check(answer, text) };
  };
}

/** A request as it goes over the wire; the body must be ASCII. */
export function post(path: string, body: object): string {
  const text = JSON.stringify(body);
  const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json`;
  return `${head}\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
}
