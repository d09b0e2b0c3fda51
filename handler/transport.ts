/** A model server's reply: its status and headers at once, its body as it arrives. */
export interface Upstream {
  status: number;
  /** The value of a header, by its name in lower case; null when absent. */
  header(name: string): string | null;
  body: AsyncIterable<Uint8Array>;
}

/**
 * How a backend reaches its model server: one HTTP request, rejected when there is no connection, ended when the
 * signal aborts or the body is abandoned. Injected, since the global `fetch` costs a Node process more than the
 * rest of the request does.
 */
export type Transport = (
  url: string,
  init: { method: 'GET' | 'POST'; headers: Record<string, string>; body?: string | Uint8Array; signal: AbortSignal },
) => Promise<Upstream>;

/** A transport over the runtime's own `fetch`, for the edge. */
export function fetchTransport(fetch: typeof globalThis.fetch): Transport {
  return async (url, init) => {
    // A body of bytes is one of a fetch, whatever its buffer is.
    const response = await fetch(url, { ...(init as RequestInit), redirect: 'manual' });
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
