import assert from 'node:assert/strict';
import type OpenAI from 'openai';
import { type Door, post } from '../support/doors/door.ts';
import { hangs, type Script } from '../support/model/scripted.ts';
import { checkStream, parseStream, type Stream } from '../support/sse.ts';

type ResponseObject = OpenAI.Responses.Response;

/** Creates a response as JSON. */
export async function create(door: Door, body: object): Promise<ResponseObject> {
  const reply = await post(door, { input: 'Hi', ...body });
  const text = await reply.text();
  assert.equal(reply.status, 200, text);
  assert.match(reply.headers.get('content-type') ?? '', /^application\/json/);
  return JSON.parse(text);
}

/** Creates a response as a stream, reads it to its end, and checks what is true of every stream. */
export async function stream(door: Door, body: object): Promise<Stream> {
  const reply = await post(door, { input: 'Hi', ...body, stream: true });
  const text = await reply.text();
  assert.equal(reply.status, 200, text);
  assert.match(reply.headers.get('content-type') ?? '', /^text\/event-stream/);
  const whole = parseStream(text);
  checkStream(whole);
  return whole;
}

/** The body of the model call for a request; the model answers with a short text. */
export async function modelRequest(door: Door, body: object) {
  const model = door.model.script(async (turn) => {
    await turn.text('ok');
    await turn.finish();
  });
  await create(door, { model, ...body });
  return callOf(door, model).body;
}

/** The first call that a scripted model got. */
export function callOf(door: Door, model: string) {
  const [call] = door.model.calls(model);
  assert.ok(call, 'the model was called');
  return call;
}

/**
 * Begins something, leaves it, and asserts that `closed` resolves because of that: sooner than a model call that began
 * earlier, hangs, and is ended by the idle limit.
 */
export async function endsOnLeaving(
  door: Door,
  begin: () => Promise<{ leave(): unknown; closed(): Promise<void> }>,
): Promise<void> {
  const { script, begun } = hangs();
  const model = door.model.script(script);
  const done = new AbortController();
  post(door, { model, input: 'Hi' }, { signal: done.signal }).catch(() => {});
  await begun;
  const { leave, closed } = await begin();
  leave();
  const first = await Promise.race([closed().then(() => 'left'), callOf(door, model).closed.then(() => 'silent')]);
  done.abort();
  assert.equal(first, 'left', 'it ends because the client has left, not because of a limit');
}

/** A request that ends in an error reply. */
export interface Refusal {
  status: number;
  type?: string;
  code: number | string | null;
  param?: string | null;
  message?: string | RegExp;
}

/** Asserts that a reply is an error of this kind, complete and under 1 KiB. */
export async function refuses(reply: Response, expected: Refusal): Promise<string> {
  const text = await reply.text();
  assert.equal(reply.status, expected.status, text);
  assert.match(reply.headers.get('content-type') ?? '', /^application\/json/);
  assert.ok(new TextEncoder().encode(text).length < 1024, 'an error body is under 1 KiB');
  const body = JSON.parse(text);
  assert.deepEqual(Object.keys(body), ['error']);
  const { message, ...rest } = body.error;
  const { status, type = status >= 500 ? 'server_error' : 'invalid_request_error', code, param = null } = expected;
  assert.deepEqual(rest, { type, code, param });
  if (typeof expected.message === 'string') assert.equal(message, expected.message);
  else assert.match(message, expected.message ?? /\S/);
  return text;
}

/** Asserts that a request with this member is refused with 422, naming the member. */
export async function unprocessable(
  door: Door,
  body: object,
  param: string,
  message?: string | RegExp,
): Promise<string> {
  const model = door.model.script(() => assert.fail('the model is not called'));
  const whole = { model, input: 'Hi', ...body };
  const text = await refuses(await post(door, whole), {
    status: 422,
    code: 422,
    param,
    message: message ?? named(param),
  });
  assert.equal(door.model.calls(model).length, 0, 'the model is not called');
  return text;
}

function named(param: string): RegExp {
  return new RegExp(`^${param.replace(/[.[\]]/g, '\\$&')} `);
}

/** Asserts that a model call which its server refuses at once is an error of this kind, for a stream as for a reply in one piece. */
export async function isRefused(door: Door, script: Script, expected: Refusal, body: object = {}): Promise<Headers> {
  const model = door.model.script(script);
  const reply = await post(door, { model, input: 'Hi', ...body });
  const text = await refuses(reply, expected);
  const streamed = await post(door, { model, input: 'Hi', ...body, stream: true });
  assert.equal(await refuses(streamed, expected), text);
  for (const name of ['x-should-retry', 'retry-after']) {
    assert.equal(streamed.headers.get(name), reply.headers.get(name), name);
  }
  return reply.headers;
}

/** Asserts the error reply and the end of the stream for a model that fails. */
export async function fails(door: Door, script: Script, expected: Refusal & { streamCode?: string | null }) {
  const model = door.model.script(script);
  const [reply, streamed] = await Promise.all([post(door, { model, input: 'Hi' }), stream(door, { model })]);
  const text = await refuses(reply, expected);
  const { type, message, param, code } = JSON.parse(text).error;
  const error = streamed.events.at(-2);
  assert.ok(error?.type === 'error');
  const streamCode = expected.streamCode ?? (typeof code === 'string' ? code : 'server_error');
  assert.deepEqual(error.error, { type, code: streamCode, message, param });
  assert.deepEqual([error.code, error.message, error.param], [streamCode, message, param]);
  assert.equal(streamed.final.status, 'failed');
  assert.equal(streamed.final.error?.message, message);
  return { headers: reply.headers, text, streamed };
}
