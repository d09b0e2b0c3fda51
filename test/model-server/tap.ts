import type { Transport, Upstream } from '../../handler/index.ts';

/** One request of the product to the server, and what came back. */
export interface Exchange {
  path: string;
  asked: string;
  status: number;
  /** The reply so far, as it was sent. */
  said: string;
}

/** A transport that is listened to. */
export interface Tap {
  transport: Transport;
  /** In the order in which they began. */
  exchanges: Exchange[];
}

/** Listens to a transport and changes nothing: what the server said is what the product must have made its reply of. */
export function tap(transport: Transport): Tap {
  const exchanges: Exchange[] = [];
  return {
    exchanges,
    async transport(url, init) {
      const exchange = { path: new URL(url).pathname, asked: String(init.body ?? ''), status: 0, said: '' };
      exchanges.push(exchange);
      const upstream = await transport(url, init);
      exchange.status = upstream.status;
      return { ...upstream, body: heard(upstream, exchange) };
    },
  };
}

async function* heard({ body }: Upstream, exchange: Exchange): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    exchange.said += decoder.decode(chunk, { stream: true });
    yield chunk;
  }
}
