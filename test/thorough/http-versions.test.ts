import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { Door } from '../support/doors/door.ts';
import { openEnvoy } from '../support/doors/envoy.ts';
import { openNodeHttp } from '../support/doors/node-http.ts';
import { says } from '../support/model/scripted.ts';

const doors: Record<string, () => Promise<Door>> = {
  'plain HTTP': openNodeHttp,
  'Envoy, streamed': () => openEnvoy('streamed'),
  'Envoy, buffered': () => openEnvoy('buffered'),
  'Envoy, original': () => openEnvoy('original'),
};

for (const [name, open] of Object.entries(doors)) {
  describe(name, () => {
    let door: Door;
    before(async () => {
      door = await open();
    });
    after(() => door.close());

    /** A connection that has been sent a create with these lines of head. */
    async function ask(version: string, head: string[], body: object): Promise<Socket> {
      const { hostname, port } = new URL(door.client.baseURL);
      const socket = connect(Number(port), hostname);
      await once(socket, 'connect');
      const json = JSON.stringify({ model: door.model.script(says('Hel', 'lo')), input: 'Hi', ...body });
      const lines = ['content-type: application/json', `content-length: ${json.length}`, ...head];
      socket.write(`POST /v1/responses HTTP/${version}\r\n${lines.join('\r\n')}\r\n\r\n${json}`);
      return socket;
    }

    for (const stream of [false, true]) {
      const what = stream ? 'a stream' : 'a reply in one piece';

      test(`${what} ends with its connection for a client that asks for that`, async () => {
        const reply = await text(await ask('1.1', ['host: localhost', 'connection: close'], { stream }));
        assert.match(reply, /^HTTP\/1\.1 200 [\s\S]*\r\nconnection: close\r\n/i);
        assert.match(reply, /"status":"completed"/);
      });

      test(`${what} for a client of HTTP/1.0, which names no host`, async () => {
        const reply = await text(await ask('1.0', [], { stream }));
        assert.match(reply, /^HTTP\/1\.[01] 200 /);
        assert.doesNotMatch(reply, /transfer-encoding/i);
        assert.match(reply, /"status":"completed"/);
        assert.match(reply, stream ? /\ndata: \[DONE\]\n/ : /\}$/);
      });
    }

    test('headers of 55 KiB are taken', async () => {
      const cookies = Array.from({ length: 11 }, (_, n) => `x-long-${n}: ${'x'.repeat(5_000)}`);
      const reply = await text(await ask('1.1', ['host: localhost', 'connection: close', ...cookies], {}));
      assert.match(reply, /^HTTP\/1\.1 200 /);
    });
  });
}
