import assert from 'node:assert/strict';
import type OpenAI from 'openai';
import { type Door, post } from '../support/doors/door.ts';
import { callsFunctions, hangs, replies, type Script, says } from '../support/model/scripted.ts';
import { outline } from '../support/sse.ts';
import { callOf, create, refuses, stream, unprocessable } from './ask.ts';
import { NEEDS_HEADERS, NEEDS_LIVE, NEEDS_TEST_TOOL, promise } from './promise.ts';
import { ask, have, longReply, stored, turnRefused } from './state-ask.ts';

/** A background response as it is answered. */
export function begin(door: Door, script: Script, body: object = {}): Promise<OpenAI.Responses.Response> {
  return create(door, { model: door.model.script(script), background: true, ...body });
}

/** A background response once it has ended. */
export async function ended(door: Door, id: string): Promise<OpenAI.Responses.Response> {
  for (;;) {
    const response = await stored(door, id);
    if (response.status !== 'queued' && response.status !== 'in_progress') return response;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A stream that has begun. */
export interface Opened {
  id: string;
  /** Its whole text, once it has ended. */
  text: Promise<string>;
  /** Resolves once a text has come that holds this. */
  holds(part: string): Promise<void>;
}

/** A stream, once the response's id is known. */
export async function openStream(reply: Response): Promise<Opened> {
  assert.equal(reply.status, 200);
  assert.ok(reply.body);
  const [looked, whole] = reply.body.tee();
  const reader = looked.getReader();
  const decoder = new TextDecoder();
  let seen = '';
  const holds = async (part: string) => {
    while (!seen.includes(part)) {
      const { done, value } = await reader.read();
      assert.ok(!done, `the stream ends without ${part}`);
      seen += decoder.decode(value, { stream: true });
    }
  };
  await holds('"object":"response"');
  return { id: /"id":"(resp_\w+)"/.exec(seen)?.[1] ?? '', text: new Response(whole).text(), holds };
}

promise(
  'background.queued',
  { says: 'background: true answers queued before the model has said anything', source: 'docs/background.md' },
  async (door) => {
    const { script, begun, release } = longReply('Hello');
    const response = await begin(door, script);
    assert.equal(response.status, 'queued');
    assert.equal(response.background, true);
    assert.deepEqual(response.output, []);
    assert.equal(response.usage, null);
    await begun;
    release();
    const { output } = await ended(door, response.id);
    assert.partialDeepStrictEqual(output, [{ type: 'message', status: 'completed' }]);
  },
  NEEDS_HEADERS,
);

promise(
  'background.follow',
  { says: 'GET follows a background response from queued to its end', source: 'docs/background.md' },
  async (door) => {
    const { script, begun, release } = longReply('Hello');
    const response = await begin(door, script);
    await begun;
    const during = await stored(door, response.id);
    assert.deepEqual(during, { ...response, status: 'in_progress' });
    release();
    const after = await ended(door, response.id);
    const { completed_at, output, usage } = after;
    assert.ok(completed_at && usage && output.length === 1);
    assert.deepEqual(after, { ...response, status: 'completed', completed_at, output, usage });
  },
  NEEDS_HEADERS,
);

promise(
  'background.stream',
  { says: 'with stream: true its events come live, queued among them', source: 'docs/background.md' },
  async (door) => {
    const model = door.model.script(says('Hel', 'lo'));
    const { events, final } = await stream(door, { model, background: true });
    assert.deepEqual(outline(events), [
      'created',
      'queued',
      'in_progress',
      'output_item.added 0 message in_progress',
      'content_part.added 0.0 output_text',
      'output_text.delta 0.0 Hel',
      'output_text.delta 0.0 lo',
      'output_text.done 0.0 Hello',
      'content_part.done 0.0 output_text',
      'output_item.done 0 message completed',
      'completed',
    ]);
    const statuses = events.flatMap((event) => ('response' in event ? [event.response.status] : []));
    assert.deepEqual(statuses, ['queued', 'queued', 'in_progress', 'completed']);
    assert.deepEqual(await stored(door, final.id), final);
    for (const event of events) {
      if ('response' in event) assert.deepEqual({ ...event.response, ...changing(final) }, final);
    }
  },
  NEEDS_HEADERS,
);

/** The members that change while a response is made. */
function changing({ status, completed_at, output, usage }: OpenAI.Responses.Response) {
  return { status, completed_at, output, usage };
}

promise(
  'background.leaving',
  { says: 'a reader who leaves ends nothing', source: 'docs/edge-cases.md: 29 (hermes-agent#15392)' },
  async (door) => {
    const { script, begun, release } = longReply('Hello');
    const model = door.model.script(script);
    const leaving = new AbortController();
    const body = { model, input: 'Hi', background: true, stream: true };
    const { id, text } = await openStream(await post(door, body, { signal: leaving.signal }));
    text.catch(() => {});
    await begun;
    leaving.abort();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal((await stored(door, id)).status, 'in_progress');
    release();
    assert.equal((await ended(door, id)).status, 'completed');
  },
  NEEDS_LIVE,
);

promise(
  'background.failed',
  { says: 'a backend that fails ends it as failed, in GET and in the stream', source: 'docs/background.md' },
  async (door) => {
    const { id } = await begin(door, replies(429, { error: { message: 'slow down' } }));
    const failed = await ended(door, id);
    assert.equal(failed.status, 'failed');
    assert.equal(failed.error?.code, 'rate_limit_exceeded');
    const model = door.model.script(replies(500, 'no'));
    const { events, final } = await stream(door, { model, background: true });
    assert.deepEqual(
      events.map(({ type }) => type.replace('response.', '')),
      ['created', 'queued', 'in_progress', 'error', 'failed'],
    );
    assert.equal(final.error?.code, 'server_error');
    assert.deepEqual(await stored(door, final.id), final);
  },
  NEEDS_HEADERS,
);

promise(
  'background.refused',
  { says: 'what the backend cannot carry is refused before anything is queued', source: 'docs/background.md' },
  async (door) => {
    const format = { type: 'grammar', syntax: 'lark', definition: 'start: "a"' };
    const tools = [{ type: 'custom', name: 'f', format }];
    const model = door.model.refusing(() => assert.fail('the model is not called'));
    const reply = await post(door, { model, input: 'Hi', background: true, tools });
    assert.equal(reply.status, 422, await reply.text());
    const later = [{ ...tools[0], defer_loading: true }, { type: 'tool_search' }];
    const found = await post(door, { model, input: 'Hi', background: true, tools: later });
    assert.equal(found.status, 422, await found.text());
  },
);

promise(
  'background.store',
  { says: 'background with store: false is 422', source: 'openai 7.57.0: limits and defaults of its types' },
  (door) => unprocessable(door, { background: true, store: false }, 'background').then(() => {}),
);

promise(
  'background.not-yet',
  { says: 'a response that is not ready cannot be gone on from', source: 'docs/state.md' },
  async (door) => {
    const { script, release } = longReply();
    const { id } = await begin(door, script);
    await turnRefused(
      door,
      { previous_response_id: id },
      {
        status: 400,
        code: 'previous_response_not_usable',
        param: 'previous_response_id',
      },
    );
    release();
    await ended(door, id);
    const next = await begin(door, says('ok'), { previous_response_id: id });
    assert.equal((await ended(door, next.id)).status, 'completed');
  },
  NEEDS_HEADERS,
);

promise(
  'background.conversation',
  { says: 'it holds its conversation from queued to its end', source: 'docs/background.md' },
  async (door) => {
    const { id: conversation } = await have<{ id: string }>(door, 'POST', '/v1/conversations', {});
    const { script, release } = longReply('Hello');
    const { id } = await begin(door, script, { conversation });
    await turnRefused(door, { conversation }, { status: 400, code: 'conversation_locked', param: 'conversation' });
    release();
    await ended(door, id);
    const next = await begin(door, says('again'), { conversation });
    await ended(door, next.id);
    const { data } = await have<{ data: { role: string }[] }>(
      door,
      'GET',
      `/v1/conversations/${conversation}/items?order=asc`,
    );
    assert.deepEqual(
      data.map(({ role }) => role),
      ['user', 'assistant', 'user', 'assistant'],
    );
  },
  NEEDS_HEADERS,
);

promise(
  'background.idempotent',
  {
    says: 'a create that is sent again under its key gets the same response, queued or ended',
    source: 'docs/background.md',
  },
  async (door) => {
    const { script, release } = longReply('Hello');
    const body = { model: door.model.script(script), input: 'Hi', background: true };
    const headers = { 'idempotency-key': `background-${body.model}` };
    const send = async (more: object = {}) => {
      const reply = await post(door, { ...body, ...more }, { headers });
      const text = await reply.text();
      assert.equal(reply.status, 200, text);
      return { text, replayed: reply.headers.get('idempotent-replayed') };
    };
    const first = JSON.parse((await send()).text);
    const second = await send();
    assert.deepEqual([JSON.parse(second.text).id, second.replayed], [first.id, 'true']);
    release();
    const whole = await ended(door, first.id);
    assert.deepEqual(JSON.parse((await send()).text), whole);
    assert.equal(door.model.calls(body.model).length, 1);
  },
  NEEDS_HEADERS,
);

promise(
  'background.rounds',
  { says: 'the tool loop runs in the background', source: 'docs/background.md' },
  async (door) => {
    const model = door.model.script(callsFunctions({ name: 'add', args: '{"a":1,"b":2}' }), says('3'));
    const { final } = await stream(door, { model, background: true, tools: [{ type: 'test_tool' }] });
    assert.deepEqual(
      final.output.map(({ type }) => type),
      ['mcp_call', 'message'],
    );
    assert.deepEqual(await stored(door, final.id), final);
    assert.equal(door.model.calls(model).length, 2);
    const next = await begin(door, says('ok'), { previous_response_id: final.id });
    assert.equal((await ended(door, next.id)).status, 'completed');
  },
  { ...NEEDS_TEST_TOOL, ...NEEDS_HEADERS },
);

promise(
  'background.limits',
  { says: 'a silent model fails it', source: 'docs/errors.md' },
  async (door) => {
    const { script } = hangs('Hel');
    const { id } = await begin(door, script);
    const { status, error, output } = await ended(door, id);
    assert.equal(status, 'failed');
    assert.match(error?.message ?? '', /silent/);
    assert.partialDeepStrictEqual(output, [{ type: 'message', status: 'incomplete' }]);
  },
  NEEDS_HEADERS,
);

promise(
  'background.client',
  {
    says: 'openai: create, retrieve with starting_after, and cancel',
    source: 'openai 7.57.0 types: ResponseCreateParams',
  },
  async (door) => {
    const { script, begun, release } = longReply('Hello');
    const model = door.model.script(script);
    const { id, status } = await door.client.responses.create({ model, input: 'Hi', background: true });
    assert.equal(status, 'queued');
    await begun;
    release();
    const events = [];
    for await (const event of await door.client.responses.retrieve(id, { stream: true, starting_after: 1 })) {
      events.push(event);
    }
    assert.equal(events[0]?.sequence_number, 2);
    assert.equal(events.at(-1)?.type, 'response.completed');
    const live = await door.client.responses.create({
      model: door.model.script(says('ok')),
      input: 'Hi',
      background: true,
      stream: true,
    });
    const types = [];
    for await (const event of live) types.push(event.type);
    assert.deepEqual([types[1], types.at(-1)], ['response.queued', 'response.completed']);
    const { script: silent, begun: speaks } = longReply();
    const long = await door.client.responses.create({
      model: door.model.script(silent),
      input: 'Hi',
      background: true,
    });
    await speaks;
    assert.equal((await door.client.responses.cancel(long.id)).status, 'cancelled');
    await callOf(door, model).closed;
  },
  NEEDS_HEADERS,
);

promise(
  'cancel.unknown',
  { says: 'cancel of an unknown id is 404', source: 'docs/api.md' },
  async (door) => {
    const reply = await ask(door, 'POST', '/v1/responses/resp_unknown/cancel');
    await refuses(reply, { status: 404, code: null });
  },
  NEEDS_HEADERS,
);
