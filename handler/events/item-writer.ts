import { newId } from '../ids.ts';
import type { FunctionCall } from '../items/function.ts';
import { newItemId, type OutputItem } from '../items/item.ts';
import type { OutputMessage, Phase } from '../items/message.ts';
import {
  annotationAdded,
  emptyPart,
  type OutputPart,
  type PartPosition,
  partAdded,
  partDelta,
  partDone,
} from '../items/part-events.ts';
import { type Reasoning, reasoningText } from '../items/reasoning.ts';
import type { Annotation, ItemStatus, Logprob } from '../protocol/content.ts';
import type { ItemEvent } from './events.ts';
import { itemEvents } from './item-events.ts';

type Status = Exclude<ItemStatus, 'in_progress'>;
type Speaker = OutputMessage | Reasoning;

/** The start of a function call. An id that no client could send back is replaced. */
export interface CallStart extends CallMarks {
  call_id: string | null;
  name: string;
  namespace?: string | undefined;
}

/** Members a server may set on a call beside its name and arguments. */
export type CallMarks = Pick<FunctionCall, 'async' | 'caller'>;

/** The open part, and its index as the server counts. */
interface Open {
  part: OutputPart;
  position: PartPosition;
  at: number;
  /** Its citations, as JSON. */
  citations: Set<string>;
}

/**
 * Writes model output as items and events, in OpenAI's order: one item is open at a time, and its `done` events come
 * when another begins or `close` is called. Events wait until they are taken.
 */
export class ItemWriter {
  #events: ItemEvent[] = [];
  #index = 0;
  #speaker: Speaker | undefined;
  #open: Open | undefined;
  #call: FunctionCall | undefined;
  readonly #wantsSummary: boolean;
  #hasSpoken = false;
  /** Whether raw reasoning of the open item is written as a summary. */
  #sumsUp = false;

  /**
   * With `wantsSummary` raw reasoning becomes a summary unless the server sends one: many clients read only summaries.
   */
  constructor(wantsSummary = false) {
    this.#wantsSummary = wantsSummary;
  }

  /** The events since the last take. */
  take(): ItemEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Whether no item has a text, a call or anything else in it. */
  get isSilent(): boolean {
    return !this.#hasSpoken;
  }

  /** Opens the message, unless it is open, and sets its phase if known. */
  message(phase: Phase | undefined): void {
    const members = phase ? { phase } : {};
    Object.assign(this.#begin('message', members), members);
  }

  /** Adds a text delta to the part at `at`, with its log probabilities if they were requested. */
  text(delta: string, logprobs: Logprob[] = [], at = 0): void {
    this.#say('output_text', delta, at, logprobs);
  }

  /** Adds a citation once to the open text at `at`; without an open text it is dropped. */
  cite(annotation: Annotation, at = 0): void {
    const open = this.#open;
    if (open?.part.type !== 'output_text' || open.at !== at) return;
    const { annotations } = open.part;
    const citation = JSON.stringify(annotation);
    if (open.citations.has(citation)) return;
    open.citations.add(citation);
    this.#events.push(annotationAdded(annotation, annotations.push(annotation) - 1, open.position));
  }

  /** Adds a refusal delta to the part at `at`. */
  refusal(delta: string, at = 0): void {
    this.#say('refusal', delta, at);
  }

  /** Adds a reasoning delta. Another `at` opens another part; an empty delta only opens the item. */
  reasoning(delta: string, at = 0): void {
    this.#begin('reasoning');
    if (delta !== '') this.#say(this.#sumsUp ? 'summary_text' : 'reasoning_text', delta, at);
  }

  /** Adds a delta of the server's own summary. From then on the item's raw reasoning stays raw. */
  summary(delta: string, at = 0): void {
    this.#begin('reasoning');
    if (this.#sumsUp) this.#closePart();
    this.#sumsUp = false;
    this.#say('summary_text', delta, at);
  }

  /** The text of the open reasoning; undefined where none is open. */
  get thought(): string | undefined {
    return this.#speaker?.type === 'reasoning' ? reasoningText(this.#speaker) : undefined;
  }

  /** Sets the reasoning's encrypted_content, from its start on if it is not open yet. An empty one only opens the item. */
  seal(content: string): void {
    this.#hasSpoken ||= content !== '';
    const members = content ? { encrypted_content: content } : {};
    Object.assign(this.#begin('reasoning', members), members);
  }

  /** Begins a function call. */
  call({ call_id, namespace, ...call }: CallStart): void {
    this.#hasSpoken = true;
    this.close('completed');
    this.#call = {
      type: 'function_call',
      id: newItemId('function_call'),
      call_id: usableCallId(call_id),
      ...call,
      ...(namespace && { namespace }),
      arguments: '',
      status: 'in_progress',
    };
    this.#added(this.#call);
  }

  /** Sets members of the open call that came after its start. */
  mark(marks: CallMarks): void {
    if (this.#call) Object.assign(this.#call, marks);
  }

  /** Adds an arguments delta to the open call. */
  arguments(delta: string): void {
    const call = this.#call;
    if (!call || delta === '') return;
    call.arguments += delta;
    this.#events.push({ type: 'response.function_call_arguments.delta', ...this.#item(call), delta });
  }

  /** Adds an item that came as a whole, with the events that clients expect of its type. */
  item(item: OutputItem): void {
    this.#hasSpoken = true;
    this.close('completed');
    for (const event of itemEvents(item, this.#index)) this.#events.push(event);
    this.#index++;
  }

  /** Ends the open item, if there is one. */
  close(status: Status): void {
    this.#closePart(status);
    const speaker = this.#speaker;
    const call = this.#call;
    if (call) {
      if (call.arguments === '' && status === 'completed') call.arguments = '{}';
      const { name, arguments: args } = call;
      this.#events.push({
        type: 'response.function_call_arguments.done',
        ...this.#item(call),
        name,
        arguments: args,
      });
    }
    const item = speaker ?? call;
    if (!item) return;
    this.#done({ ...item, status });
    this.#speaker = undefined;
    this.#call = undefined;
  }

  #begin(type: 'reasoning', members?: Pick<Reasoning, 'encrypted_content'>): Reasoning;
  #begin(type: 'message', members?: Pick<OutputMessage, 'phase'>): OutputMessage;
  #begin(type: Speaker['type']): Speaker;
  #begin(type: Speaker['type'], members = {}): Speaker {
    if (this.#speaker?.type === type) return this.#speaker;
    this.close('completed');
    this.#speaker = { ...emptySpeaker(type), ...members };
    this.#sumsUp = this.#wantsSummary;
    this.#added(this.#speaker);
    return this.#speaker;
  }

  #say(type: OutputPart['type'], delta: string, at = 0, logprobs: Logprob[] = []): void {
    const speaker = this.#begin(type === 'output_text' || type === 'refusal' ? 'message' : 'reasoning');
    if (this.#open?.part.type !== type || this.#open.at !== at) {
      this.#closePart();
      this.#open = this.#openPart(speaker, type, at);
    }
    this.#hasSpoken = true;
    const { part, position } = this.#open;
    if (part.type === 'refusal') part.refusal += delta;
    else part.text += delta;
    if (part.type === 'output_text') for (const logprob of logprobs) part.logprobs.push(logprob);
    this.#events.push(partDelta(type, position, delta, logprobs));
  }

  #openPart(speaker: Speaker, type: OutputPart['type'], at: number): Open {
    const part = emptyPart(type);
    const list = type === 'summary_text' && 'summary' in speaker ? speaker.summary : speaker.content;
    const index = list.push(part as never) - 1; // the list is the one that holds parts of this type
    const position = { item_id: speaker.id, output_index: this.#index, index };
    this.#events.push(partAdded(type, position));
    return { part, position, at, citations: new Set() };
  }

  #closePart(status: Status = 'completed'): void {
    if (this.#open) this.#events.push(...partDone(this.#open.part, this.#open.position, status));
    this.#open = undefined;
  }

  #done(item: OutputItem): void {
    const output_index = this.#index++;
    this.#events.push({ type: 'response.output_item.done', sequence_number: 0, output_index, item });
  }

  #added(item: OutputItem): void {
    // A copy, since the item goes on growing and a sent event must not change.
    const snapshot = {
      ...item,
      ...('content' in item && { content: [] }),
      ...('summary' in item && { summary: [] }),
    };
    this.#events.push({
      type: 'response.output_item.added',
      sequence_number: 0,
      output_index: this.#index,
      item: snapshot,
    });
  }

  #item(item: { id: string }) {
    return { sequence_number: 0, item_id: item.id, output_index: this.#index };
  }
}

/** The call id if a client could send it back (1 to 64 characters), else a new one. */
export function usableCallId(id: string | null | undefined): string {
  return id && id.length <= 64 ? id : newId('call');
}

function emptySpeaker(type: Speaker['type']): Speaker {
  if (type === 'reasoning') return { type, id: newItemId(type), summary: [], content: [], status: 'in_progress' };
  return { type, id: newItemId(type), role: 'assistant', status: 'in_progress', content: [] };
}
