import { isObject, type JsonObject } from '../../protocol/json.ts';
import { type RequestValues, withValues } from '../../request-values.ts';

/**
 * A request with members set by their paths, such as `a.b`; objects on the way are made, in place of what is none. A member whose value
 * refers to what is not known is left out. The request stays as it is.
 */
export function withMembers(
  request: JsonObject,
  set: Readonly<Record<string, unknown>>,
  values: RequestValues | undefined,
): JsonObject {
  const result = { ...request };
  for (const [path, value] of Object.entries(set)) setAt(result, path.split('.'), withValues(value, values));
  return result;
}

/** What of it is set at these members or below them. */
export function settableOf(
  set: Readonly<Record<string, unknown>>,
  members: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(set).filter(([path]) => members.includes(path.replace(/\..*/, ''))));
}

function setAt(object: JsonObject, [name = '', ...below]: readonly string[], value: unknown): void {
  const before = object[name];
  if (below.length > 0) {
    if (value === undefined && !isObject(before)) return;
    const copy = isObject(before) ? { ...before } : {};
    setAt(copy, below, value);
    object[name] = copy;
  } else if (value === undefined) delete object[name];
  else object[name] = value;
}
