import { findDeno } from '../support/doors/deno.ts';
import { runtimeSuite } from './runtime-suite.ts';

runtimeSuite('deno', findDeno());
