import { createServer } from 'node:http';
import { findTag } from './text.ts';

/** Answers of the product, as it gave them to a request with `nonce`. */
export interface Templates {
  nonce: string;
  json: string;
  stream: string;
}

/**
 * The floor's upstream: it answers what the product would answer, as long and with the request's own nonce, and does
 * nothing for it. Its parent sends the templates; it tells when it listens.
 */
function serve(port: number, { nonce, json, stream }: Templates): void {
  const pieces = { json: json.split(nonce), stream: stream.split(nonce) };
  const server = createServer({ keepAliveTimeout: 75_000 }, (req, res) => {
    const parts: Buffer[] = [];
    req.on('data', (part: Buffer) => parts.push(part));
    req.on('end', () => {
      const body = Buffer.concat(parts);
      const asked = findTag(body).nonce;
      if (body.lastIndexOf('"stream":true') >= 0) {
        res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).end(pieces.stream.join(asked));
      } else {
        const reply = pieces.json.join(asked);
        res.writeHead(200, { 'content-type': 'application/json', 'content-length': reply.length }).end(reply);
      }
    });
  });
  server.listen(port, '127.0.0.1', () => process.send?.('ready'));
}

process.once('message', (templates: Templates) => serve(Number(process.argv[2]), templates));
