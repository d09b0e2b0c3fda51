import { test } from 'node:test';
import fc from 'fast-check';
import '../tenants/same-ids.ts';

// Loaded after the ids were changed, which static imports are not.
const { compareWithAlone } = await import('../tenants/compare.ts');
const { everything, meetings, some, steps } = await import('../tenants/steps.ts');
const { fileDatabase } = await import('../tenants/databases.ts');
const { testDatabase } = await import('../support/doors/database.ts');
const { openEnvoy } = await import('../support/doors/envoy.ts');
const { openNodeHttp } = await import('../support/doors/node-http.ts');

const whose = { tenant: 'two tenants', user: 'two users of one tenant' };

for (const isolation of ['tenant', 'user'] as const) {
  test(`${whose[isolation]} with the same ids: each hears and keeps what it does where the other never was`, async () => {
    for (const steps of [...meetings, everything])
      await compareWithAlone(steps, { isolation, sameIds: true, open: testDatabase });
  });

  for (const sameIds of [true, false]) {
    test(`${whose[isolation]} with ${sameIds ? 'the same ids' : 'ids of their own'}, whatever they do in whatever order`, async () => {
      const setting = { isolation, sameIds, open: sameIds ? testDatabase : fileDatabase };
      await fc.assert(
        fc.asyncProperty(steps, async (steps) => {
          await compareWithAlone(steps, setting);
        }),
        { numRuns: 6, endOnFailure: true },
      );
    });
  }
}

test('over plain HTTP and WebSockets', async () => {
  await compareWithAlone(some, { isolation: 'tenant', sameIds: false, open: testDatabase, door: openNodeHttp });
});

test('through Envoy', async () => {
  const door = (chosen: Parameters<typeof openNodeHttp>[0]) => openEnvoy('streamed', undefined, chosen);
  await compareWithAlone(some, { isolation: 'user', sameIds: false, open: fileDatabase, door });
});
