import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** Collects all garbage at once; V8 of its own accord does so when it likes, which is no time to measure at. */
export const collect: () => void = runInNewContext('gc');
