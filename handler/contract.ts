/**
 * One promise of a port, to be tried on whatever fills it, with any test runner or none. `run` opens a subject of its own, closes
 * it, and rejects with the reason where the promise is broken; a broken one may also never end, so give it a time.
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

/** Throws what a contract says of a promise that is broken. */
export function check(holds: unknown, message: string): asserts holds {
  if (!holds) throw new Error(message);
}
