/** Where a text of bytes is found in another, all places in their order. Linear in both, whatever they hold (Knuth, Morris and Pratt). */
export function* placesOf(needle: Uint8Array, bytes: Uint8Array): Generator<number, void> {
  const [first] = needle;
  if (first === undefined) return;
  const back = backsOf(needle);
  let matched = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (matched === 0) {
      at = bytes.indexOf(first, at);
      if (at < 0) return;
    }
    while (matched > 0 && bytes[at] !== needle[matched]) matched = back[matched - 1] ?? 0;
    if (bytes[at] === needle[matched]) matched++;
    if (matched < needle.length) continue;
    yield at - needle.length + 1;
    matched = back[matched - 1] ?? 0;
  }
}

/** For each start of the needle, the length of the longest shorter start that it ends with. */
function backsOf(needle: Uint8Array): Uint32Array {
  const back = new Uint32Array(needle.length);
  let matched = 0;
  for (let at = 1; at < needle.length; at++) {
    while (matched > 0 && needle[at] !== needle[matched]) matched = back[matched - 1] ?? 0;
    if (needle[at] === needle[matched]) matched++;
    back[at] = matched;
  }
  return back;
}
