import { endless } from '../../errors.ts';
import { type CallMarks, type ItemWriter, usableCallId } from '../../events/item-writer.ts';
import { fixedLimits } from '../../limits.ts';
import { garbled } from '../server/failure.ts';
import { CallArguments } from './call-arguments.ts';
import { withKnownName } from './called-name.ts';
import { Identities } from './identity.ts';
import type { ModelFunction } from './tools.ts';

interface QueuedCall {
  id: string | null;
  name: string;
  /** The name of a call that shares its marks, and whose arguments have not come yet. */
  nextName: string | null;
  namespace: string | undefined;
  marks: CallMarks;
  args: CallArguments;
  /** The part of the arguments that is not yet written. */
  unsent: string;
  /** Whether it waits until it is complete: its tool is no function to the client. */
  isBuffered: boolean;
  /** Whether its server said that it is complete. */
  isEnded: boolean;
  /** Whether it is a call too many. */
  isDropped: boolean;
}

/** A piece of a function call as model servers stream it; any member may be missing. */
export interface CallFragment {
  /** The call's own key, where the protocol's reader knows which call it is; else the other members tell. */
  key?: number;
  index?: number | null;
  id: string | null;
  name: string | null;
  namespace?: string | undefined;
  marks?: CallMarks;
  arguments: string;
  /** Whether the call ends with it: then its arguments, if any, are all of them. */
  ends?: boolean;
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
  readonly #byKey = new Map<number, QueuedCall>();
  readonly #identities = new Identities<QueuedCall>();
  /** The ids that calls have: some servers give all calls the same. */
  readonly #ids = new Set<string>();
  /** The call that began last, dropped or not. */
  #latest: QueuedCall | undefined;
  #begun = 0;
  #open = -1;
  /** The calls that can no longer be written to. */
  #closed = 0;

  /** Takes at most `maxCalls` calls; further ones, which a server that ignores `parallel_tool_calls` makes, are dropped. */
  constructor(writer: ItemWriter, tools: ReadonlyMap<string, ModelFunction>, maxCalls: number) {
    this.#writer = writer;
    this.#tools = tools;
    this.#maxCalls = maxCalls;
  }

  /** Takes in one fragment; throws an ApiError for a call more than a turn may hold, and for arguments that contradict. */
  add(written: CallFragment): void {
    const fragment = withKnownName(written, this.#tools);
    const call = this.#callOf(fragment);
    if (!call || call.isDropped) return;
    if (call.id === null && fragment.id !== null) {
      call.id = fragment.id;
      this.#ids.add(fragment.id);
    }
    call.name ||= fragment.name ?? '';
    call.namespace ||= fragment.namespace;
    Object.assign(call.marks, fragment.marks);
    if (fragment.ends) call.unsent += call.args.complete(fragment.arguments);
    // What comes late repeats what its server has said in the end.
    else if (!call.isEnded || !call.args.text.includes(fragment.arguments)) {
      call.unsent += call.args.add(fragment.arguments);
    }
    call.isEnded ||= fragment.ends === true;
    this.#pump(undefined);
  }

  /** The arguments so far of the call with a key; empty if there is none. */
  argumentsOf(key: number): string {
    return this.#byKey.get(key)?.args.text ?? '';
  }

  /** Whether a call is incomplete: what the model says beside it waits, or it would end the call. */
  get isPending(): boolean {
    for (let at = Math.max(this.#closed, this.#open, 0); at < this.#calls.length; at++) {
      const call = this.#calls[at];
      if (call && !isComplete(call)) return true;
    }
    return false;
  }

  /**
   * Writes all waiting calls; the last function call stays open for its writer to close. Throws if a call never got its name,
   * and for arguments of a call that had ended.
   */
  flush(status: 'completed' | 'incomplete' = 'completed'): void {
    if (this.#closed === this.#calls.length) return;
    this.#pump(status);
    const last = this.#calls[this.#open];
    if (last) last.unsent += last.args.settle();
    this.#writeOpen();
    this.#settle(status);
    if (this.#open < this.#calls.length - 1) throw garbled('a function call without a name');
    this.#closed = this.#calls.length;
  }

  /** The same at the end of a reply. */
  end(status: 'completed' | 'incomplete'): void {
    this.flush(status);
    for (const { args, unsent } of this.#calls) {
      if (unsent.trim() !== '' || args.settle() !== '') throw garbled('arguments of a call that had ended');
    }
  }

  /**
   * Whether the last call's arguments are incomplete JSON: vLLM ends a call that ran out of tokens as if it were
   * complete.
   */
  get broken(): boolean {
    const last = this.#calls.at(-1);
    return last !== undefined && !last.args.isWhole;
  }

  #callOf(fragment: CallFragment): QueuedCall | undefined {
    const { key, index = null, id, name } = fragment;
    if (key !== undefined) return this.#byKey.get(key) ?? this.#begin(fragment);
    const known = this.#identities.find({ index, id }) ?? this.#ofNoMarks(fragment);
    if (!known) return this.#begin(fragment);
    if (id === null && name === null && known.nextName === null) return known;
    if (this.#begins(known, fragment)) return this.#begin({ ...fragment, name: name ?? known.nextName });
    const isLate = id !== null && (known.id === null || fragment.arguments !== '');
    if (isLate && !this.#identities.byId({ index: null, id })) this.#identities.add(known, { index: null, id });
    return known;
  }

  /** The call of a fragment whose marks are not known: one that does not name a function goes on with the last call. */
  #ofNoMarks({ index = null, name }: CallFragment): QueuedCall | undefined {
    if (index === null) return this.#latest;
    return name === null && this.#latest && !this.#latest.args.isWhole ? this.#latest : undefined;
  }

  /** Whether a fragment with the marks of a call begins another: by a new id, another name, or a name after whole JSON. */
  #begins(call: QueuedCall, { index = null, id, name, arguments: args }: CallFragment): boolean {
    const isBlank = args.trim() === '';
    const isOther = name !== null && call.name !== '' && name !== call.name;
    const isWhole = call.args.isWhole;
    if (id !== null && this.#identities.byId({ index, id }) === call) {
      const isNew = isWhole && !call.args.isEmptyObject && !isBlank && !call.args.isRepeatedBy(args);
      return isOther || (name !== null && isNew);
    }
    if (id !== null && call.id !== null) {
      if (name === null) return isWhole && !isBlank && !call.args.isRepeatedBy(args);
      // The id changes within a call, or all calls have it: the function is the same, and its arguments go on.
      const isMore = call.args.isEmpty ? id === call.id : !/^\s*\{/.test(args);
      const goesOn = !isOther && !isWhole && args !== '' && isMore;
      return !goesOn;
    }
    if (!isWhole || name === null) return isOther || (isWhole && !isBlank && call.nextName !== null);
    if (isOther || index === null) return true;
    // The same name after whole JSON: arguments of their own begin a call, now or in the next fragment.
    if (isBlank) call.nextName = name;
    return !isBlank && !call.args.isRepeatedBy(args);
  }

  #begin({ key, index = null, id, name }: CallFragment): QueuedCall {
    if (this.#begun++ >= fixedLimits.turnCalls) throw endless(`${fixedLimits.turnCalls} calls`);
    const isTaken = id !== null && this.#ids.has(id);
    const call: QueuedCall = {
      id: isTaken ? usableCallId(null) : null,
      name: name ?? '',
      nextName: null,
      namespace: undefined,
      marks: {},
      args: new CallArguments(),
      unsent: '',
      isBuffered: false,
      isEnded: false,
      isDropped: this.#calls.length >= this.#maxCalls,
    };
    if (!call.isDropped) this.#calls.push(call);
    if (key === undefined) this.#identities.add(call, { index, id });
    else this.#byKey.set(key, call);
    this.#latest = call;
    return call;
  }

  /** Writes what can be written; with a status all that waits, and what is incomplete by then ends with it. */
  #pump(status: 'completed' | 'incomplete' | undefined): void {
    for (;;) {
      const open = this.#calls[this.#open];
      const next = this.#calls[this.#open + 1];
      const movesOn =
        next?.name && (!open || status || (isComplete(open) && (open.isEnded || !open.args.isEmptyObject)));
      if (movesOn && open) open.unsent += open.args.settle();
      this.#writeOpen();
      if (!movesOn) return;
      if (open) {
        const ending = isComplete(open) || open.args.isEmpty ? 'completed' : (status ?? 'completed');
        this.#settle(ending);
        this.#writer.close(ending);
      }
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

  /** Writes what is new of the open call, unless it waits until it is complete. */
  #writeOpen(): void {
    const open = this.#calls[this.#open];
    if (!open || open.isBuffered || this.#open < this.#closed) return;
    this.#writer.mark(open.marks);
    this.#writer.arguments(open.unsent);
    open.unsent = '';
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

/** Whether a call has all its arguments, as far as anybody knows. */
function isComplete({ args, isEnded }: QueuedCall): boolean {
  return isEnded || args.isWhole;
}
