import type { Transport } from '../../handler/index.ts';

/**
 * A transport whose bodies arrive in pieces of the sizes given, over and over, and at least one byte each,
 * beside where the network cut them.
 */
export function splitting(transport: Transport, sizes: readonly number[]): Transport {
  return async (url, init) => {
    const upstream = await transport(url, init);
    return { ...upstream, body: pieces(upstream.body, sizes) };
  };
}

async function* pieces(body: AsyncIterable<Uint8Array>, sizes: readonly number[]) {
  let turn = 0;
  for await (const chunk of body) {
    for (let from = 0; from < chunk.length; ) {
      const size = Math.max(1, sizes[turn++ % sizes.length] ?? chunk.length);
      yield chunk.subarray(from, from + size);
      from += size;
    }
  }
}
