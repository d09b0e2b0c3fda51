import { findBun } from '../support/doors/bun.ts';
import { runtimeSuite } from './runtime-suite.ts';

runtimeSuite('bun', findBun());
