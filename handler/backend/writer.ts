import { newId } from '../ids.ts';
import type { Logprob, OutputText, ReasoningText, Refusal } from '../protocol/content.ts';
import type { ItemEvent } from '../protocol/events.ts';
import type { FunctionCall, OutputItem, OutputMessage, Reasoning } from '../protocol/items.ts';

type Status = 'completed' | 'incomplete';
type Part = OutputText | Refusal | ReasoningText;
type Speaker = OutputMessage | Reasoning;

/**
 * Turns what a model says into items and their events, in OpenAI's order: one item is open at a time, and its `done`
 * events come when something else begins or `close` is called. The events wait until they are taken.
 */
export class Writer {
  #events: ItemEvent[] = [];
  #index = 0;
  #speaker: Speaker | undefined;
  #part: Part | undefined;
  #call: FunctionCall | undefined;

  /** The events since the last take. */
  take(): ItemEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Adds to the model's text, with the log probabilities of its tokens where they were asked for. */
  text(delta: string, logprobs: Logprob[] = []): void {
    const part = this.#open('message', 'output_text');
    part.text += delta;
    part.logprobs.push(...logprobs);
    this.#events.push({ type: 'response.output_text.delta', ...this.#place(), delta, logprobs });
  }

  /** Adds to the model's refusal. */
  refusal(delta: string): void {
    const part = this.#open('message', 'refusal');
    part.refusal += delta;
    this.#events.push({ type: 'response.refusal.delta', ...this.#place(), delta });
  }

  /** Adds to the model's reasoning. */
  reasoning(delta: string): void {
    const part = this.#open('reasoning', 'reasoning_text');
    part.text += delta;
    this.#events.push({ type: 'response.reasoning_text.delta', ...this.#place(), delta });
  }

  /** Begins a function call. */
  call(name: string, callId: string | null | undefined, namespace?: string): void {
    this.close('completed');
    this.#call = {
      type: 'function_call',
      id: newId('fc'),
      call_id: usableCallId(callId),
      name,
      ...(namespace && { namespace }),
      arguments: '',
      status: 'in_progress',
    };
    this.#added(this.#call);
  }

  /** Adds to the arguments of the open call. */
  arguments(delta: string): void {
    const call = this.#call;
    if (!call || delta === '') return;
    call.arguments += delta;
    this.#events.push({ type: 'response.function_call_arguments.delta', ...this.#item(call), delta });
  }

  /** Adds an item that came as a whole, with the events that clients expect of its type. */
  item(item: OutputItem): void {
    this.close('completed');
    this.#added({
      ...item,
      status: 'in_progress',
      ...(item.type === 'custom_tool_call' && { input: '' }),
    } as OutputItem); // every type of item may be in progress
    if (item.type === 'custom_tool_call') {
      const { input } = item;
      if (input)
        this.#events.push({ type: 'response.custom_tool_call_input.delta', ...this.#item(item), delta: input });
      this.#events.push({ type: 'response.custom_tool_call_input.done', ...this.#item(item), input });
    } else if (item.type === 'shell_call') {
      for (const [command_index, command] of item.action.commands.entries()) {
        const place = { sequence_number: 0, output_index: this.#index, command_index };
        this.#events.push({ type: 'response.shell_call_command.added', ...place, command: '' });
        this.#events.push({ type: 'response.shell_call_command.delta', ...place, delta: command });
        this.#events.push({ type: 'response.shell_call_command.done', ...place, command });
      }
    }
    this.#done(item);
  }

  /** Ends the open item, if there is one. */
  close(status: Status): void {
    this.#closePart();
    const speaker = this.#speaker;
    const call = this.#call;
    if (call) {
      if (call.arguments === '' && status === 'completed') call.arguments = '{}';
      const { name, arguments: written } = call;
      this.#events.push({
        type: 'response.function_call_arguments.done',
        ...this.#item(call),
        name,
        arguments: written,
      });
    }
    const item = speaker ?? call;
    if (!item) return;
    this.#done({ ...item, status });
    this.#speaker = undefined;
    this.#call = undefined;
  }

  #open(type: 'message', part: 'output_text'): OutputText;
  #open(type: 'message', part: 'refusal'): Refusal;
  #open(type: 'reasoning', part: 'reasoning_text'): ReasoningText;
  #open(type: Speaker['type'], kind: Part['type']): Part {
    if (this.#part?.type === kind) return this.#part;
    if (this.#speaker?.type === type) this.#closePart();
    else {
      this.close('completed');
      this.#speaker = emptySpeaker(type);
      this.#added({ ...this.#speaker });
    }
    const part = emptyPart(kind);
    this.#part = part;
    this.#speaker?.content.push(part as never); // the overloads pair each part with the item that holds it
    this.#events.push({ type: 'response.content_part.added', ...this.#place(), part: emptyPart(kind) });
    return part;
  }

  #closePart(): void {
    const part = this.#part;
    if (!part) return;
    const place = this.#place();
    if (part.type === 'output_text') {
      this.#events.push({ type: 'response.output_text.done', ...place, text: part.text, logprobs: part.logprobs });
    } else if (part.type === 'refusal') {
      this.#events.push({ type: 'response.refusal.done', ...place, refusal: part.refusal });
    } else {
      this.#events.push({ type: 'response.reasoning_text.done', ...place, text: part.text });
    }
    this.#events.push({ type: 'response.content_part.done', ...place, part });
    this.#part = undefined;
  }

  #done(item: OutputItem): void {
    const output_index = this.#index++;
    this.#events.push({ type: 'response.output_item.done', sequence_number: 0, output_index, item });
  }

  #added(item: OutputItem): void {
    const snapshot = 'content' in item ? { ...item, content: [] } : { ...item };
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

  #place() {
    const speaker = this.#speaker as Speaker; // a part is open only inside an item
    return { ...this.#item(speaker), content_index: speaker.content.length - 1 };
  }
}

/** The call id if a client could send it back: not empty, and not longer than is taken; else a new one. */
export function usableCallId(id: string | null | undefined): string {
  return id && id.length <= 64 ? id : newId('call');
}

function emptySpeaker(type: Speaker['type']): Speaker {
  if (type === 'reasoning') return { type, id: newId('rs'), summary: [], content: [], status: 'in_progress' };
  return { type, id: newId('msg'), role: 'assistant', status: 'in_progress', content: [] };
}

function emptyPart(type: Part['type']): Part {
  if (type === 'refusal') return { type, refusal: '' };
  if (type === 'reasoning_text') return { type, text: '' };
  return { type, text: '', annotations: [], logprobs: [] };
}
