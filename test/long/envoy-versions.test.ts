import '../promises/all.ts';
import { describe, test } from 'node:test';
import type { Mode } from '../../envoy/config.ts';
import { carries } from '../envoy/long-load.ts';
import { runPromises } from '../promises/promise.ts';
import { openEnvoy } from '../support/doors/envoy.ts';

/** The versions that envoy/README.md says are tested, with the modes that each can carry. */
const versions: Record<string, readonly Mode[]> = {
  '1.36.4': ['buffered', 'original'],
  '1.37.0': ['streamed', 'buffered', 'original'],
  '1.38.3': ['streamed', 'buffered', 'original'],
  '1.39.3': ['streamed', 'buffered', 'original'],
  '1.40.0': ['streamed', 'buffered', 'original'],
};

/** Longer than the 50 s after which Envoys have died at a request's end. */
const seconds = 65;

for (const [version, modes] of Object.entries(versions)) {
  test(`Envoy ${version}: requests of ${seconds} s, leaving clients, storms of resets, quiet and busy, in each mode`, async () => {
    await Promise.all(
      modes.flatMap((mode) => [
        carries(mode, version, { held: 4, seconds, pressed: false }),
        carries(mode, version, { held: 40, seconds, pressed: true }),
      ]),
    );
  });
  // `test/envoy/` has them through the newest, and the original mode differs by what it cannot carry.
  if (version === '1.40.0') continue;
  for (const mode of modes.filter((mode) => mode !== 'original' || version === '1.36.4')) {
    describe(`Envoy ${version}`, () => runPromises((hosted) => openEnvoy(mode, version, { hosted }), `envoy-${mode}`));
  }
}
