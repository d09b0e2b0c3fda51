import type { Readable, Transform } from 'node:stream';
import zlib from 'node:zlib';
import type { Dispatcher } from 'undici';
import { EgressError, type OutgoingReply } from '../handler/egress/egress.ts';

/** Decoders of the encodings that are asked for. Each waits for its reader, so a bomb is decoded no further than it is read. */
const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => zlib.createGunzip(),
  br: () => zlib.createBrotliDecompress(),
};

/** What a request says of them. */
export const acceptEncoding = Object.keys(DECODERS).join(', ');

/** A reply with its body decoded; throws an EgressError for an encoding that was not asked for. */
export function decodedBody({
  statusCode: status,
  headers: given,
  body,
}: Dispatcher.ResponseData<unknown>): OutgoingReply {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) for (const one of [value ?? []].flat()) headers.append(name, one);
  const [encoding, ...others] = (headers.get('content-encoding') ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  for (const name of ['content-encoding', 'content-length']) if (encoding !== undefined) headers.delete(name);
  const decoder = encoding === undefined || !Object.hasOwn(DECODERS, encoding) ? undefined : DECODERS[encoding];
  if ((encoding !== undefined && !decoder) || others.length > 0)
    throw new EgressError('encoding', 'The reply is in a content-encoding that was not asked for.');
  return { status, headers, body: bodyOf(decoder ? decoded(body, decoder()) : body, body) };
}

function decoded(body: Readable, decoder: Transform): Readable {
  body.on('error', (error) => decoder.destroy(error));
  decoder.on('error', () => {}); // its reader hears of it
  return body.pipe(decoder);
}

function bodyOf(stream: Readable, connection: Readable) {
  const chunks: AsyncIterator<Uint8Array> = stream[Symbol.asyncIterator]();
  let hasEnded = false;
  return {
    async read() {
      const { done, value } = await chunks.next();
      hasEnded ||= done === true;
      return done ? undefined : value;
    },
    close() {
      if (hasEnded) return;
      hasEnded = true;
      stream.destroy();
      connection.destroy();
    },
  };
}
