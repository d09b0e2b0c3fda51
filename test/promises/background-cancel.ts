import assert from 'node:assert/strict';
import type OpenAI from 'openai';
import { post } from '../support/doors/door.ts';
import { says } from '../support/model/scripted.ts';
import { checkStream, parseStream } from '../support/sse.ts';
import { callOf, create, refuses } from './ask.ts';
import { begin, ended, openStream } from './background.ts';
import { NEEDS_HEADERS, NEEDS_LIVE, promise } from './promise.ts';
import { ask, have, longReply, nowhere, stored } from './state-ask.ts';

type ResponseObject = OpenAI.Responses.Response;

promise(
  'cancel.stops',
  { says: 'cancel ends the response, with the output so far, and the model call', source: 'docs/api.md' },
  async (door) => {
    const { script } = longReply('Hello');
    const model = door.model.script(script);
    const { id, text, holds } = await openStream(
      await post(door, { model, input: 'Hi', background: true, stream: true }),
    );
    await holds('Hello');
    const cancelled = await have<ResponseObject>(door, 'POST', `/v1/responses/${id}/cancel`);
    const { status, output, error } = cancelled;
    assert.deepEqual([status, error], ['cancelled', null]);
    assert.partialDeepStrictEqual(output, [{ type: 'message', status: 'incomplete' }]);
    assert.match(JSON.stringify(output), /Hello/);
    await callOf(door, model).closed;
    assert.deepEqual(await stored(door, id), cancelled);
    await text;
  },
  NEEDS_LIVE,
);

promise(
  'cancel.again',
  { says: 'cancel is idempotent', source: 'docs/api.md' },
  async (door) => {
    const { script, begun } = longReply();
    const { id } = await begin(door, script);
    await begun;
    const cancel = () => have<ResponseObject>(door, 'POST', `/v1/responses/${id}/cancel`);
    const [first, ...others] = await Promise.all([cancel(), cancel(), cancel()]);
    assert.equal(first.status, 'cancelled');
    for (const other of [...others, await cancel()]) assert.deepEqual(other, first);
  },
  NEEDS_HEADERS,
);

promise(
  'cancel.ended',
  { says: 'cancel leaves a response as it is that has ended', source: 'docs/api.md' },
  async (door) => {
    const { id } = await begin(door, says('ok'));
    const whole = await ended(door, id);
    assert.deepEqual(await have(door, 'POST', `/v1/responses/${id}/cancel`), whole);
    assert.deepEqual(await stored(door, id), whole);
  },
  NEEDS_HEADERS,
);

promise(
  'cancel.not-background',
  { says: 'only background responses can be cancelled', source: 'docs/api.md' },
  async (door) => {
    const { id } = await create(door, { model: door.model.script(says('ok')) });
    await refuses(await ask(door, 'POST', `/v1/responses/${id}/cancel`), { status: 400, code: null });
  },
  NEEDS_HEADERS,
);

promise(
  'cancel.stream',
  { says: 'readers of the stream see one terminal event, and no error, at a cancel', source: 'docs/api.md' },
  async (door) => {
    const model = door.model.script(longReply('Hello').script);
    const { id, text, holds } = await openStream(
      await post(door, { model, input: 'Hi', background: true, stream: true }),
    );
    await holds('Hello');
    await have(door, 'POST', `/v1/responses/${id}/cancel`);
    const whole = parseStream(await text);
    checkStream(whole);
    assert.deepEqual(
      whole.events.slice(-2).map(({ type }) => type),
      ['response.output_item.done', 'response.failed'],
    );
    assert.equal(whole.final.status, 'cancelled');
    const again = await (await door.fetch(`/v1/responses/${id}?stream=true`)).text();
    assert.deepEqual(parseStream(again).events, whole.events);
  },
  NEEDS_LIVE,
);

promise(
  'cancel.delete',
  { says: 'deleting a response that is being made cancels it', source: 'docs/api.md' },
  async (door) => {
    const { script, begun } = longReply();
    const { id, model } = await begin(door, script);
    await begun;
    await have(door, 'DELETE', `/v1/responses/${id}`);
    await callOf(door, model).closed;
    await nowhere(door, `GET /v1/responses/${id}`);
  },
  NEEDS_HEADERS,
);
