/** Where a text was found. */
export interface FoundText {
  start: number;
  end: number;
}

const SPACE = /\s/;

/**
 * The places of words in a text, in upper or lower case and with any white space between them, from first to last. It reads the text once (Knuth, Morris
 * and Pratt), however often it begins as the words do.
 */
export function* findText(text: string, words: string): Generator<FoundText> {
  const wanted = lowerCase(words.trim().replace(/\s+/g, ' '));
  if (wanted === '') return;
  const back = borders(wanted);
  const read = lowerCase(text);
  /** Where each of the characters that were read last begins, as many as are wanted. */
  const starts = new Int32Array(wanted.length);
  let [length, count] = [0, 0];
  for (let at = 0; at < read.length; at++) {
    const char = read[at] ?? '';
    const isSpace = SPACE.test(char);
    if (isSpace && at > 0 && SPACE.test(read[at - 1] ?? '')) continue;
    starts[count++ % wanted.length] = at;
    while (length > 0 && wanted[length] !== (isSpace ? ' ' : char)) length = back[length - 1] ?? 0;
    if (wanted[length] === (isSpace ? ' ' : char)) length++;
    if (length < wanted.length) continue;
    yield { start: starts[count % wanted.length] ?? 0, end: at + 1 };
    length = back[length - 1] ?? 0;
  }
}

/** For each beginning of a text the length of the longest shorter one that it ends with. */
function borders(text: string): Int32Array {
  const lengths = new Int32Array(text.length);
  for (let [at, length] = [1, 0]; at < text.length; at++) {
    while (length > 0 && text[at] !== text[length]) length = lengths[length - 1] ?? 0;
    if (text[at] === text[length]) length++;
    lengths[at] = length;
  }
  return lengths;
}

/** A text in lower case whose characters stand where they stood: `İ` is two in lower case, and stays. */
function lowerCase(text: string): string {
  const lower = text.toLowerCase();
  if (lower.length === text.length) return lower;
  return text
    .replace(/[^\0-\x7f]/g, (char) => (char.toLowerCase().length === char.length ? char.toLowerCase() : char))
    .replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
