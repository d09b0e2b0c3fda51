import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { TextFormat } from '../../protocol/tools.ts';
import { JsonText } from './json-text.ts';
import type { ModelFunction } from './tools.ts';

// Written calls. Some models write calls as JSON texts, in place of the marks by which their server knows calls; and some servers
// let a model that has to call a function talk instead, but hold it to a JSON schema, so that the call is asked for as JSON.

/** The format of a text that is one call of one of these functions: its name, then its arguments. */
export function callFormat(functions: readonly ModelFunction[]): TextFormat {
  const calls = functions.map(({ definition }, index) => {
    const at = functions.length > 1 ? `#/anyOf/${index}/properties/arguments` : '#/properties/arguments';
    return callOf(definition, at);
  });
  const [first = {}, ...others] = calls;
  return { type: 'json_schema', name: 'call', strict: true, schema: others.length > 0 ? { anyOf: calls } : first };
}

function callOf({ name, parameters }: ModelFunction['definition'], at: string): JsonObject {
  const schema = isObject(parameters) ? parameters : { type: 'object' };
  return {
    type: 'object',
    properties: { name: { const: name }, arguments: moved(schema, at) },
    required: ['name', 'arguments'],
    additionalProperties: false,
  };
}

/** A schema whose references to itself hold at another place of a document. */
function moved(value: unknown, at: string): unknown {
  if (Array.isArray(value)) return value.map((entry) => moved(entry, at));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([name, member]) => {
    const refers = name === '$ref' && typeof member === 'string' && member.startsWith('#');
    return [name, refers ? at + member.slice(1) : moved(member, at)];
  });
  return Object.fromEntries(entries);
}

/** The beginning of such a text, up to the arguments. Models also write it as a block of code. */
const HEAD = /^\s*(?:```(?:json)?\s*)?\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*(?=\{)/;
/** What may stand before the object. */
const FENCE = /^\s*(?:```(?:json)?\s*)?/;
/** Characters after which a text that does not begin so is none. */
const MAX_HEAD = 256;

/** What a piece of a text is: a part of a call, whose name comes first, or text after all. */
export interface WrittenPart {
  name?: string;
  arguments?: string;
  text?: string;
}

/** Reads a text that is a call while it streams. */
export class WrittenCall {
  readonly #names: ReadonlySet<string>;
  #held = '';
  #is: 'unknown' | 'call' | 'text' = 'unknown';
  readonly #args = new JsonText();

  /** A text that may call functions of these names. */
  constructor(names: ReadonlySet<string>) {
    this.#names = names;
  }

  /** Whether it is known to be no call. */
  get isText(): boolean {
    return this.#is === 'text';
  }

  /** Takes in the next piece, and says what is known of the text by it. */
  add(piece: string): WrittenPart {
    if (this.#is === 'text') return { text: piece };
    if (this.#is === 'call') return this.#arguments(piece);
    this.#held += piece;
    const head = HEAD.exec(this.#held);
    const name = head?.[1] === undefined ? undefined : nameIn(head[1]);
    if (head && name !== undefined && this.#names.has(name)) {
      this.#is = 'call';
      return { name, ...this.#arguments(this.#held.slice(head[0].length)) };
    }
    return head || !mayBecomeHead(this.#held) ? this.end() : {};
  }

  /** What is left at the end of the text. */
  end(): WrittenPart {
    if (this.#is !== 'unknown') return {};
    this.#is = 'text';
    return this.#held === '' ? {} : { text: this.#held };
  }

  /** The part of a piece that belongs to the arguments: what is behind them closes the call. */
  #arguments(piece: string): WrittenPart {
    if (this.#args.isClosed) return {};
    const own = this.#args.add(piece);
    return own === 0 ? {} : { arguments: piece.slice(0, own) };
  }
}

/** Whether a text may still go on as a call begins: an answer in words is not held back. */
function mayBecomeHead(text: string): boolean {
  if (text.length > MAX_HEAD) return false;
  const object = text.replace(FENCE, '');
  if (/^(|``?|j|js|jso)$/.test(object)) return true;
  const start = object.slice(0, MAX_HEAD).replace(/\s/g, '');
  return start.startsWith('{"name":') || '{"name":'.startsWith(start);
}

function nameIn(json: string): string | undefined {
  try {
    const name: unknown = JSON.parse(json);
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined;
  }
}
