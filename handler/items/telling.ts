import { isObject, type JsonObject } from '../protocol/json.ts';

// What a hosted tool has done, in lines of text.

/** What was found, a line for each: its name, its place and its words. */
export function found(list: unknown): string[] {
  return objects(list).flatMap(({ title, filename, name, url, text, snippet, description }) => {
    const words = texts([title, filename, name, url, text, snippet, description]);
    return words.length > 0 ? [`- ${words.join(': ')}`] : [];
  });
}

/** The lines, or this one where there are none. */
export function orElse(lines: string[], other: string): string[] {
  return lines.length > 0 ? lines : [other];
}

/** The words in quotation marks, one after another. */
export function quoted(words: readonly string[]): string {
  return words.map((word) => `"${word}"`).join(', ');
}

/** The value as an object, which has nothing where it is none. */
export function object(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** The objects of a list. */
export function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The texts of a list that are not empty. */
export function texts(values: unknown): string[] {
  return Array.isArray(values) ? values.filter((value) => typeof value === 'string' && value !== '') : [];
}
