import * as v from 'valibot';

/** Checks that no two entries of a list have the same key; those that have a mistake of their own are not compared. */
export function unique<T>(keyOf: (entry: T) => string, key: string) {
  return v.rawCheck<T[]>(({ dataset, addIssue }) => {
    const { value: input } = dataset;
    if (!Array.isArray(input)) return;
    const wrong = new Set(dataset.issues?.map(({ path }) => path?.[0]?.key));
    const known = new Set<string>();
    for (const [index, value] of input.entries()) {
      if (wrong.has(index)) continue;
      const name = keyOf(value);
      const path = [{ type: 'array', origin: 'value', input, key: index, value }] as const;
      if (known.has(name)) addIssue({ message: `has the ${key} of another`, path: [...path] });
      known.add(name);
    }
  });
}
