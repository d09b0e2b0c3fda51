import '../promises/all.ts';
import { describe } from 'node:test';
import { openEnvoy } from '../doors/envoy.ts';
import { type PromiseId, runPromises } from '../promises/promise.ts';

/** The versions that envoy/README.md says are tested, with the modes that each can carry. */
const versions = {
  '1.36.4': ['buffered', 'original'],
  '1.37.0': ['streamed', 'buffered'],
  '1.38.3': ['streamed', 'buffered'],
  '1.39.3': ['streamed', 'buffered'],
} as const;

/** Seen on 1.36.4, 1.37.0 and 1.38.3: Envoy dies of a segmentation fault a second or so after clients have left. */
const CRASHES = 'Envoy before 1.39 may crash when a client leaves in the middle of its request';
const LEAVES = /\b(leave|leaves|leaving|left|abort|unread)\b|^(stream\.connection|websocket\.too-large)/;

for (const [version, modes] of Object.entries(versions)) {
  const crashes = version < '1.39';
  const unless = (id: PromiseId) => crashes && LEAVES.test(id) && CRASHES;
  for (const mode of modes) {
    describe(`Envoy ${version}`, () => runPromises(() => openEnvoy(mode, version), `envoy-${mode}`, unless));
  }
}
