/** The longest word that is compared, in characters: the work grows with its square. */
const MAX_LENGTH = 64;

/**
 * The known word that was most likely meant by another: written differently (`base_url` for `baseUrl`), with a word before or
 * after it (`api_key` for `key`), or mistyped in at most a third of its characters. Undefined where none is near.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = plainOf(word);
  if (plain === '' || plain.length > MAX_LENGTH) return undefined;
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    const other = plainOf(name);
    if (other === plain) return name;
    const shorter = Math.min(plain.length, other.length);
    const most = Math.min(Math.ceil(shorter / 3), shorter - 1);
    const holds = (other.length >= 3 && plain.endsWith(other)) || (other.length >= 4 && plain.startsWith(other));
    const distance = holds ? 1 : editsBetween(plain, other);
    if (distance <= most && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { name, distance };
  }
  return best?.name;
}

/** The end of a sentence that asks whether the nearest known word was meant; empty where none is near. */
export function didYouMean(word: unknown, known: readonly string[]): string {
  const name = typeof word === 'string' ? nearest(word, known) : undefined;
  return name === undefined ? '' : `: did you mean ${name}?`;
}

function plainOf(word: string): string {
  return word.toLowerCase().replace(/[_\s-]/g, '');
}

/** The fewest insertions, deletions, replacements and swaps of neighbours that make one word of another. */
function editsBetween(a: string, b: string): number {
  if (b.length > MAX_LENGTH) return Number.POSITIVE_INFINITY;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) edits = Math.min(edits, (before[j - 2] ?? 0) + 1);
      next.push(edits);
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}
