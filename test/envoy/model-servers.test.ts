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

for (const [through, open] of Object.entries(doors)) {
  describe(`what model servers say, and take, ${through}`, { concurrency: 8 }, () => {
    let door: Door;
    before(async () => {
      door = await open();
    });
    after(() => door?.close());
    for (const served of servedCases()) {
      test(`${served.name}: ${served.should}`, async () => {
        assert.equal(await playCase(door, served), undefined);
      });
    }
  });
}
