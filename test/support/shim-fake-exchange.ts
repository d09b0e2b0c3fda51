import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpBody, ProcessingRequest, ProcessingResponse } from '../../shim/messages.ts';
import type { Exchange, Log, SessionOptions } from '../../shim/session.ts';

/** An Exchange in memory: for order, coalescing and limits only; what the wire really does is Envoy's tests' to say. */
export class FakeExchange implements Exchange {
  readonly sent: ProcessingResponse[] = [];
  /** When set, what `send` answers: a peer that takes nothing more. */
  blocked: Promise<void> | undefined;
  readonly #left = new AbortController();
  readonly #queue: ProcessingRequest[] = [];
  #wake = () => {};
  #ended = false;

  get signal(): AbortSignal {
    return this.#left.signal;
  }

  push(...messages: ProcessingRequest[]): this {
    this.#queue.push(...messages);
    this.#wake();
    return this;
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  leave(): void {
    this.#left.abort();
    this.end();
  }

  send(message: ProcessingResponse): Promise<void> {
    this.sent.push(message);
    return this.blocked ?? Promise.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ProcessingRequest> {
    for (;;) {
      const message = this.#queue.shift();
      if (message) yield message;
      else if (this.#ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  /** Status and body of the one whole reply. */
  get whole(): { status: number | undefined; body: string; headers: string[] } {
    const reply = this.sent.find((message) => message.immediate_response)?.immediate_response;
    return {
      status: reply?.status.code,
      body: Buffer.from(reply?.body ?? []).toString(),
      headers: (reply?.headers.set_headers ?? []).map(({ header }) => `${header.key}: ${header.raw_value}`),
    };
  }

  /** The bodies of a streamed reply's pieces, the last one marked. */
  get pieces(): string[] {
    return this.sent.flatMap(({ streamed_immediate_response: piece }) =>
      piece && 'body_response' in piece
        ? [`${Buffer.from(piece.body_response.body)}${piece.body_response.end_of_stream ? '|end' : ''}`]
        : [],
    );
  }
}

/** The first message of a stream; mode 4 is FULL_DUPLEX_STREAMED, 2 BUFFERED. */
export function head(method: string, { mode = 4, end = method === 'GET', headers = {} } = {}): ProcessingRequest {
  const all = { ':method': method, ':path': '/x', ':scheme': 'http', ':authority': 'host', ...headers };
  return {
    request_headers: {
      headers: { headers: Object.entries(all).map(([key, value]) => ({ key, raw_value: Buffer.from(value) })) },
      end_of_stream: end,
    },
    protocol_config: { request_body_mode: mode },
  };
}

/** A chunk of a request's body. */
export function chunk(text: string, end_of_stream = false): { request_body: HttpBody } {
  return { request_body: { body: Buffer.from(text), end_of_stream } };
}

/** Options with a log that can be read; limits small enough to reach. */
export function options(limits: Partial<SessionOptions['limits']> = {}): SessionOptions & { lines: string[] } {
  const lines: string[] = [];
  const log: Log = (level, message) => void lines.push(`${level}: ${message}`);
  return { lines, log, limits: { body: 100, reply: 100, time: 600_000, ...limits } };
}

/** A streamed Response of the given events, each enqueued `gap` ms after the one before; 0 is the same tick. */
export function events(texts: readonly string[], gap = 0, onCancel = () => {}): Response {
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      try {
        for (const text of texts) {
          if (gap > 0) await sleep(gap);
          controller.enqueue(Buffer.from(text));
        }
        controller.close();
      } catch {}
    },
    cancel: onCancel,
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}
