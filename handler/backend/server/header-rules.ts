import { headerWithValues, type RequestValues } from '../../request-values.ts';

/** What the configuration says of the headers of requests to a server. Names are in lower case. */
export interface HeaderRules {
  /** Headers that have these values, and no others. */
  set?: Readonly<Record<string, string>> | undefined;
  /** Values that are added to what a header has. */
  add?: Readonly<Record<string, string>> | undefined;
  /** Headers that are left out. */
  remove?: readonly string[] | undefined;
}

/** Headers as the rules have them; one that is set to what is not known is left out, and what is not known is not added. */
export function withHeaderRules(
  headers: Readonly<Record<string, string>>,
  { set = {}, add = {}, remove = [] }: HeaderRules,
  values: RequestValues | undefined,
): Record<string, string> {
  const result = { ...headers };
  for (const name of remove) delete result[name];
  for (const [name, text] of Object.entries(set)) {
    const value = headerWithValues(text, values);
    if (value === undefined) delete result[name];
    else result[name] = value;
  }
  for (const [name, text] of Object.entries(add)) {
    const value = headerWithValues(text, values);
    if (value !== undefined) result[name] = name in result ? `${result[name]}, ${value}` : value;
  }
  return result;
}
