import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { type Json, replay } from '../support/accumulate.ts';
import { type Heard, heard } from './heard.ts';
import type { Body } from './questions.ts';
import type { Scene } from './scene.ts';

type Response = OpenAI.Responses.Response;

/** Asks through the product for a JSON reply, and holds what is true of each. */
export async function create({ client, target: { model, tokens } }: Scene, question: Body): Promise<Response> {
  const response = await client.responses.create({ max_output_tokens: tokens, ...question, model });
  assert.equal(response.object, 'response');
  assert.match(response.status ?? '', /^(completed|incomplete)$/);
  assert.equal(response.incomplete_details !== null, response.status === 'incomplete');
  assert.equal(response.error, null);
  const { usage } = response;
  if (usage) {
    assert.ok(usage.input_tokens > 0 && usage.output_tokens > 0, JSON.stringify(usage));
    assert.equal(usage.total_tokens, usage.input_tokens + usage.output_tokens);
  }
  for (const item of response.output) {
    // Only the last item can be cut, and only when the response is.
    const cut = response.status === 'incomplete' && item === response.output.at(-1);
    if ('status' in item) assert.equal(item.status, cut ? 'incomplete' : 'completed', item.type);
  }
  return response;
}

/** Asks through the product for a stream, has the referee read it, and compares its end with what is kept. */
export async function stream({ client, target: { model, tokens } }: Scene, question: Body) {
  const body = { max_output_tokens: tokens, ...question, model, stream: true } as const;
  const reply = await client.responses.create(body).asResponse();
  assert.match(reply.headers.get('content-type') ?? '', /^text\/event-stream/);
  const { events, terminal } = replay(await reply.text());
  if (question.store !== false) {
    const kept = await client.responses.retrieve(terminal.id).asResponse();
    assert.deepEqual(await kept.json(), terminal, 'what is kept is what was streamed');
  }
  return { events, response: terminal as Response }; // the referee's own reading is untyped
}

/** What the server said last. */
export function lastHeard({ exchanges }: Scene): Heard {
  return heard(exchanges.at(-1) ?? assert.fail('the server was not asked'));
}

/** The error that a call ends in. */
export async function refusal(call: PromiseLike<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  const error: unknown = await call.then(
    () => assert.fail('it was not refused'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof OpenAI.APIError, String(error));
  return error;
}

/** The text of a response's reasoning. */
export function reasoningOf({ output }: Response): string {
  const parts = output.flatMap((item) => (item.type === 'reasoning' ? (item.content ?? []) : []));
  return parts.map(({ text }) => text).join('');
}

/** The calls of a response. */
export function callsOf({ output }: Response): OpenAI.Responses.ResponseFunctionToolCall[] {
  return output.filter((item) => item.type === 'function_call');
}

/** The calls of a response that are whole; where tokens ran out before one was, the rest of the test is skipped. */
export function wholeCallsOf({ t }: Scene, response: Response): OpenAI.Responses.ResponseFunctionToolCall[] {
  const whole = callsOf(response).filter(({ status }) => status === 'completed');
  if (whole.length === 0 && response.status === 'incomplete') t.skip('the tokens ran out before the call was whole');
  else assert.ok(whole.length > 0, JSON.stringify(response.output));
  return whole;
}

/** The calls of a response as far as the model made them. */
export function madeOf(response: Response): Heard['calls'] {
  return callsOf(response).map(({ name, arguments: written }) => ({ name, arguments: written }));
}

/** The deltas of one kind in a stream, joined. */
export function joined(events: readonly Json[], type: string): string {
  return events
    .filter((event) => event.type === type)
    .map(({ delta }) => delta)
    .join('');
}

/** Waits until something holds; the test's own time ends it otherwise. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 25));
}
