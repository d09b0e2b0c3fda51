import { createServer, type Socket } from 'node:net';

/** A request, of which only what the bench's own servers look at is read. */
export interface Asked {
  method: string;
  path: string;
  body: string;
}

/**
 * Answers the requests of HTTP/1.1 connections, one at a time on each. Node's own server would take more CPU for a request
 * than the fastest server that is measured beside it. Bodies must be ASCII, and their length told.
 */
export function serve(port: number, answer: (asked: Asked, socket: Socket) => void, ready: () => void): void {
  const server = createServer({ noDelay: true }, (socket) => {
    let input = '';
    socket.setEncoding('latin1');
    socket.on('error', () => {}); // who is measured may close at any time
    socket.on('data', (text: string) => {
      input = input === '' ? text : input + text;
      const head = input.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(LENGTH.exec(input)?.[1] ?? 0);
      const end = head + 4 + length;
      if (input.length < end) return;
      const [method = '', path = ''] = input.slice(0, input.indexOf('\r\n')).split(' ');
      const body = input.slice(head + 4, end);
      input = input.slice(end);
      answer({ method, path, body }, socket);
    });
  });
  server.listen(port, '127.0.0.1', ready);
}

const LENGTH = /\r\ncontent-length: *(\d+)/i;

/** A whole answer as it goes over the wire. */
export function whole(type: string, body: string, status = '200 OK'): string {
  return `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

/** The head of an answer in chunks. */
export const STREAM_HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n';

/** A part of a streamed answer as it goes over the wire. */
export function chunked(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

/** The end of a streamed answer. */
export const STREAM_END = '0\r\n\r\n';
