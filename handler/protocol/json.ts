/** A JSON object as it came off the wire, its members unchecked. */
export type JsonObject = { [key: string]: unknown };

/** Whether a parsed JSON value is an object: neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object of which no member is null. */
export type Present<T> = { [Name in keyof T]: Exclude<T[Name], null | undefined> };

/** The members that have a value; of an object whose members are known by name, and so none is `__proto__`. */
export function present<T extends object>(members: T): Present<T> {
  // A loop takes a third of the time of entries that are filtered: every item of an input passes here.
  const kept: JsonObject = {};
  for (const [name, value] of Object.entries(members)) if (value != null) kept[name] = value;
  return kept as Present<T>; // only optional members are null
}

/** How deep a value that is handed on may be nested: far more than any schema needs, far less than breaks a stack. */
export const MAX_DEPTH = 100;

/** Whether a parsed JSON value is nested no deeper than `depth`. */
export function isShallow(value: unknown, depth = MAX_DEPTH): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((member) => isShallow(member, depth - 1));
}
