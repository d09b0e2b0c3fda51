/** The return value of a generator. Its events are dropped. */
export async function resultOf<R>(source: AsyncGenerator<unknown, R>): Promise<R> {
  for (;;) {
    const next = await source.next();
    if (next.done) return next.value;
  }
}
