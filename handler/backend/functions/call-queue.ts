import { endless } from '../../errors.ts';
import { type CallMarks, type ItemWriter, usableCallId } from '../../events/item-writer.ts';
import { fixedLimits } from '../../limits.ts';
import { garbled } from '../server/failure.ts';
import { withKnownName } from './called-name.ts';
import { JsonText } from './json-text.ts';
import type { ModelFunction } from './tools.ts';

interface QueuedCall {
  key: number | string;
  id: string | null;
  name: string;
  namespace: string | undefined;
  marks: CallMarks;
  /** The arguments so far, and the part not yet written. */
  args: JsonText;
  unsent: string;
  /** Whether it waits until it is complete: its tool is no function to the client. */
  isBuffered: boolean;
}

/** A piece of a function call as Chat Completions servers stream it; any member may be missing. */
export interface CallFragment {
  index: number | null;
  id: string | null;
  name: string | null;
  namespace?: string | undefined;
  marks?: CallMarks;
  arguments: string;
}

/**
 * Writes streamed parallel calls one after another, in the order of their start. Fragments of the open call are
 * written at once; those of later calls wait until it is complete. A call of a tool that is no function to the client
 * is written when it is complete.
 */
export class CallQueue {
  readonly #writer: ItemWriter;
  readonly #tools: ReadonlyMap<string, ModelFunction>;
  readonly #maxCalls: number;
  readonly #calls: QueuedCall[] = [];
  readonly #byKey = new Map<QueuedCall['key'], QueuedCall>();
  #open = -1;

  /** Takes at most `maxCalls` calls; further ones, which a server that ignores `parallel_tool_calls` makes, are dropped. */
  constructor(writer: ItemWriter, tools: ReadonlyMap<string, ModelFunction>, maxCalls: number) {
    this.#writer = writer;
    this.#tools = tools;
    this.#maxCalls = maxCalls;
  }

  /** Takes in one fragment; throws an ApiError for a call more than a turn may hold. */
  add(written: CallFragment): void {
    const fragment = withKnownName(written, this.#tools);
    const call = this.#callOf(fragment);
    if (!call) return;
    call.id ??= fragment.id;
    call.name ||= fragment.name ?? '';
    call.namespace ||= fragment.namespace;
    Object.assign(call.marks, fragment.marks);
    call.args.add(fragment.arguments);
    call.unsent += fragment.arguments;
    this.#pump(false);
  }

  /** Writes all waiting calls; the last function call stays open. Throws if a call never got its name. */
  flush(status: 'completed' | 'incomplete' = 'completed'): void {
    this.#pump(true);
    this.#settle(status);
    if (this.#open < this.#calls.length - 1) throw garbled('a function call without a name');
  }

  /**
   * Whether the last call's arguments are incomplete JSON: vLLM ends a call that ran out of tokens as if it were
   * complete.
   */
  get broken(): boolean {
    const last = this.#calls.at(-1);
    return last !== undefined && !last.args.isWhole;
  }

  /** The call of a fragment. Without an index, a new id begins a call, and no id continues the last. */
  #callOf({ index, id }: CallFragment): QueuedCall | undefined {
    const key = index ?? id ?? this.#calls.at(-1)?.key ?? 0;
    const known = this.#byKey.get(key);
    if (known || this.#calls.length >= this.#maxCalls) return known;
    if (this.#calls.length >= fixedLimits.turnCalls) throw endless(`${fixedLimits.turnCalls} calls`);
    const call: QueuedCall = {
      key,
      id: null,
      name: '',
      namespace: undefined,
      marks: {},
      args: new JsonText(),
      unsent: '',
      isBuffered: false,
    };
    this.#calls.push(call);
    this.#byKey.set(key, call);
    return call;
  }

  #pump(flushing: boolean): void {
    for (;;) {
      const open = this.#calls[this.#open];
      if (open && !open.isBuffered) {
        this.#writer.mark(open.marks);
        this.#writer.arguments(open.unsent);
        open.unsent = '';
      }
      const next = this.#calls[this.#open + 1];
      if (!next?.name || (open && !flushing && !open.args.isWhole)) return;
      this.#settle('completed');
      this.#open++;
      const tool = this.#tools.get(next.name);
      if (tool?.toItem) next.isBuffered = true;
      else {
        const { id: call_id, name, namespace, marks } = next;
        this.#writer.call({
          call_id,
          name,
          namespace,
          ...marks,
          ...(tool && { name: tool.name, namespace: tool.namespace ?? namespace }),
        });
      }
    }
  }

  /** Writes the open call if it was buffered. A truncated call that cannot be parsed is dropped. */
  #settle(status: 'completed' | 'incomplete'): void {
    const open = this.#calls[this.#open];
    if (!open?.isBuffered) return;
    open.isBuffered = false;
    open.unsent = '';
    const tool = this.#tools.get(open.name);
    if (!tool?.toItem || (status === 'incomplete' && tool.type !== 'custom' && !open.args.isWhole)) return;
    const call_id = usableCallId(open.id);
    this.#writer.item(tool.toItem({ call_id, arguments: open.args.text, status }));
  }
}
