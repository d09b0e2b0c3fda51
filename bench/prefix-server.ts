import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

/** Characters of a token, and tokens of a block, which is cached as a whole: as vLLM does. */
const [TOKEN, BLOCK] = [4, 16];

/** Milliseconds of an answer: some, and some for each 1,000 tokens that its cache has not. */
const [ANSWER_MS, PREFILL_MS] = [20, 20];

/** A model server that answers nothing of sense, and has a prefix cache. */
export interface PrefixServer {
  port: number;
  /** Calls, tokens of their prompts, and how many of these its cache had. */
  calls: number;
  tokens: number;
  cached: number;
  close(): void;
}

/** Starts one on a port, whose cache holds so many tokens, those that were used last. */
export async function startPrefixServer(port: number, capacity: number): Promise<PrefixServer> {
  const cache = new PrefixCache(Math.floor(capacity / BLOCK));
  const server = createServer((request, response) => void answer(request, response));
  const seen: PrefixServer = { port, calls: 0, tokens: 0, cached: 0, close: () => void server.close() };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('content-type', 'application/json');
    if (request.method === 'GET') {
      response.end(JSON.stringify({ object: 'list', data: [{ id: 'bench', object: 'model' }] }));
      return;
    }
    const { messages, stream } = JSON.parse(await text(request));
    const prompt = messages.map(({ role, content }: Message) => `<${role}>${said(content)}`).join('');
    const tokens = Math.ceil(prompt.length / TOKEN);
    const cached = cache.take(prompt) * BLOCK;
    seen.calls++;
    seen.tokens += tokens;
    seen.cached += cached;
    await sleep(ANSWER_MS + ((tokens - cached) / 1_000) * PREFILL_MS);
    const content = wordsOf(prompt, 400);
    const usage = {
      prompt_tokens: tokens,
      completion_tokens: content.length / TOKEN,
      total_tokens: tokens + content.length / TOKEN,
      prompt_tokens_details: { cached_tokens: cached },
    };
    const whole = { id: 'chatcmpl-1', created: 1, model: 'bench' };
    const choice = { index: 0, finish_reason: 'stop' };
    if (!stream) {
      const choices = [{ ...choice, message: { role: 'assistant', content } }];
      response.end(JSON.stringify({ ...whole, object: 'chat.completion', choices, usage }));
      return;
    }
    response.setHeader('content-type', 'text/event-stream');
    const chunk = { ...whole, object: 'chat.completion.chunk', choices: [{ ...choice, delta: { content } }], usage };
    response.end(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`);
  }

  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return seen;
}

interface Message {
  role: string;
  content: string | { text: string }[];
}

function said(content: Message['content']): string {
  return typeof content === 'string' ? content : content.map((part) => part.text).join('');
}

/** Words without sense, always the same for a seed. */
export function wordsOf(seed: string, length: number): string {
  let words = '';
  for (let at = 0; words.length < length; at++)
    words += createHash('sha256').update(`${at} ${seed}`).digest('base64url');
  return words.slice(0, length);
}

/** The blocks that prompts began with, each by what stands before it as well. */
class PrefixCache {
  readonly #max: number;
  readonly #blocks = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  /** How many blocks of a prompt it had from the beginning on; has all of them afterwards, and forgets those not used for longest. */
  take(prompt: string): number {
    let before = '';
    let had = 0;
    let isHit = true;
    const blocks: string[] = [];
    for (let at = 0; at + BLOCK * TOKEN <= prompt.length; at += BLOCK * TOKEN) {
      before = createHash('sha256')
        .update(before + prompt.slice(at, at + BLOCK * TOKEN))
        .digest('base64');
      isHit &&= this.#blocks.has(before);
      if (isHit) had++;
      blocks.push(before);
    }
    // The last first, so that beginnings are forgotten after what stands behind them.
    for (const block of blocks.reverse()) {
      this.#blocks.delete(block);
      this.#blocks.add(block);
    }
    for (const block of this.#blocks) {
      if (this.#blocks.size <= this.#max) break;
      this.#blocks.delete(block);
    }
    return had;
  }
}
