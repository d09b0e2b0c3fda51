import type { ItemEvent } from '../../events/events.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { Finish } from '../backend.ts';
import { WrittenCall, type WrittenPart } from '../functions/call-schema.ts';
import { objects } from '../server/json-fields.ts';
import type { Reply } from '../server/reply-stream.ts';

/** A reply whose text may be a call, once `expect` has said so. */
export class WrittenCallReply implements Reply {
  readonly #reply: Reply;
  #call: WrittenCall | undefined;

  constructor(reply: Reply) {
    this.#reply = reply;
  }

  /** From now on a text that calls a function of these names is that call. */
  expect(names: Iterable<string>): void {
    this.#call = new WrittenCall(new Set(names));
  }

  add(chunk: JsonObject): void {
    const [choice] = this.#call ? objects(chunk.choices) : [];
    const { delta } = choice ?? {};
    if (!this.#call || this.#call.isText || !isObject(delta)) return void this.#reply.add(chunk);
    if (delta.tool_calls != null) this.#flush();
    if (typeof delta.content !== 'string') return void this.#reply.add(chunk);
    const { content, ...others } = delta;
    const said = this.#call.add(content);
    this.#reply.add({ ...chunk, choices: [{ ...choice, delta: { ...others, ...membersOf(said) } }] });
  }

  done(): void {
    this.#reply.done?.();
  }

  get finished(): boolean {
    return this.#reply.finished;
  }

  get settled(): boolean {
    return this.#reply.settled;
  }

  get over(): boolean {
    return this.#reply.over;
  }

  finish(): Finish {
    this.#flush();
    return this.#reply.finish();
  }

  /** Says what was held back of a text that is no call. */
  #flush(): void {
    const rest = this.#call?.end() ?? {};
    if (rest.text) this.#reply.add({ choices: [{ delta: membersOf(rest) }] });
  }

  take(): ItemEvent[] {
    return this.#reply.take();
  }
}

function membersOf({ name, arguments: args, text }: WrittenPart): JsonObject {
  if (text !== undefined) return { content: text };
  if (name === undefined && args === undefined) return {};
  return { tool_calls: [{ index: 0, function: { ...(name !== undefined && { name }), arguments: args ?? '' } }] };
}
