import { once } from 'node:events';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import type { Attack } from './attack.ts';
import type { Answer, Target } from './target.ts';

const BOTH = ['http', 'envoy'] as const;

/** Opens a WebSocket, has `flood` send into it, reads nothing meanwhile, and gives `cut` when it was closed, else 101. */
async function flooded(target: Target, flood: (socket: WebSocket) => void, rounds: number): Promise<Answer> {
  const socket = new WebSocket(`ws://${target.host}:${target.port}/v1/responses`);
  socket.on('error', () => {});
  await Promise.race([once(socket, 'open'), once(socket, 'close')]);
  socket.pause();
  for (let n = 0; n < rounds && socket.readyState === WebSocket.OPEN; n++) {
    flood(socket);
    // What is not taken stays here: the attacker has a bound, too.
    while (socket.bufferedAmount > 4_000_000 && n < rounds) {
      n++;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  const open = socket.readyState === WebSocket.OPEN;
  socket.terminate();
  return open ? 101 : 'cut';
}

/** A connection that is written to byte by byte; `answer` is the status of what has come back, `cut` where nothing has. */
function rawConnection({ host, port }: Target) {
  const socket = connect(port, host);
  let text = '';
  socket.on('error', () => {}).on('data', (chunk) => (text += chunk));
  const closed = new Promise((resolve) => socket.on('close', resolve));
  return { socket, closed, answer: (): Answer => (text ? Number(text.split(' ')[1]) : 'cut') };
}

/** Sends the head of a request and a part of its body, and then nothing more. */
async function stalled(target: Target, bytes: number, wait: number): Promise<Answer> {
  const { socket, closed, answer } = rawConnection(target);
  const head = `POST /v1/responses HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 30000000\r\n\r\n`;
  socket.write(head);
  socket.write(Buffer.alloc(bytes, ' '));
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, wait))]);
  socket.destroy();
  return answer();
}

/** Sends a body in so many chunks of one byte. */
async function crumbled(target: Target, chunks: number): Promise<Answer> {
  const { socket, closed, answer } = rawConnection(target);
  socket.write(
    'POST /v1/responses HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n',
  );
  const piece = '1\r\n \r\n'.repeat(10_000);
  for (let sent = 0; sent < chunks && !socket.destroyed; sent += 10_000) {
    if (!socket.write(piece)) await Promise.race([closed, new Promise((resolve) => socket.once('drain', resolve))]);
  }
  socket.write('0\r\n\r\n');
  await closed;
  return answer();
}

/** Connections that stay open, are flooded, or are never read. */
export const sockets: Attack[] = [
  {
    name: 'pings without end, and no pong is read',
    doors: BOTH,
    times: 4,
    atOnce: 4,
    send: (target) =>
      flooded(
        target,
        (socket) => {
          for (let n = 0; n < 500; n++) socket.ping(Buffer.alloc(125));
        },
        1_500,
      ),
    answers: [101, 'cut'],
    grows: 200,
  },
  {
    name: 'messages without end that are refused, and no refusal is read',
    doors: BOTH,
    times: 4,
    atOnce: 4,
    send: (target) =>
      flooded(
        target,
        (socket) => {
          for (let n = 0; n < 200; n++) socket.send('{"type":"no"}');
        },
        1_500,
      ),
    answers: [101, 'cut'],
    grows: 200,
  },
  {
    name: 'uploads that stop in the middle',
    doors: BOTH,
    times: 100,
    atOnce: 100,
    send: (target) => stalled(target, 9_000_000, 8_000),
    answers: [503, 408, 413, 429, 'cut'],
    grows: 500,
  },
  {
    name: 'a body in a million chunks of one byte',
    doors: BOTH,
    times: 4,
    atOnce: 2,
    send: (target) => crumbled(target, 1_000_000),
    answers: [400, 'cut'],
    grows: 150,
  },
];
