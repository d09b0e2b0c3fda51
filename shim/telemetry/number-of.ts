/** The whole number above 0 in a variable of the environment, else `fallback`; throws an Error that names the variable. */
export function numberOf(name: string, fallback: number): number {
  const text = process.env[name]?.trim();
  if (!text) return fallback;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new Error(`the variable ${name} is "${text}", and must be a whole number above 0`);
}
