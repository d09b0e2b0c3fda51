import { isJson } from '../../parse-json.ts';

/** The longest value without a closing character (a number, `true`) that is checked, in characters. */
const MAX_BARE = 64;

/** A streamed JSON text that knows whether it is complete. It reads each character once, however many pieces come. */
export class JsonText {
  #text = '';
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  /** Whether the value is closed, and whether anything but spaces follows it. */
  #isClosed = false;
  #goesOn = false;
  #isValid: boolean | undefined;

  /** Adds a piece, and gives how many of its characters are before the end of the value, that end included. */
  add(piece: string): number {
    this.#text += piece;
    let own = 0;
    for (let at = 0; at < piece.length; at++) {
      if (!this.#isClosed) own++;
      this.#read(piece.charCodeAt(at));
    }
    return own;
  }

  /** The text so far. */
  get text(): string {
    return this.#text;
  }

  /** Whether an object or a list has begun and not ended. */
  get isOpen(): boolean {
    return this.#depth > 0;
  }

  /** Whether the value has ended, valid or not. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether the text is valid JSON. */
  get isWhole(): boolean {
    if (!this.#isClosed) return !this.isOpen && !this.#inString && this.#text.length <= MAX_BARE && isJson(this.#text);
    this.#isValid ??= isJson(this.#text); // what may follow a closed value adds only spaces
    return this.#isValid && !this.#goesOn;
  }

  #read(code: number): void {
    if (this.#inString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (code === BACKSLASH) this.#isEscaped = true;
      else if (code === QUOTE) {
        this.#inString = false;
        this.#isClosed = this.#depth === 0;
      }
    } else if (this.#isClosed) this.#goesOn ||= !isSpace(code);
    else if (code === QUOTE) this.#inString = true;
    else if (code === BRACE || code === BRACKET) this.#depth++;
    else if (code === BRACE + 2 || code === BRACKET + 2) this.#isClosed = --this.#depth <= 0;
  }
}

// A closing bracket's code is its opening one's plus two.
const [QUOTE = 0, BRACKET = 0, BACKSLASH = 0, BRACE = 0] = Array.from('"[\\{', (one) => one.charCodeAt(0));

function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}
