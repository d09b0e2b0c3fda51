import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Mode } from '../../envoy/config.ts';
import { startEnvoy } from '../../envoy/run.ts';
import { serveGrpc } from '../../shim/server.ts';
import { freePort } from '../support/ports.ts';
import { ask, askHttp2, begin } from './shim-client.ts';
import { CallLog, handler } from './shim-handler.ts';

/** The load on an Envoy: concurrent requests, the seconds each takes, and whether others run beside them. */
export interface Load {
  held: number;
  seconds: number;
  pressed: boolean;
}

/** A crash has been seen a second or two after its cause. */
const AFTERMATH_MS = 3_000;

/**
 * Puts an Envoy under what has killed one: long requests as JSON and as streams, over HTTP/1 and HTTP/2, as many whose clients
 * leave late, and, when pressed, clients that leave at any moment, storms of resets and short requests. A quiet Envoy has died
 * where a busy one lived. All that stay are answered whole.
 */
export async function carries(
  mode: Mode,
  version: string | undefined,
  { held, seconds, pressed }: Load,
): Promise<void> {
  const limits = { body: 1024 * 1024, reply: 1024 * 1024, time: 2 * seconds * 1000 };
  const fetch = handler(new CallLog());
  const server = await serveGrpc({ address: `127.0.0.1:${await freePort()}`, fetch, limits, log: () => {} });
  const envoy = await startEnvoy({ mode, version, grpcPort: server.port, envoyPort: await freePort() });
  let gone = false;
  void envoy.exited.then(() => (gone = true));
  const { origin } = envoy;
  const body = '{}'; // without one the original mode would answer by itself
  try {
    const over = Date.now() + seconds * 1000;
    const on = () => pressed && Date.now() < over && !gone;
    await Promise.all([
      ...Array.from({ length: held }, async (_, n) => {
        const via = n % 4 < 2 ? ask : askHttp2;
        if (n % 2) assert.equal((await via(`${origin}/slow?ms=${seconds * 1000}`, { body })).status, 200);
        else {
          const reply = await via(`${origin}/live?n=${seconds}&gap=1000`, { body });
          assert.equal(reply.body.match(/data/g)?.length, seconds);
        }
      }),
      // Those that leave after most of a minute, in the middle of a stream and before any answer.
      ...Array.from({ length: held }, async (_, n) => {
        const leave = begin(`${origin}${n % 2 ? '/hang' : `/live?n=${2 * seconds}&gap=1000`}`, body);
        await sleep(seconds * 1000 * (0.75 + Math.random() / 4));
        leave();
      }),
      (async () => {
        for (; on(); await sleep(25)) setTimeout(begin(`${origin}/hang`, body), Math.random() * 2_000);
      })(),
      (async () => {
        for (; on(); await sleep(1_000)) await storm(origin);
      })(),
      (async () => {
        for (; on(); await sleep(25)) assert.equal((await ask(`${origin}/echo`, { body })).status, 200);
      })(),
    ]);
    await sleep(AFTERMATH_MS);
    assert.equal((await ask(`${origin}/echo`, { body })).status, 200);
    assert.equal(gone, false, 'Envoy has died');
  } finally {
    await envoy.stop();
    await server.close();
  }
}

/** 400 requests over one HTTP/2 connection, each reset before it can be answered. */
async function storm(origin: string): Promise<void> {
  const session = connect(origin);
  session.on('error', () => {}); // Envoy may close it: that many are no client's habit
  for (let n = 0; n < 400 && !session.destroyed; n++) {
    const stream = session.request({ ':path': '/hang', ':method': 'POST' });
    stream.on('error', () => {});
    stream.write('{}');
    setTimeout(() => stream.close(8), Math.random() * 20);
    if (n % 50 === 0) await sleep(5);
  }
  await sleep(50);
  session.destroy();
}
