import { garbled } from './failure.ts';
import type { Writer } from './writer.ts';

interface Call {
  key: number | string;
  id: string | null;
  name: string;
  /** The arguments so far, and how many characters of them the writer has. */
  written: string;
  passed: number;
}

/** A piece of a function call as Chat Completions servers stream it; any member may be missing. */
export interface CallFragment {
  index: number | null;
  id: string | null;
  name: string | null;
  arguments: string;
}

/**
 * Puts fragmented, parallel calls into the writer one after another, in the order in which they began. The open
 * call's fragments pass at once; those of later ones wait until its arguments are whole.
 */
export class CallQueue {
  readonly #writer: Writer;
  readonly #most: number;
  readonly #calls: Call[] = [];
  #open = -1;

  /** Takes at most `most` calls; further ones, which a server that ignores `parallel_tool_calls` makes, are dropped. */
  constructor(writer: Writer, most: number) {
    this.#writer = writer;
    this.#most = most;
  }

  /** Takes in one fragment. */
  add(fragment: CallFragment): void {
    const call = this.#callOf(fragment);
    if (!call) return;
    call.id ??= fragment.id;
    call.name ||= fragment.name ?? '';
    call.written += fragment.arguments;
    this.#pump(false);
  }

  /** Passes on all that waits; the last call stays open. Throws when a call never got its name. */
  flush(): void {
    this.#pump(true);
    if (this.#open < this.#calls.length - 1) throw garbled('a function call without a name');
  }

  /** Whether the last call's arguments break off: vLLM ends a call that ran out of tokens as if it were whole. */
  get broken(): boolean {
    const last = this.#calls.at(-1);
    return last !== undefined && !isJson(last.written);
  }

  /** Some servers send no index: a new id begins a new call then, and no id goes on with the last. */
  #callOf({ index, id }: CallFragment): Call | undefined {
    const key = index ?? id ?? this.#calls.at(-1)?.key ?? 0;
    const known = this.#calls.find((call) => call.key === key);
    if (known || this.#calls.length >= this.#most) return known;
    const call: Call = { key, id: null, name: '', written: '', passed: 0 };
    this.#calls.push(call);
    return call;
  }

  #pump(flushing: boolean): void {
    for (;;) {
      const open = this.#calls[this.#open];
      if (open) {
        this.#writer.arguments(open.written.slice(open.passed));
        open.passed = open.written.length;
      }
      const next = this.#calls[this.#open + 1];
      if (!next?.name || (open && !flushing && !isJson(open.written))) return;
      this.#open++;
      this.#writer.call(next.name, next.id);
    }
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
