import { isJson, parseJson } from '../../parse-json.ts';
import { garbled } from '../server/failure.ts';
import { JsonText } from './json-text.ts';

/** Text that may repeat all so far. */
interface Repetition {
  /** All its pieces, one behind another. */
  joined: string;
  /** The last piece, if each repeated the one before and went on. */
  grown: string;
}

/**
 * The arguments of a call, from pieces that each go on where the last ended, or that each repeat all so far. Which of the two
 * they are is decided when it is certain, at the latest by `settle`. Work is linear in the length of the pieces.
 */
export class CallArguments {
  readonly #json = new JsonText();
  #repetition: Repetition | undefined;
  /** Whether `{}` came first: a whole value, or what some servers begin with. */
  #isEmptyObject = false;

  /** Adds a piece, and returns what is new in it as far as that is certain. */
  add(piece: string): string {
    if (piece === '') return '';
    if (this.#repetition) return this.#repeat(this.#repetition, piece);
    const { text } = this.#json;
    if (text === '' && /^\s*\{\s*\}\s*$/.test(piece)) {
      this.#isEmptyObject = true;
      return '';
    }
    this.#isEmptyObject &&= text !== '';
    const mayRepeat = this.#json.isClosed
      ? piece.trim() !== ''
      : this.#json.isOpen && piece.length >= text.length && piece.startsWith(text);
    if (mayRepeat) {
      this.#repetition = { joined: piece, grown: piece };
      return '';
    }
    this.#json.add(piece);
    return piece;
  }

  /** Decides what was open, and returns what is new by that. */
  settle(): string {
    const rest = this.#rest();
    this.#repetition = undefined;
    this.#isEmptyObject = false;
    this.#json.add(rest);
    return rest;
  }

  /**
   * Compares the complete arguments with the pieces, and returns what is new. Throws an ApiError if they contradict: a call
   * with wrong arguments must not run.
   */
  complete(all: string): string {
    if (all === '') return this.settle();
    const begun = this.#json.text;
    if (all.startsWith(begun)) {
      this.#repetition = undefined;
      this.#isEmptyObject = false;
      const rest = all.slice(begun.length);
      this.#json.add(rest);
      return rest;
    }
    const rest = this.settle();
    if (!isSameJson(all, this.text)) throw garbled('a call that ends with other arguments than its deltas had');
    return rest;
  }

  /** The arguments so far. */
  get text(): string {
    return this.#isEmptyObject ? '{}' : this.#json.text;
  }

  /** Whether they are `{}`, with which some servers begin any arguments. */
  get isEmptyObject(): boolean {
    return this.#isEmptyObject;
  }

  /** Whether nothing came yet. */
  get isEmpty(): boolean {
    return !this.#isEmptyObject && this.#json.text === '';
  }

  /** Whether they are valid JSON. */
  get isWhole(): boolean {
    return this.#isEmptyObject || ((!this.#repetition || this.#json.isClosed) && this.#json.isWhole);
  }

  /** Whether a piece repeats them: it is the same JSON. */
  isRepeatedBy(piece: string): boolean {
    return isSameJson(piece, this.text);
  }

  #repeat(repetition: Repetition, piece: string): string {
    const goesOn = piece.length >= repetition.grown.length && piece.startsWith(repetition.grown);
    if (!goesOn && !this.#json.isClosed) {
      // What seemed to repeat the text goes on after it, such as a value that begins as the one around it.
      this.#repetition = undefined;
      this.#json.add(repetition.joined);
      return repetition.joined + this.add(piece);
    }
    repetition.joined += piece;
    if (goesOn) repetition.grown = piece;
    return '';
  }

  #rest(): string {
    if (this.#isEmptyObject) return '{}';
    if (!this.#repetition) return '';
    const { joined, grown } = this.#repetition;
    const { text } = this.#json;
    // What follows whole JSON and does not repeat it was written by the model, and is passed on.
    if (this.#json.isClosed)
      return text.startsWith(joined) || [joined, grown].some((one) => isSameJson(one, text)) ? '' : joined;
    return isJson(text + joined) ? joined : grown.slice(text.length);
  }
}

/**
 * The arguments in a member that should be their JSON text; an object is written as such a text. An empty one is what some
 * servers begin with, so it is an empty text.
 */
export function argumentsIn(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value == null) return '';
  return typeof value === 'object' && Object.keys(value).length === 0 ? '' : JSON.stringify(value);
}

function isSameJson(a: string, b: string): boolean {
  try {
    return JSON.stringify(parseJson(a)) === JSON.stringify(parseJson(b));
  } catch {
    return false;
  }
}
