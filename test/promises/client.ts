import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { makeParseableTextFormat } from 'openai/lib/parser';
import { callsFunctions, hangs, replies, says, sends } from '../support/model/scripted.ts';
import { callOf } from './ask.ts';
import { NEEDS_HEADERS, NEEDS_LAST_WORDS, promise } from './promise.ts';

promise('client.create', { says: 'openai: create', source: 'openai 7.57.0' }, async (door) => {
  const model = door.model.script(says('Hello'));
  const response = await door.client.responses.create({ model, input: 'Hi' });
  assert.equal(response.output_text, 'Hello');
  assert.equal(response.status, 'completed');
  assert.ok(response._request_id);
});

promise('client.stream', { says: 'openai: create with stream', source: 'openai 7.57.0' }, async (door) => {
  const model = door.model.script(says('Hel', 'lo'));
  let text = '';
  for await (const event of await door.client.responses.create({ model, input: 'Hi', stream: true })) {
    if (event.type === 'response.output_text.delta') text += event.delta;
  }
  assert.equal(text, 'Hello');
});

promise(
  'client.stream-helper',
  { says: 'openai: the stream helper puts reasoning, text and calls together', source: 'openai 7.57.0' },
  async (door) => {
    const deltas = [
      { reasoning: 'Hm.' },
      { content: 'Hel' },
      { content: 'lo' },
      { tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{"a":' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '1}' } }] },
    ];
    const model = door.model.script(sends(deltas, 'tool_calls'));
    const tools = [{ type: 'function' as const, name: 'f', parameters: {}, strict: false }];
    const stream = door.client.responses.stream({ model, input: 'Hi', tools });
    const texts: string[] = [];
    stream.on('response.output_text.delta', ({ snapshot }) => texts.push(snapshot));
    const final = await stream.finalResponse();
    assert.deepEqual(texts, ['Hel', 'Hello']);
    assert.equal(final.output_text, 'Hello');
    assert.equal(final.status, 'completed');
    assert.partialDeepStrictEqual(final.output, [
      { type: 'reasoning' },
      { type: 'message' },
      { type: 'function_call', arguments: '{"a":1}' },
    ]);
  },
);

promise('client.parse', { says: 'openai: parse with a JSON schema', source: 'openai 7.57.0' }, async (door) => {
  const model = door.model.script(says('{"city":', '"Rome"}'));
  const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
  const format = makeParseableTextFormat(
    { type: 'json_schema', name: 'place', schema, strict: true },
    (text): { city: string } => JSON.parse(text),
  );
  const response = await door.client.responses.parse({ model, input: 'Where?', text: { format } });
  assert.equal(response.output_parsed?.city, 'Rome');
  assert.deepEqual(callOf(door, model).body.response_format.json_schema.schema, schema);
});

promise(
  'client.tool-turns',
  { says: "openai: the output of a turn, with the function's, is the input of the next", source: 'openai 7.57.0' },
  async (door) => {
    const model = door.model.script(callsFunctions({ name: 'f', args: '{"a":1}', id: 'c1' }), says('done'));
    const tools = [{ type: 'function' as const, name: 'f', parameters: {}, strict: null }];
    const first = await door.client.responses.create({ model, input: 'Go', tools });
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'Go' }];
    for (const item of first.output) {
      assert.ok(item.type === 'function_call');
      input.push(item, { type: 'function_call_output', call_id: item.call_id, output: 'one' });
    }
    const second = await door.client.responses.create({ model, input, tools });
    assert.equal(second.output_text, 'done');
    assert.equal(door.model.calls(model)[1]?.body.messages[2].content, 'one');
  },
);

promise(
  'client.errors',
  { says: 'openai: errors are raised as the classes of their status', source: 'openai 7.57.0' },
  async (door) => {
    const create = (body: { model?: string }) => door.client.responses.create({ input: 'Hi', ...body });
    const failing = (status: number) => door.model.script(replies(status, {}));
    const showsHeaders = NEEDS_HEADERS[door.name] === undefined;
    await assert.rejects(create({}), (error) => {
      assert.ok(error instanceof OpenAI.APIError);
      const { status, code, param, type } = error;
      const own = showsHeaders ? [400, 'missing_required_parameter'] : [422, 422];
      assert.deepEqual([status, code, param, type], [...own, 'model', 'invalid_request_error']);
      assert.match(error.message, /model field is required/);
      assert.ok(error.requestID);
      return true;
    });
    await assert.rejects(create({ model: 'nobody-knows' }), {
      status: showsHeaders ? 400 : 404,
      code: 'model_not_found',
    });
    await assert.rejects(create({ model: failing(429) }), OpenAI.RateLimitError);
    await assert.rejects(create({ model: failing(500) }), OpenAI.InternalServerError);
    const overflow = door.model.script(replies(400, { error: { code: 'context_length_exceeded' } }));
    await assert.rejects(create({ model: overflow }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.equal(error.code, 'context_length_exceeded');
      return true;
    });
  },
);

promise(
  'client.stream-error',
  { says: 'openai: a failure inside a stream is raised', source: 'openai 7.57.0' },
  async (door) => {
    const model = door.model.script(async (turn) => {
      await turn.text('Hel');
      await turn.sleep(5);
      turn.cut();
    });
    const types: string[] = [];
    await assert.rejects(async () => {
      for await (const event of await door.client.responses.create({ model, input: 'Hi', stream: true })) {
        types.push(event.type);
      }
    }, OpenAI.APIError);
    assert.ok(types.includes('response.output_text.delta'));
    await assert.rejects(door.client.responses.stream({ model, input: 'Hi' }).finalResponse(), OpenAI.APIError);
  },
  NEEDS_LAST_WORDS,
);

promise(
  'client.no-retry',
  { says: 'openai: what cannot get better is not tried again', source: 'openai 7.57.0' },
  async (door) => {
    const model = door.model.script(replies(401, {}));
    await assert.rejects(door.client.responses.create({ model, input: 'Hi' }, { maxRetries: 3 }));
    assert.equal(door.model.calls(model).length, 1);
  },
);

promise('client.retry', { says: 'openai: a rate limit is tried again', source: 'openai 7.57.0' }, async (door) => {
  const model = door.model.script(replies(429, {}, { 'retry-after': '0' }), says('Hello'));
  const response = await door.client.responses.create({ model, input: 'Hi' }, { maxRetries: 1 });
  assert.equal(response.output_text, 'Hello');
});

promise(
  'client.abort',
  { says: 'openai: aborting a stream ends the model call', source: 'openai 7.57.0' },
  async (door) => {
    const { script, begun } = hangs();
    const model = door.model.script(script);
    const stream = door.client.responses.stream({ model, input: 'Hi' });
    const ended = assert.rejects(stream.finalResponse(), OpenAI.APIUserAbortError);
    await begun;
    stream.abort();
    await ended;
    await callOf(door, model).closed;
  },
);

promise(
  'client.abort-create',
  { says: 'openai: aborting a reply in one piece ends the model call', source: 'openai 7.57.0' },
  async (door) => {
    const { script, begun } = hangs();
    const model = door.model.script(script);
    const leaving = new AbortController();
    const reply = door.client.responses.create({ model, input: 'Hi' }, { signal: leaving.signal });
    const ended = assert.rejects(reply, OpenAI.APIUserAbortError);
    await begun;
    leaving.abort();
    await ended;
    await callOf(door, model).closed;
  },
);

promise(
  'client.models',
  { says: 'openai: models.list', source: 'openai 7.57.0' },
  async (door) => {
    const ids: string[] = [];
    for await (const { id } of door.client.models.list()) ids.push(id);
    assert.ok(ids.includes('demo'));
  },
  NEEDS_HEADERS,
);
