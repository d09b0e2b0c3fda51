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
  init: { method: 'GET' | 'POST'; headers: Record<string, string>; body?: string; signal: AbortSignal },
) => Promise<Upstream>;

/** A transport over the runtime's own `fetch`, for the edge. */
export function fetchTransport(fetch: typeof globalThis.fetch): Transport {
  return async (url, init) => {
    const response = await fetch(url, { ...init, redirect: 'manual' });
    // Deno 2.9 forgets the signal of a fetch whose Response is garbage, though its body is still being read.
    init.signal.addEventListener('abort', () => response, { once: true });
    return {
      status: response.status,
      header: (name) => response.headers.get(name),
      body: response.body ?? new ReadableStream({ start: (controller) => controller.close() }),
    };
  };
}
