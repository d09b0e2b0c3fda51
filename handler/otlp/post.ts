import type { OtlpTarget } from './target.ts';

/** Posts a request of OTLP by the runtime's own `fetch`; rejects unless it was taken. A redirect is not followed: it would get the headers. */
export async function post({ url, headers, timeout, compressed }: OtlpTarget, body: Uint8Array): Promise<void> {
  const plain = body as Uint8Array<ArrayBuffer>; // shared memory is nowhere in a serializer
  const sent = compressed ? await gzipped(plain) : plain;
  const reply = await fetch(url, {
    method: 'POST',
    headers,
    body: sent,
    redirect: 'manual',
    signal: AbortSignal.timeout(timeout),
  });
  await reply.body?.cancel();
  if (!reply.ok) throw new Error(`status ${reply.status}`);
}

function gzipped(body: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  return new Response(new Blob([body]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer();
}
