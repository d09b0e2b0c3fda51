import assert from 'node:assert/strict';
import type OpenAI from 'openai';
import { routes } from '../../handler/http/routes.ts';
import { type Door, post } from '../support/doors/door.ts';
import type { Script } from '../support/model/scripted.ts';
import { parseStream, type Stream } from '../support/sse.ts';
import { type Refusal, refuses } from './ask.ts';

type ResponseObject = OpenAI.Responses.Response;

/** An item of a list, whatever its type. */
export interface Item {
  id: string;
  type: string;
  [member: string]: unknown;
}

/** A page of items as the wire has it; the client's types know no null. */
export interface List {
  object: 'list';
  data: Item[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}

/** Sends a request to a path, with a JSON body if one is given. */
export function ask(door: Pick<Door, 'fetch'>, method: string, path: string, body?: object): Promise<Response> {
  if (!body) return door.fetch(path, { method });
  return door.fetch(path, { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
}

/** Sends a request to a path, and returns the JSON of its 200. */
export async function have<T>(door: Pick<Door, 'fetch'>, method: string, path: string, body?: object): Promise<T> {
  const reply = await ask(door, method, path, body);
  const text = await reply.text();
  assert.equal(reply.status, 200, text);
  assert.match(reply.headers.get('content-type') ?? '', /^application\/json/);
  return JSON.parse(text);
}

/** The stored response with an id. */
export function stored(door: Pick<Door, 'fetch'>, id: string): Promise<ResponseObject> {
  return have(door, 'GET', `/v1/responses/${id}`);
}

/** The stored response once its turn has ended. */
export async function settled(door: Door, id: string): Promise<ResponseObject> {
  let response = await stored(door, id);
  await until(async () => {
    response = await stored(door, id);
    return response.status !== 'queued' && response.status !== 'in_progress';
  });
  return response;
}

/** Every request to the object with an id, and to an item of it, such as `GET /v1/responses/resp_1/input_items`. */
export function requestsTo(resource: 'responses' | 'conversations', id: string, item = 'msg_1'): string[] {
  const one = `/v1/${resource}/{id}`;
  const below = routes.filter(({ path }) => path === one || path.startsWith(`${one}/`));
  return below.map(({ method, path }) => `${method} ${path.replace('{id}', () => id).replace('{item}', item)}`);
}

/** The paths of those that only read. */
export function readablePaths(...to: Parameters<typeof requestsTo>): string[] {
  return requestsTo(...to).flatMap((request) => (request.startsWith('GET ') ? [request.slice('GET '.length)] : []));
}

/** Asserts 404 for these requests, each a method and a path: `GET /v1/...`. */
export async function nowhere(door: Door, ...requests: string[]): Promise<void> {
  for (const request of requests) {
    const [, method = '', path = ''] = /^(\w+) (.*)$/s.exec(request) ?? [];
    const body = method === 'POST' ? { items: [{ role: 'user', content: 'Hi' }], metadata: {} } : undefined;
    await refuses(await ask(door, method, path, body), { status: 404, code: null });
  }
}

/** Asserts that a turn is refused before the model is called. */
export async function turnRefused(door: Door, body: object, expected: Omit<Refusal, 'type'>): Promise<string> {
  const model = door.model.script((turn) => turn.cut());
  const reply = await post(door, { model, input: 'Hi', ...body });
  const text = await refuses(reply, { type: 'invalid_request_error', ...expected });
  assert.equal(door.model.calls(model).length, 0, 'the model is not called');
  return text;
}

/** Asserts that a reply refuses a member, or something inside it. */
export async function refusesWithin(reply: Response, expected: Refusal, param: RegExp): Promise<void> {
  const { error } = JSON.parse(await reply.clone().text());
  assert.match(`${error?.param}`, param);
  await refuses(reply, { ...expected, param: error.param });
}

interface ChatMessage {
  role: string;
  content?: unknown;
  tool_call_id?: string;
  tool_calls?: { id: string; function: { name: string; arguments: string } }[];
}

/** The messages of the model's last call, a line for each: `user: Hi`, `assistant: f {} #c1`, `tool c1: done`. */
export function modelInput(door: Door, model: string): string[] {
  const messages: ChatMessage[] = door.model.calls(model).at(-1)?.body.messages;
  return messages.map(({ role, content, tool_call_id, tool_calls = [] }) => {
    const texts =
      content == null || content === '' ? [] : [typeof content === 'string' ? content : JSON.stringify(content)];
    const calls = tool_calls.map(({ id, function: fn }) => `${fn.name} ${fn.arguments} #${id}`);
    return `${tool_call_id === undefined ? role : `${role} ${tool_call_id}`}: ${[...texts, ...calls].join(' ')}`;
  });
}

/** A script that streams text, so that no idle limit ends it, until it is released; then it ends properly. */
export function longReply(text = 'Hel'): { script: Script; begun: Promise<void>; release(): void } {
  const begun = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let open = true;
  const release = () => {
    open = false;
    released.resolve();
  };
  const script: Script = async (turn) => {
    turn.closed.then(release);
    await turn.text(text);
    begun.resolve();
    while (open) {
      await Promise.race([released.promise, turn.sleep(200)]);
      if (open) await turn.text('.');
    }
    await turn.finish();
  };
  return { script, begun: begun.promise, release };
}

/** A stream that is being read while the test goes on. */
export interface Begun {
  /** The id in `response.created`. */
  id: string;
  /** Resolves when the reader has seen this. */
  seen(pattern: RegExp): Promise<void>;
  leave(): void;
  whole: Promise<Stream>;
}

/** Asks for a stream, and reads on by itself once its id is known. */
export async function begin(door: Pick<Door, 'fetch'>, body: object, headers = {}): Promise<Begun> {
  const leaving = new AbortController();
  const reply = await post(door, { input: 'Hi', ...body, stream: true }, { headers, signal: leaving.signal });
  let text = '';
  const named = Promise.withResolvers<string>();
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of reply.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const id = /"id":"(resp_\w+)"/.exec(text)?.[1];
      if (id) named.resolve(id);
    }
    assert.equal(reply.status, 200, text);
    return parseStream(text);
  };
  const whole = read();
  whole.then(() => named.reject(new Error('the stream has no id')), named.reject);
  const id = await named.promise;
  return { id, whole, leave: () => leaving.abort(), seen: (pattern) => until(() => pattern.test(text)) };
}

/** Far longer than anything here takes; past it a test fails, rather than going on after its own end. */
const PATIENCE = 20_000;

/** Waits until a condition holds that another task brings about. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const late = AbortSignal.timeout(PATIENCE);
  while (!(await holds())) {
    assert.ok(!late.aborted, 'it has not happened');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A new conversation's id. */
export async function conversation(door: Door, body: object = {}): Promise<string> {
  const { id } = await have<{ id: string }>(door, 'POST', '/v1/conversations', body);
  return id;
}

/** The items of a conversation, oldest first: each as its type, a message as its role and text. */
export async function contents(door: Door, id: string): Promise<string[]> {
  const { data } = await have<List>(door, 'GET', `/v1/conversations/${id}/items?order=asc&limit=100`);
  return data.map(outlineItem);
}

function outlineItem({ type, role, content }: Item): string {
  if (type !== 'message' || !Array.isArray(content)) return type;
  return `${role}: ${content.map((part) => part.text ?? part.type).join('')}`;
}

/** User messages, each with its number as text. */
export function messages(count: number, from = 0): { role: 'user'; content: string }[] {
  return Array.from({ length: count }, (_, n) => ({ role: 'user', content: `message ${from + n}` }));
}

/** The text of a message's first part. */
export function textOf({ content }: Item): unknown {
  return Array.isArray(content) ? content[0]?.text : content;
}
