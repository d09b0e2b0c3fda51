import { endless } from '../../errors.ts';
import { type CallMarks, usableCallId, type Writer } from '../../events/item-writer.ts';
import { fixedLimits } from '../../limits.ts';
import { garbled } from '../server/failure.ts';
import { JsonText } from './json-text.ts';
import type { ChatTool } from './tools.ts';

interface Call {
  key: number | string;
  id: string | null;
  name: string;
  namespace: string | undefined;
  marks: CallMarks;
  /** The arguments so far, and those of them that the writer does not have yet. */
  written: JsonText;
  fresh: string;
  /** Whether it waits to be whole: a call of a tool that is no function to the client. */
  held: boolean;
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
 * Puts fragmented, parallel calls into the writer one after another, in the order in which they began. The open
 * call's fragments pass at once; those of later ones wait until its arguments are whole. A call of a tool that is no
 * function to the client passes when it is whole.
 */
export class CallQueue {
  readonly #writer: Writer;
  readonly #tools: ReadonlyMap<string, ChatTool>;
  readonly #most: number;
  readonly #calls: Call[] = [];
  readonly #byKey = new Map<Call['key'], Call>();
  #open = -1;

  /** Takes at most `most` calls; further ones, which a server that ignores `parallel_tool_calls` makes, are dropped. */
  constructor(writer: Writer, tools: ReadonlyMap<string, ChatTool>, most: number) {
    this.#writer = writer;
    this.#tools = tools;
    this.#most = most;
  }

  /** Takes in one fragment; throws an ApiError for a call more than a turn may hold. */
  add(fragment: CallFragment): void {
    const call = this.#callOf(fragment);
    if (!call) return;
    call.id ??= fragment.id;
    call.name ||= fragment.name ?? '';
    call.namespace ||= fragment.namespace;
    Object.assign(call.marks, fragment.marks);
    call.written.add(fragment.arguments);
    call.fresh += fragment.arguments;
    this.#pump(false);
  }

  /** Passes on all that waits; a function call that is the last stays open. Throws when a call never got its name. */
  flush(status: 'completed' | 'incomplete' = 'completed'): void {
    this.#pump(true);
    this.#settle(status);
    if (this.#open < this.#calls.length - 1) throw garbled('a function call without a name');
  }

  /** Whether the last call's arguments break off: vLLM ends a call that ran out of tokens as if it were whole. */
  get broken(): boolean {
    const last = this.#calls.at(-1);
    return last !== undefined && !last.written.isWhole;
  }

  /** Some servers send no index: a new id begins a new call then, and no id goes on with the last. */
  #callOf({ index, id }: CallFragment): Call | undefined {
    const key = index ?? id ?? this.#calls.at(-1)?.key ?? 0;
    const known = this.#byKey.get(key);
    if (known || this.#calls.length >= this.#most) return known;
    if (this.#calls.length >= fixedLimits.turnCalls) throw endless(`${fixedLimits.turnCalls} calls`);
    const call: Call = {
      key,
      id: null,
      name: '',
      namespace: undefined,
      marks: {},
      written: new JsonText(),
      fresh: '',
      held: false,
    };
    this.#calls.push(call);
    this.#byKey.set(key, call);
    return call;
  }

  #pump(flushing: boolean): void {
    for (;;) {
      const open = this.#calls[this.#open];
      if (open && !open.held) {
        this.#writer.mark(open.marks);
        this.#writer.arguments(open.fresh);
        open.fresh = '';
      }
      const next = this.#calls[this.#open + 1];
      if (!next?.name || (open && !flushing && !open.written.isWhole)) return;
      this.#settle('completed');
      this.#open++;
      const tool = this.#tools.get(next.name);
      if (tool?.toItem) next.held = true;
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

  /** Passes on the open call if it was held. What was cut and cannot be read is no call. */
  #settle(status: 'completed' | 'incomplete'): void {
    const open = this.#calls[this.#open];
    if (!open?.held) return;
    open.held = false;
    open.fresh = '';
    const tool = this.#tools.get(open.name);
    if (!tool?.toItem || (status === 'incomplete' && tool.type !== 'custom' && !open.written.isWhole)) return;
    const call_id = usableCallId(open.id);
    this.#writer.item(tool.toItem({ call_id, arguments: open.written.text, status }));
  }
}
