/** A model server's reply: its status and headers at once, its body as it arrives. */
export interface Upstream {
  status: number;
  /** The value of a header, by its name in lower case; null when absent. */
  header(name: string): string | null;
  body: AsyncIterable<Uint8Array>;
}

/** How one server is connected to, where it is not as any other. What has the same object shares connections. */
export interface ServerConnection {
  /** The certificates of authorities that are trusted for it, as PEM, in place of those that the runtime trusts. */
  readonly ca?: string | undefined;
  /** A proxy on the way, `http://HOST:PORT` with or without a user and a password: a tunnel for https, else it passes requests on. */
  readonly proxy?: string | undefined;
  /** The milliseconds in which a connection has to be made. Default: 10 s, or the runtime's. */
  readonly connect?: number | undefined;
}

/** What is sent, beside where. */
export interface TransportInit {
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string | Uint8Array;
  signal: AbortSignal;
  connection?: ServerConnection | undefined;
}

/**
 * How a backend reaches its model server: one HTTP request, rejected when there is no connection, ended when the
 * signal aborts or the body is abandoned. Injected, since the global `fetch` costs a Node process more than the
 * rest of the request does.
 */
export interface Transport {
  (url: string, init: TransportInit): Promise<Upstream>;
  /** Whether it heeds `connection`; configurations that need that are refused where it does not. Default: no. */
  readonly connects?: boolean;
}

/** A transport over the runtime's own `fetch`, for the edge. */
export function fetchTransport(fetch: typeof globalThis.fetch): Transport {
  return async (url, init) => {
    const { connection: _, ...request } = init;
    // A body of bytes is one of a fetch, whatever its buffer is.
    const response = await fetch(url, { ...(request as RequestInit), redirect: 'manual' });
    // Deno 2.9 forgets the signal of a fetch whose Response is garbage, though its body is still being read.
    init.signal.addEventListener('abort', () => response, { once: true });
    return {
      status: response.status,
      header: (name) => response.headers.get(name),
      body: { [Symbol.asyncIterator]: () => chunksOf(response.body) },
    };
  };
}

/** The chunks of a body. A stream's own iterator would not close the connection before the chunk that it waits for has come. */
function chunksOf(body: ReadableStream<Uint8Array> | null): AsyncIterator<Uint8Array, undefined> {
  const end = { done: true, value: undefined } as const;
  const reader = body?.getReader();
  return {
    async next() {
      const step = await reader?.read();
      return step?.value ? { done: false, value: step.value } : end;
    },
    async return() {
      await reader?.cancel().catch(() => {}); // it has failed, and is closed
      return end;
    },
  };
}
