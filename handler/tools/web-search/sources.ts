import type { Item } from '../../items/item.ts';
import { FUNCTION_NAMES } from './definitions.ts';

/** Where something on the web is, by the number that the model knows it by. */
export interface Source {
  number: number;
  url: string;
  title: string;
  /** Whether the model has read a text of it, and so may cite it; a link on a page is not read. */
  isRead: boolean;
}

/** Numbers in one conversation: past them nothing is numbered, so that no history makes a turn slow. */
const MAX_SOURCES = 5_000;

/** The line of a source, and below it its URL. The texts of pages never have these brackets. */
const LINE = /^【(link )?(\d{1,6})】 (.*)\n(https?:\/\/\S+)$/gm;

/** The sources of a conversation, numbered in the order in which its model learned of them. */
export class Sources {
  readonly #byUrl = new Map<string, Source>();
  readonly #byNumber = new Map<number, Source>();

  /** Those that the outputs of earlier calls name. */
  constructor(items: readonly Item[]) {
    const calls = new Set<string | null>();
    for (const item of items) {
      if (item.type === 'web_search_call' && item.function) this.#readFrom(item.function.output);
      if (item.type === 'function_call' && isOurs(item.name)) calls.add(item.call_id);
      if (item.type !== 'function_call_output' || !calls.has(item.call_id)) continue;
      if (typeof item.output === 'string') this.#readFrom(item.output);
    }
  }

  /** The source at a URL, numbered if it is new; undefined where there are too many. */
  add(url: string, title: string, isRead: boolean): Source | undefined {
    const known = this.#byUrl.get(url);
    if (known) {
      known.isRead ||= isRead;
      return known;
    }
    return this.#put({ number: this.#byNumber.size + 1, url, title, isRead });
  }

  /** The source of a number. */
  at(number: number): Source | undefined {
    return this.#byNumber.get(number);
  }

  /** The source at a URL. */
  of(url: string): Source | undefined {
    return this.#byUrl.get(url);
  }

  #readFrom(output: string): void {
    for (const [, link, digits, title = '', url = ''] of output.matchAll(LINE)) {
      const number = Number(digits);
      const known = this.#byNumber.get(number);
      if (known) known.isRead ||= !link && known.url === url;
      else this.#put({ number, url, title, isRead: !link });
    }
  }

  #put(source: Source): Source | undefined {
    // Numbers count on from the highest: a client may send back a part of the history.
    let { number } = source;
    while (this.#byNumber.has(number)) number++;
    if (this.#byNumber.size >= MAX_SOURCES) return undefined;
    const placed = { ...source, number };
    this.#byNumber.set(number, placed);
    this.#byUrl.set(source.url, placed);
    return placed;
  }
}

/** The lines by which the model is told of a source. */
export function sourceLines({ number, url, title, isRead }: Source): string {
  return `【${isRead ? '' : 'link '}${number}】 ${title}\n${url}`;
}

function isOurs(name: string): boolean {
  return FUNCTION_NAMES.some((own) => own === name);
}
