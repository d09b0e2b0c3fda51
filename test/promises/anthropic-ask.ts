import assert from 'node:assert/strict';
import type { Door } from '../support/doors/door.ts';

/** An event of a stream, or any other object of the Messages API. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach into what was sent without a schema
export type Any = any;

export const PATH = '/v1/messages';
export const VERSION = { 'anthropic-version': '2023-06-01' };
export const hi = [{ role: 'user', content: 'Hi' }];

/** POSTs a body to a path of the Messages API. */
export function send(door: Pick<Door, 'fetch'>, body: unknown, path = PATH, headers: object = {}): Promise<Response> {
  return door.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...VERSION, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** Creates a message as JSON. */
export async function message(door: Pick<Door, 'fetch'>, body: object): Promise<Any> {
  const reply = await send(door, { max_tokens: 100, messages: hi, ...body });
  const text = await reply.text();
  assert.equal(reply.status, 200, text);
  assert.match(reply.headers.get('content-type') ?? '', /^application\/json/);
  return JSON.parse(text);
}

/** Creates a message as a stream, and checks what is true of every stream that ends well. */
export async function streamed(door: Pick<Door, 'fetch'>, body: object): Promise<Any[]> {
  const events = await eventsOf(await send(door, { max_tokens: 100, messages: hi, ...body, stream: true }));
  const spoken = events.filter(({ type }) => type !== 'ping');
  assert.equal(spoken[0]?.type, 'message_start');
  assert.deepEqual(
    spoken.slice(-2).map(({ type }) => type),
    ['message_delta', 'message_stop'],
  );
  let open = -1;
  let next = 0;
  for (const { type, index } of spoken.slice(1, -2)) {
    if (type === 'content_block_start') {
      assert.deepEqual([open, index], [-1, next], 'a block begins when the one before has ended');
      open = next++;
    } else assert.equal(index, open, `${type} is of the open block`);
    if (type === 'content_block_stop') open = -1;
  }
  assert.equal(open, -1, 'the last block has ended');
  return events;
}

/** The events of a reply, as they are framed. */
export async function eventsOf(reply: Response): Promise<Any[]> {
  const text = await reply.text();
  assert.equal(reply.status, 200, text);
  assert.match(reply.headers.get('content-type') ?? '', /^text\/event-stream/);
  const blocks = text.split('\n\n');
  assert.equal(blocks.pop(), '', 'the stream ends with a blank line');
  return blocks.map((block) => {
    const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
    assert.ok(data, `not an event: ${block}`);
    const event = JSON.parse(data);
    assert.equal(event.type, name, 'the name of an event is its type');
    return event;
  });
}

/** What the events of a stream come to, as a client of Anthropic's adds them up. */
export function addedUp(events: readonly Any[]): Any {
  const whole: Any = {};
  for (const event of events) {
    const block = whole.content?.[event.index];
    if (event.type === 'message_start') Object.assign(whole, structuredClone(event.message));
    else if (event.type === 'content_block_start') whole.content.push({ ...event.content_block, json: '' });
    else if (event.type === 'content_block_delta') {
      const { type, text, thinking, signature, partial_json } = event.delta;
      if (type === 'text_delta') block.text += text;
      else if (type === 'thinking_delta') block.thinking += thinking;
      else if (type === 'signature_delta') block.signature = signature;
      else if (type === 'input_json_delta') block.json += partial_json;
    } else if (event.type === 'content_block_stop') {
      if (block.json !== '') block.input = JSON.parse(block.json);
      delete block.json;
    } else if (event.type === 'message_delta') {
      Object.assign(whole, event.delta);
      Object.assign(whole.usage, event.usage);
    }
  }
  return whole;
}

/** Asserts an error in Anthropic's form, and gives its message. */
export async function refusal(
  reply: Response,
  status: number,
  type: string,
  said: RegExp | string = /\S/,
): Promise<string> {
  const text = await reply.text();
  assert.equal(reply.status, status, text);
  assert.ok(new TextEncoder().encode(text).length < 1_100, 'an error is short');
  const body = JSON.parse(text);
  assert.deepEqual(Object.keys(body), ['type', 'error', 'request_id'], text);
  const { details: _, ...error } = body.error;
  assert.deepEqual([body.type, body.error.type, Object.keys(error)], ['error', type, ['type', 'message']], text);
  assert.equal(body.request_id, reply.headers.get('request-id'));
  if (typeof said === 'string') assert.ok(body.error.message.startsWith(said), body.error.message);
  else assert.match(body.error.message, said);
  return body.error.message;
}

/** Asserts that a request with these members is refused with 400 before any model is called; the message begins like this. */
export async function refused(door: Door, body: object, said: RegExp | string): Promise<void> {
  const model = door.model.script(() => assert.fail('the model is not called'));
  const reply = await send(door, { model, max_tokens: 100, messages: hi, ...body });
  await refusal(reply, 400, 'invalid_request_error', said);
  assert.equal(door.model.calls(model).length, 0);
}
