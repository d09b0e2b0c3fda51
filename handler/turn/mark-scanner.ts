import type { Annotation } from '../protocol/content.ts';
import type { TextMarks } from '../tools/tool.ts';

/** A piece of a text: as it was written, or in place of a mark; `raw` is its length as it was written. */
export interface TextPiece {
  text: string;
  raw: number;
  /** Its indexes count from 0 in `text`. */
  annotation?: Annotation | undefined;
}

/** Finds marks in one text that comes in pieces, however it is cut, and holds back only what may be one. */
export class MarkScanner {
  readonly #marks: readonly TextMarks[];
  #held = '';

  /** Of marks that begin at one place the longest beginning counts, then the first. */
  constructor(marks: readonly TextMarks[]) {
    this.#marks = [...marks].sort((a, b) => b.begins.length - a.begins.length);
  }

  /** Takes in more of the text; gives what is certain by now. */
  take(text: string): TextPiece[] {
    return this.#scan(this.#held + text, false);
  }

  /** The rest of the text, which has ended. */
  end(): TextPiece[] {
    return this.#scan(this.#held, true);
  }

  #scan(text: string, isWhole: boolean): TextPiece[] {
    const pieces: TextPiece[] = [];
    let plain = 0; // from where on nothing was given yet
    let at = this.#nextBegin(text, 0);
    const give = (until: number) => {
      if (until > plain) pieces.push({ text: text.slice(plain, until), raw: until - plain });
      plain = until;
    };
    while (at < text.length) {
      const found = this.#markAt(text, at, isWhole);
      if (found === 'open') break;
      const replaced = found?.marks.replace(found.inner);
      if (found && replaced) {
        give(at);
        pieces.push({ ...replaced, raw: found.length });
        plain = at + found.length;
        at = this.#nextBegin(text, plain);
      } else {
        // Another mark may begin inside; never between the halves of a character.
        at = this.#nextBegin(text, at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1));
      }
    }
    give(at);
    this.#held = text.slice(at);
    return pieces;
  }

  /** The next place from which a mark may begin, perhaps with what is still to come. */
  #nextBegin(text: string, from: number): number {
    let next = text.length;
    for (const { begins } of this.#marks) {
      const place = text.indexOf(begins, from);
      if (place >= 0) next = Math.min(next, place);
      // The end of the text, if it is the beginning of a beginning.
      for (let at = Math.max(from, text.length - begins.length + 1); at < next; at++)
        if (begins.startsWith(text.slice(at))) next = at;
    }
    return next;
  }

  /** The mark at a place; `open` while that cannot be said. */
  #markAt(
    text: string,
    at: number,
    isWhole: boolean,
  ): { marks: TextMarks; inner: string; length: number } | 'open' | undefined {
    for (const marks of this.#marks) {
      const { begins, ends, maxLength } = marks;
      if (!text.startsWith(begins, at)) {
        if (!isWhole && begins.startsWith(text.slice(at))) return 'open';
        continue;
      }
      const inner = text.slice(at + begins.length, at + maxLength);
      const end = inner.indexOf(ends);
      if (end >= 0) return { marks, inner: inner.slice(0, end), length: begins.length + end + ends.length };
      if (!isWhole && text.length - at < maxLength) return 'open';
    }
    return undefined;
  }
}
