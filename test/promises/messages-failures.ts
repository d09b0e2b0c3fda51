import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import type { Script } from '../support/model/scripted.ts';
import { errorOf, halves, messageEvents, sendsMessage, tells, text } from '../support/model/scripted-messages.ts';
import { encoded } from '../support/model/scripted-responses.ts';
import { callOf, create, endsOnLeaving, refuses, stream } from './ask.ts';
import { promise } from './promise.ts';

promise(
  'anthropic.unprocessable',
  { says: 'what it cannot carry is 422 by its name, before it is asked', source: 'docs/errors.md' },
  async (door) => {
    const model = door.model.anthropic(() => assert.fail('the model is not called'));
    const tiff = { type: 'input_image', image_url: 'data:image/tiff;base64,AAAA' };
    const cases: [body: object, param: string][] = [
      [{ temperature: 1.2 }, 'temperature'],
      [{ presence_penalty: 0.5 }, 'presence_penalty'],
      [{ frequency_penalty: -0.5 }, 'frequency_penalty'],
      [{ text: { format: { type: 'json_object' } } }, 'text.format'],
      [{ text: { verbosity: 'low' } }, 'text.verbosity'],
      [{ top_logprobs: 2 }, 'top_logprobs'],
      [{ include: ['message.output_text.logprobs'] }, 'include'],
      [{ input: [{ role: 'user', content: [tiff] }] }, 'input'],
      [{ input: [{ role: 'assistant', content: 'Hi' }] }, 'input'],
    ];
    for (const [body, param] of cases) {
      await refuses(await post(door, { model, input: 'Hi', ...body }), { status: 422, code: 422, param });
    }
    assert.equal(door.model.calls(model).length, 0);
  },
);

promise(
  'anthropic.incomplete',
  {
    says: 'an answer that was cut, or that it declined to go on with, is incomplete',
    source: 'Messages API: Stop reasons',
  },
  async (door) => {
    for (const [stop_reason, reason] of [
      ['max_tokens', 'max_output_tokens'],
      ['model_context_window_exceeded', 'max_output_tokens'],
      ['refusal', 'content_filter'],
    ] as const) {
      const model = door.model.anthropic(sendsMessage(messageEvents([text('cut')], { stop_reason })));
      const { status, incomplete_details, output } = await create(door, { model });
      assert.deepEqual([status, incomplete_details], ['incomplete', { reason }], stop_reason);
      assert.partialDeepStrictEqual(output, [{ status: 'incomplete' }]);
    }
  },
);

promise(
  'anthropic.usage',
  { says: 'tokens read from its cache and written there count as input', source: 'Messages API: Prompt caching' },
  async (door) => {
    const usage = { cache_read_input_tokens: 20, cache_creation_input_tokens: 30, output_tokens: 7 };
    const model = door.model.anthropic(sendsMessage(messageEvents([text('Hi')], { usage })));
    const response = await create(door, { model });
    assert.partialDeepStrictEqual(response.usage, {
      input_tokens: 61,
      input_tokens_details: { cached_tokens: 20, cache_write_tokens: 30 },
      output_tokens: 7,
      total_tokens: 68,
    });
  },
);

promise(
  'anthropic.failure',
  {
    says: 'its failures are those of any backend, in our words: overflow, unknown model, rate limit, overload',
    source: 'Messages API: Errors',
  },
  async (door) => {
    const cases: [status: number, type: string, message: string, expected: Parameters<typeof refuses>[1]][] = [
      [
        400,
        'invalid_request_error',
        'prompt is too long: 213462 tokens > 200000 maximum',
        { status: 400, code: 'context_length_exceeded', param: 'input' },
      ],
      [404, 'not_found_error', 'model: claude-99', { status: 404, code: 'model_not_found', param: 'model' }],
      [413, 'request_too_large', 'Request exceeds the maximum', { status: 413, code: 'request_too_large' }],
      [429, 'rate_limit_error', 'too many', { status: 429, code: 'rate_limit_exceeded', type: 'rate_limit_error' }],
      [401, 'authentication_error', 'invalid x-api-key', { status: 500, code: 500 }],
      [529, 'overloaded_error', 'Overloaded', { status: 500, code: 500 }],
    ];
    for (const [status, type, message, expected] of cases) {
      const model = door.model.anthropic((turn) => turn.reply(status, errorOf(type, message), { 'retry-after': '7' }));
      const reply = await post(door, { model, input: 'Hi' });
      const vain = status === 529 || status === 429 ? null : 'false';
      assert.equal(reply.headers.get('x-should-retry'), vain, type);
      assert.equal(reply.headers.get('retry-after'), vain ? null : '7');
      assert.ok(!(await refuses(reply, expected)).includes(message), type);
    }
  },
);

promise(
  'anthropic.model-refuses',
  { says: 'a parameter that only this model does not take is 400 by its name', source: 'Messages API: Errors' },
  async (door) => {
    for (const [message, param] of [
      ['`temperature` is deprecated for this model.', 'temperature'],
      ['max_tokens: 70000 > 64000, which is the maximum allowed number of output tokens', 'max_output_tokens'],
      ['"thinking.type.disabled" is not supported for this model.', 'reasoning.effort'],
    ] as const) {
      const model = door.model.anthropic((turn) => turn.reply(400, errorOf('invalid_request_error', message)));
      await refuses(await post(door, { model, input: 'Hi' }), { status: 400, code: null, param });
    }
  },
);

promise(
  'anthropic.bound',
  {
    says: 'a model that says less at once than others is asked for that much, unless the client said how much',
    source: 'Messages API: Errors',
  },
  async (door) => {
    const message =
      'max_tokens: 64000 > 32000, which is the maximum allowed number of output tokens for claude-opus-4-1';
    const refuses64: Script = (turn) => turn.reply(400, errorOf('invalid_request_error', message));
    const model = door.model.anthropic(refuses64, tells(text('Hello')));
    for (const calls of [2, 3]) {
      await create(door, { model });
      assert.equal(door.model.calls(model).length, calls, 'what was learnt stays known');
      assert.equal(door.model.calls(model).at(-1)?.body.max_tokens, 32_000);
    }
    const asks = door.model.anthropic(refuses64);
    const reply = await post(door, { model: asks, input: 'Hi', max_output_tokens: 64_000 });
    await refuses(reply, { status: 400, code: null, param: 'max_output_tokens' });
    assert.equal(door.model.calls(asks).length, 1);
  },
);

promise(
  'anthropic.stream-error',
  {
    says: 'an error event in mid-stream fails the response, and trying again may help',
    source: 'Messages API: Errors',
  },
  async (door) => {
    const [begun] = halves('Well then', ' then');
    const ends = (type: string): Script => {
      return async (turn) => {
        await turn.raw(begun + encoded(errorOf(type, 'Overloaded at 10.0.0.7')));
        turn.end();
      };
    };
    const model = door.model.anthropic(ends('overloaded_error'));
    const reply = await post(door, { model, input: 'Hi' });
    assert.equal(reply.headers.get('x-should-retry'), null);
    assert.ok(!(await refuses(reply, { status: 500, code: 500 })).includes('10.0.0.7'));
    const { final } = await stream(door, { model });
    assert.partialDeepStrictEqual(final, { status: 'failed', output: [{ status: 'incomplete' }] });
    const limited = door.model.anthropic(ends('rate_limit_error'));
    const expected = { status: 429, code: 'rate_limit_exceeded', type: 'rate_limit_error' };
    await refuses(await post(door, { model: limited, input: 'Hi' }), expected);
  },
);

promise(
  'anthropic.broken-off',
  { says: 'a stream that does not say why the model stopped fails', source: 'Messages API: Streaming messages' },
  async (door) => {
    const [begun] = halves('Well then', ' then');
    const model = door.model.anthropic(async (turn) => {
      await turn.raw(begun);
      turn.end();
    });
    await refuses(await post(door, { model, input: 'Hi' }), { status: 500, code: 500 });
    const { final } = await stream(door, { model });
    assert.partialDeepStrictEqual(final, { status: 'failed', output: [{ status: 'incomplete' }] });
  },
);

promise(
  'anthropic.leave',
  { says: 'a client that leaves ends the call', source: 'docs/edge-cases.md: 29 (hermes-agent#15392)' },
  (door) =>
    endsOnLeaving(door, async () => {
      const begun = Promise.withResolvers<void>();
      const script: Script = async (turn) => {
        await turn.raw(halves('Well then', ' then')[0]);
        begun.resolve();
        await turn.closed;
      };
      const model = door.model.anthropic(script);
      const leaving = new AbortController();
      post(door, { model, input: 'Hi', stream: true }, { signal: leaving.signal })
        .then((reply) => reply.text())
        .catch(() => {});
      await begun.promise;
      return { leave: () => leaving.abort(), closed: () => callOf(door, model).closed };
    }),
);
