import { ConfigError } from '../handler/index.ts';

/** What all of these come to; rejects with a ConfigError that has the mistakes of all, or with another error of one. */
export async function allOf<T extends readonly unknown[]>(
  work: [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const errors = (await Promise.allSettled(work)).flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
  const other = errors.find((error) => !(error instanceof ConfigError));
  if (other !== undefined) throw other;
  if (errors.length > 0)
    throw new ConfigError(
      errors.flatMap(({ problems }: ConfigError) => problems),
      errors[0],
    );
  return Promise.all(work);
}
