import { describe, test } from 'node:test';
import type { ContractCase } from '../../handler/contract.ts';

/** Tries each promise of a contract on what `open` opens, as a test; all of them within so many milliseconds. */
export function tryContract<Subject>(
  name: string,
  contract: readonly ContractCase<Subject>[],
  open: () => Promise<Subject>,
  timeout = 60_000,
): void {
  describe(name, { concurrency: true, timeout }, () => {
    for (const one of contract) test(one.name, () => one.run(open));
  });
}
