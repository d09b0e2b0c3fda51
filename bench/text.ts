/** What a reply of the mock model looks like. */
export interface Shape {
  /** Text deltas, the first of which is the nonce. */
  deltas: number;
  /** Characters of each delta but the first. */
  size: number;
  /** Whether each delta is a write of its own, as from a busy model, or the whole reply is one. */
  apart: boolean;
  /** Milliseconds before the first delta. */
  think: number;
  /** Whether the mock remembers the call until it is asked about it at `/seen/NONCE`. */
  noted: boolean;
}

/** Stands for the nonce in what is prepared: all are equally long, and so are requests and replies of one shape. */
export const NONCE = '[this is nonce] ';

const FILLER = 'abcdefghijklmnopqrstuvwxyz';

const prefix = Math.floor(Math.random() * 36 ** 6)
  .toString(36)
  .padStart(6, '0');
let count = 0;

/** A word that no request before had. */
export function newNonce(): string {
  return `${prefix}${(count++).toString(36).padStart(NONCE.length - prefix.length, '0')}`;
}

/** What a prompt must hold for the mock to answer with this nonce in this shape. */
export function tagOf(nonce: string, { deltas, size, apart, think, noted }: Shape): string {
  return `[[${nonce} ${deltas} ${size} ${Number(apart)} ${think} ${Number(noted)}]]`;
}

/** The last tag in a request's body: its nonce, and its shape as text, by which prepared replies can be found. */
export function findTag(body: string): { nonce: string; shape: string } {
  const begin = body.lastIndexOf('[[');
  const end = body.indexOf(']]', begin);
  if (begin < 0 || end < 0) throw new Error('a request without a tag');
  const text = body.slice(begin + 2, end);
  return { nonce: text.slice(0, NONCE.length), shape: text.slice(NONCE.length + 1) };
}

/** The shape that `findTag` found. */
export function readShape(text: string): Shape {
  const [deltas = 0, size = 0, apart = 0, think = 0, noted = 0] = text.split(' ').map(Number);
  return { deltas, size, apart: apart === 1, think, noted: noted === 1 };
}

/** The deltas after the nonce. */
export function tailOf({ deltas, size }: Shape): string[] {
  return Array.from({ length: deltas - 1 }, (_, index) => ` ${index} ${FILLER}`.repeat(size).slice(0, size));
}

/** A text of so many characters that ends with the tag. */
export function promptOf(tag: string, length: number): string {
  const room = Math.max(0, length - tag.length - 1);
  return `${`Please go on. ${FILLER} `.repeat(Math.ceil(room / 10)).slice(0, room)} ${tag}`;
}
