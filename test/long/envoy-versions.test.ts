import '../promises/all.ts';
import { describe } from 'node:test';
import { openEnvoy } from '../doors/envoy.ts';
import { runPromises } from '../promises/promise.ts';

/** The versions that envoy/README.md says are tested, with the modes that each can carry. */
const versions = {
  '1.36.4': ['buffered', 'original'],
  '1.37.0': ['streamed', 'buffered'],
  '1.38.3': ['streamed', 'buffered'],
  '1.39.3': ['streamed', 'buffered'],
} as const;

for (const [version, modes] of Object.entries(versions)) {
  for (const mode of modes) {
    describe(`Envoy ${version}`, () => runPromises(() => openEnvoy(mode, version), `envoy-${mode}`));
  }
}
