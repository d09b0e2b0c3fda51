import { test } from 'node:test';
import { carries } from '../envoy/long-load.ts';

/** With `ext_proc_graceful_grpc_close` Envoy dies at the end of a request of 50 s. */
const seconds = 60;

for (const mode of ['streamed', 'buffered', 'original'] as const) {
  test(`requests of ${seconds} s through a quiet Envoy and through a busy one (${mode})`, async () => {
    const quiet = carries(mode, undefined, { held: 4, seconds, pressed: false });
    await Promise.all([quiet, carries(mode, undefined, { held: 100, seconds, pressed: true })]);
  });
}
