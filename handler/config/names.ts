/** Names as a sentence has them: `a, b or c`. */
export function joinNames(names: readonly string[], last: 'and' | 'or'): string {
  return names.join(', ').replace(/, (?=[^,]*$)/, ` ${last} `);
}
