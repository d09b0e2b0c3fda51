/**
 * One promise of a port, for any implementation and any test runner. `run` opens and closes its own subject, and
 * rejects if the promise is broken; it may then also never end, so set a timeout.
 */
export interface ContractCase<Subject> {
  readonly name: string;
  run(open: () => Promise<Subject>): Promise<void>;
}

/** A case that runs on an opened subject. */
export function contractCase<Subject extends { close(): Promise<void> }>(
  name: string,
  test: (subject: Subject) => Promise<void>,
): ContractCase<Subject> {
  return {
    name,
    async run(open) {
      const subject = await open();
      try {
        await test(subject);
      } finally {
        await subject.close();
      }
    },
  };
}

/** Throws `message` if a promise does not hold. */
export function check(holds: unknown, message: string): asserts holds {
  if (!holds) throw new Error(message);
}
