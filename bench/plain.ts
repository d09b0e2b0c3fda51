import { chunked, STREAM_END, STREAM_HEAD, serve, whole } from './serve.ts';
import { findTag, NONCE } from './text.ts';

/** Answers of the product, in which NONCE stands for the nonce. */
export interface Templates {
  json: string;
  stream: string;
}

/**
 * The floor's upstream: it answers what the product would answer, as long and with the request's own nonce, and does
 * nothing for it. Its parent sends the templates; it tells when it listens.
 */
function start(port: number, { json, stream }: Templates): void {
  const pieces = {
    json: whole('application/json', json).split(NONCE),
    stream: (STREAM_HEAD + chunked(stream) + STREAM_END).split(NONCE),
  };
  serve(
    port,
    ({ body }, socket) => {
      const kind = body.lastIndexOf('"stream":true') >= 0 ? 'stream' : 'json';
      socket.write(pieces[kind].join(findTag(body).nonce), 'latin1');
    },
    () => process.send?.('ready'),
  );
}

process.once('message', (templates: Templates) => start(Number(process.argv[2]), templates));
