import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { type ContractCase, contractCase } from '../../handler/contract.ts';
import type { Socket } from '../../handler/socket.ts';

/** Both ends of an open connection. */
export interface SocketSubject {
  socket: Socket;
  client: WebSocket;
  close(): Promise<void>;
}

/** What is sent to a client that does not read, in bytes: twice what the network of one machine swallows. */
const FLOOD = 8 * 1024 * 1024;

/** How long sending has to wait until it is taken to be stopped, in milliseconds. */
const STUCK_MS = 300;

/** What every Socket promises. */
export const socketContract: readonly ContractCase<SocketSubject>[] = [
  contractCase('texts come in their order; what is binary is no text', async ({ socket, client }) => {
    for (const sent of ['a', '', 'ü'.repeat(70_000), Buffer.from('b')]) client.send(sent);
    const messages = socket.messages[Symbol.asyncIterator]();
    const got: unknown[] = [];
    for (let n = 0; n < 4; n++) got.push((await messages.next()).value);
    assert.deepEqual(got.slice(0, 3), ['a', '', 'ü'.repeat(70_000)]);
    assert.notEqual(typeof got[3], 'string');
  }),

  contractCase('what is sent arrives in its order, as texts', async ({ socket, client }) => {
    const got = texts(client, 100);
    for (let n = 0; n < 100; n++) void socket.send(`${n} ü`);
    assert.deepEqual(
      await got,
      Array.from({ length: 100 }, (_, n) => `${n} ü`),
    );
  }),

  contractCase('messages end when the client closes, once what it sent before has been read', async (subject) => {
    const { socket, client } = subject;
    for (const sent of ['a', 'b', 'c']) client.send(sent);
    client.close();
    await once(client, 'close');
    assert.deepEqual(await all(socket.messages), ['a', 'b', 'c']);
  }),

  contractCase('messages end when the connection breaks', async ({ socket, client }) => {
    client.terminate();
    assert.deepEqual(await all(socket.messages), []);
  }),

  contractCase('closing tells the client a code and a reason, and ends the messages', async ({ socket, client }) => {
    const closed = once(client, 'close');
    socket.close(1001, 'The server is stopping.');
    const [code, reason] = await closed;
    assert.deepEqual([code, `${reason}`], [1001, 'The server is stopping.']);
    assert.deepEqual(await all(socket.messages), []);
  }),

  contractCase('what was sent before the closing still arrives', async ({ socket, client }) => {
    const got = texts(client, 3);
    for (const text of ['a', 'b', 'c']) void socket.send(text);
    socket.close(1000, '');
    assert.deepEqual(await got, ['a', 'b', 'c']);
  }),

  contractCase('nothing throws or waits once the connection has gone', async ({ socket, client }) => {
    client.terminate();
    await all(socket.messages);
    await socket.send('late');
    socket.ping?.();
    socket.close(1001, 'late');
    socket.close(1001, 'later');
  }),

  contractCase('a client that does not read stops what is sent, and all of it comes when it reads', async (subject) => {
    const { socket, client } = subject;
    const { stuck, sent } = await flood(subject);
    const got = texts(client, sent);
    client.resume();
    await stuck;
    assert.equal((await got).length, sent);
    await socket.send('and on');
  }),

  contractCase('who waits for a client to read goes on when it is gone', async (subject) => {
    const { stuck } = await flood(subject);
    subject.client.terminate();
    await stuck;
  }),
];

async function all(messages: AsyncIterable<unknown>): Promise<unknown[]> {
  const got: unknown[] = [];
  for await (const message of messages) got.push(message);
  return got;
}

/** The next so many messages of a client, which are texts. */
function texts(client: WebSocket, count: number): Promise<string[]> {
  const got: string[] = [];
  return new Promise((resolve) => {
    client.on('message', (data, binary) => {
      got.push(binary ? 'binary' : `${data}`);
      if (got.length === count) resolve(got);
    });
  });
}

/** Sends to a client that does not read, as one is to: until what was sent last waits. */
async function flood({ socket, client }: SocketSubject): Promise<{ stuck: Promise<void>; sent: number }> {
  const text = 'a'.repeat(16 * 1024);
  client.pause();
  for (let sent = 1; sent * text.length < FLOOD; sent++) {
    const stuck = socket.send(text);
    if (stuck && !(await Promise.race([stuck.then(() => true), sleep(STUCK_MS, false)]))) return { stuck, sent };
  }
  return assert.fail('whatever was sent was taken');
}
