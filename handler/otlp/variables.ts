/** Variables of the environment, or bindings of a Worker, of which those count that are texts. */
export type Variables = Readonly<Record<string, unknown>>;

/** The text of a variable without the spaces around it; undefined if it is not set, or empty. */
export function textOf(variables: Variables, name: string): string | undefined {
  const value = variables[name];
  return typeof value === 'string' ? value.trim() || undefined : undefined;
}

/** The whole number above 0 in a variable, else `fallback`; throws an Error that names the variable. */
export function numberOf(variables: Variables, name: string, fallback: number): number {
  const text = textOf(variables, name);
  if (text === undefined) return fallback;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new Error(`the variable ${name} is "${text}", and must be a whole number above 0`);
}

/** The pairs of a list such as `a=1,b=2`, whose values may be percent-encoded. */
export function pairsOf(list: string | undefined): [name: string, value: string][] {
  const pairs = list?.split(',').filter((pair) => pair.includes('=')) ?? [];
  return pairs.map((pair) => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim())];
  });
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
