/** An event with the place of its source among all. */
export interface Merged<T> {
  from: number;
  event: T;
}

/**
 * Runs generators at the same time, at most `max`, begun in their order. Yields their events as they come, and returns their values in the
 * order of the sources. If one throws, or the reader leaves, `stop` is called and all are ended.
 */
export async function* merge<T, R>(
  sources: readonly AsyncGenerator<T, R>[],
  max: number,
  stop: () => void,
): AsyncGenerator<Merged<T>, R[]> {
  const values = new Map<number, R>();
  const ready: { from: number; result: PromiseSettledResult<IteratorResult<T, R>> }[] = [];
  let wake = Promise.withResolvers<void>();
  const ask = (from: number, source: AsyncGenerator<T, R>) => {
    const settle = (result: PromiseSettledResult<IteratorResult<T, R>>) => {
      ready.push({ from, result });
      wake.resolve();
    };
    source.next().then(
      (value) => settle({ status: 'fulfilled', value }),
      (reason) => settle({ status: 'rejected', reason }),
    );
  };
  let begun = 0;
  const begin = () => {
    for (; begun < sources.length && begun - values.size < max; begun++) {
      const source = sources[begun];
      if (source) ask(begun, source);
    }
  };
  try {
    for (begin(); values.size < sources.length; begin()) {
      const next = ready.shift();
      if (!next) {
        await wake.promise;
        wake = Promise.withResolvers();
        continue;
      }
      const { from, result } = next;
      const source = sources[from];
      if (result.status === 'rejected') throw result.reason;
      if (result.value.done) values.set(from, result.value.value);
      else {
        yield { from, event: result.value.value };
        if (source) ask(from, source);
      }
    }
    return [...values].sort(([a], [b]) => a - b).map(([, value]) => value);
  } finally {
    if (values.size < sources.length) {
      stop();
      // Whoever has left, or reads of the first failure, sees no value of theirs.
      await Promise.allSettled(sources.slice(0, begun).map((source) => source.return(undefined as never)));
    }
  }
}
