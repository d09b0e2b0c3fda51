/** What a function makes of a value, at once if the value is there: a Promise for each text can cost more than the text. */
export function then<T, U>(value: T | Promise<T>, make: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(make) : make(value);
}

/** The same values, or a Promise of them if one of them is one. */
export function all<T>(values: readonly (T | Promise<T>)[]): readonly T[] | Promise<readonly T[]> {
  const isThere = (value: T | Promise<T>): value is T => !(value instanceof Promise);
  return values.every(isThere) ? values : Promise.all(values);
}
