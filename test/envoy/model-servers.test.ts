import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Door } from '../support/doors/door.ts';
import { openEnvoy } from '../support/doors/envoy.ts';
import { openNodeHttp } from '../support/doors/node-http.ts';
import { playCase, servedCases } from '../support/model/served-case.ts';

const doors: Record<string, () => Promise<Door>> = {
  'over plain HTTP': openNodeHttp,
  'through Envoy, streamed': () => openEnvoy('streamed'),
};

/** Errors behind a 200: a stream has begun by then, and has no other status. */
const BEGUN = ['13-error-nested', '13-error-object-error'];

for (const [through, open] of Object.entries(doors)) {
  describe(`what model servers say, and take, ${through}`, { concurrency: 8 }, () => {
    let door: Door;
    before(async () => {
      door = await open();
    });
    after(() => door?.close());
    for (const served of servedCases()) {
      for (const stream of [false, true]) {
        if (stream && BEGUN.includes(served.name)) continue;
        test(`${served.name}${stream ? ', streamed' : ''}: ${served.should}`, async () => {
          assert.equal(await playCase(door, served, stream), undefined);
        });
      }
    }
  });
}
