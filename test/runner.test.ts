import { inProcessRunner } from '../handler/background/runner.ts';
import { tryContract } from './support/contract.ts';
import { runnerContract } from './support/runner-contract.ts';

tryContract('a runner in this process', runnerContract, async () => ({
  runner: (work) => inProcessRunner(work, 4),
  outlives: false,
  async close() {},
}));
