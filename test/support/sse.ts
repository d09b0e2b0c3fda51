import assert from 'node:assert/strict';
import type OpenAI from 'openai';

/** The `error` event as we send it: flat, as the SDK's types have it, and nested as well. */
export type ErrorEvent = OpenAI.Responses.ResponseErrorEvent & {
  error: { type: string; code: string | null; message: string; param: string | null };
};

/** Any event of a response's stream, in the words of the official client. */
export type StreamEvent = Exclude<OpenAI.Responses.ResponseStreamEvent, { type: 'error' }> | ErrorEvent;

/** An event that carries the whole response. */
export type Lifecycle = Extract<StreamEvent, { response: OpenAI.Responses.Response }>;

/** A stream as it came over the wire. */
export interface Stream {
  events: StreamEvent[];
  comments: number;
  /** The response that the terminal event carries. */
  final: OpenAI.Responses.Response;
}

/** Reads the text of a whole stream; fails when it is not framed as the API's are, `[DONE]` at its end included. */
export function parseStream(text: string): Stream {
  const blocks = text.split('\n\n');
  assert.equal(blocks.pop(), '', 'the stream ends with a blank line');
  assert.equal(blocks.pop(), 'data: [DONE]', 'the last event is [DONE]');
  const comments = blocks.filter((block) => /^:[^\n]*$/.test(block));
  const events = blocks.filter((block) => !comments.includes(block)).map(parseEvent);
  const final = events.at(-1);
  assert.ok(final && 'response' in final, 'the last event carries the response');
  return { events, comments: comments.length, final: final.response };
}

function parseEvent(block: string): StreamEvent {
  const found = /^event: ([\w.]+)\ndata: (.*)$/.exec(block);
  assert.ok(found, `not an event: ${block.slice(0, 200)}`);
  const event: StreamEvent = JSON.parse(found[2] ?? '');
  assert.equal(event.type, found[1], 'the name of an event is its type');
  return event;
}

/** The events as short lines: the type, where it happens, and what it says. */
export function outline(events: readonly StreamEvent[]): string[] {
  return events.map((event) => {
    const words = [event.type.replace('response.', '')];
    if ('output_index' in event) {
      words.push('content_index' in event ? `${event.output_index}.${event.content_index}` : `${event.output_index}`);
    }
    if ('item' in event) words.push(event.item.type);
    if ('item' in event && 'status' in event.item) words.push(`${event.item.status}`);
    if ('part' in event) words.push(event.part.type);
    for (const name of ['delta', 'text', 'refusal', 'name', 'arguments'] as const) {
      const value = (event as unknown as Record<string, unknown>)[name]; // no member is on every event
      if (typeof value === 'string') words.push(value);
    }
    return words.join(' ');
  });
}

const TERMINAL = ['response.completed', 'response.incomplete', 'response.failed'];

/** Items of tools that run at the same time: they end in any order. */
const RUN_AT_ONCE = /^(mcp|web_search|file_search|code_interpreter|image_generation)_/;

/** Holds what is true of every stream, whatever was asked and whatever happened. */
export function checkStream({ events, final }: Stream): void {
  assert.deepEqual(
    events.map((event) => event.sequence_number),
    events.map((_, index) => index),
    'events are numbered from 0 without a gap',
  );
  const [created, ...begun] = events.map(({ type }) => type);
  assert.equal(created, 'response.created');
  if (final.background) assert.equal(begun.shift(), 'response.queued');
  if (final.status !== 'cancelled') assert.equal(begun[0], 'response.in_progress');
  const terminal = events.filter(({ type }) => TERMINAL.includes(type));
  assert.deepEqual(terminal, [events.at(-1)], 'the one terminal event is the last event');
  const errors = events.filter(({ type }) => type === 'error');
  const failed = events.at(-1)?.type === 'response.failed' && final.status !== 'cancelled';
  assert.deepEqual(errors, failed ? [events.at(-2)] : [], 'an error event comes right before response.failed only');
  for (const event of events) if ('response' in event) assert.equal(event.response.id, final.id, 'one response id');

  const items = new Map<number, { id: string; done: boolean }>();
  for (const event of events) {
    if (!('output_index' in event)) continue;
    const at = items.get(event.output_index);
    if (event.type === 'response.output_item.added') {
      assert.equal(event.output_index, items.size, 'items begin at consecutive places');
      assert.ok(event.item.id);
      items.set(event.output_index, { id: event.item.id, done: false });
      continue;
    }
    assert.ok(at && !at.done, `${event.type} comes between its item's added and done`);
    assert.equal('item' in event ? event.item.id : 'item_id' in event ? event.item_id : at.id, at.id, 'one id an item');
    if (event.type === 'response.output_item.done') at.done = true;
  }
  const done = events.filter((event) => event.type === 'response.output_item.done');
  const places = done.filter(({ item }) => !RUN_AT_ONCE.test(item.type)).map((event) => event.output_index);
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
    "the model's items end in the order of their places",
  );
  assert.deepEqual(
    final.output,
    done.toSorted((a, b) => a.output_index - b.output_index).map((event) => event.item),
    'the output is the items that were done',
  );
}
