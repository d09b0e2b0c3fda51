/** The most characters of a model server's words that a client is told, and their bytes in JSON. */
const MAX_DETAIL = 300;
const MAX_DETAIL_BYTES = 520;

/** The start of a model server's words, on one line. */
export function startOf(text: string): string {
  let cut = text
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_DETAIL)
    .toWellFormed();
  while (new TextEncoder().encode(JSON.stringify(cut)).length > MAX_DETAIL_BYTES) cut = cut.slice(0, -20);
  return cut.toWellFormed();
}

/** Cuts to `length` characters, none of which takes JSON more than two bytes. */
export function clip(text: string, length: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
  const plain = text.replace(/[\u0000-\u001f\u007f-\uffff]/g, '?');
  return plain.length <= length ? plain : `${plain.slice(0, length - 3)}...`;
}
