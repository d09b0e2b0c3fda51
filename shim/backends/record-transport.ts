import type { Transport, TransportInit, Upstream } from '../../handler/index.ts';

/** The start of a body that is kept, in characters. */
const START = 16_384;

/** What went over the wire for one request to a model server. */
export interface Exchange {
  method: 'GET' | 'POST';
  url: string;
  /** The reply's; undefined where none came. */
  status?: number;
  header?(name: string): string | null;
  /** The start of the body, as far as it was read. */
  start: string;
  /** The pieces in which the body came. */
  pieces: number;
  /** Why there is no reply, or no more of one. */
  error?: unknown;
}

/** A transport that tells what went over it. */
export interface RecordedTransport {
  transport: Transport;
  exchanges: Exchange[];
}

/** Records what goes over a transport; what is sent and read stays as it is. */
export function recordTransport(transport: Transport): RecordedTransport {
  const exchanges: Exchange[] = [];
  const recorded = async (url: string, init: TransportInit): Promise<Upstream> => {
    const exchange: Exchange = { method: init.method, url, start: '', pieces: 0 };
    exchanges.push(exchange);
    const failed = (error: unknown): never => {
      exchange.error = error;
      throw error;
    };
    const reply = await transport(url, init).catch(failed);
    exchange.status = reply.status;
    exchange.header = reply.header;
    const decoder = new TextDecoder();
    return {
      ...reply,
      body: {
        [Symbol.asyncIterator]() {
          const chunks = reply.body[Symbol.asyncIterator]();
          return {
            async next() {
              const step = await chunks.next().catch(failed);
              if (step.done) return step;
              exchange.pieces++;
              if (exchange.start.length < START) {
                exchange.start = (exchange.start + decoder.decode(step.value, { stream: true })).slice(0, START);
              }
              return step;
            },
            return: async () => (await chunks.return?.()) ?? { done: true, value: undefined },
          };
        },
      },
    };
  };
  const { connects = false } = transport;
  return { exchanges, transport: Object.assign(recorded, { connects }) };
}
