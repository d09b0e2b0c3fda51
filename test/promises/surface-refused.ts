import assert from 'node:assert/strict';
import { type Topic, topics } from '../coverage/not-supported.ts';
import type { Refused } from '../coverage/refused.ts';
import { type Door, post } from '../support/doors/door.ts';
import { failsMidway, says } from '../support/model/scripted.ts';
import { create, refuses, stream } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { ask } from './state-ask.ts';
import { scenes } from './surface-scenes.ts';

/** Every request for an unsupported feature, except those with a promise of their own. */
export function requestsFor(door: Door): { refused: Refused; model: string; reply(): Promise<Response> }[] {
  return Object.values<Topic>(topics).flatMap(({ refused }) =>
    refused
      .filter(({ by }) => !by)
      .map((row) => {
        const model = door.model.script(() => assert.fail('the model is not called'));
        const [method = '', path = ''] = (row.request ?? 'POST /v1/responses').split(' ');
        const body = { model, input: 'Hi', ...row.body };
        return { refused: row, model, reply: () => ask(door, method, path, method === 'POST' ? body : undefined) };
      }),
  );
}

promise(
  'surface.not-supported',
  {
    says: 'each request for what is not supported gets the answer of docs/not-supported.md, and nothing is called',
    source: 'docs/not-supported.md',
  },
  async (door) => {
    for (const { refused, model, reply } of requestsFor(door)) {
      const { status, code, param, message } = refused;
      const text = await refuses(await reply(), { status, code, param });
      assert.ok(JSON.parse(text).error.message.startsWith(message), text);
      assert.equal(door.model.calls(model).length, 0, 'the model is not called');
    }
  },
  NEEDS_HEADERS,
);

promise(
  'surface.not-supported-later',
  {
    says: 'tools that are refused are refused as well where a client adds them later',
    source: 'docs/not-supported.md',
  },
  async (door) => {
    for (const { refused } of requestsFor(door)) {
      const { status, param, body } = refused;
      if (!body?.tools || !param?.startsWith('tools[0]')) continue;
      const found = { type: 'tool_search_output', call_id: 'c', tools: body.tools };
      for (const input of [
        [{ type: 'tool_search_call', call_id: 'c', arguments: {} }, found],
        [user, added(body.tools)],
      ]) {
        const model = door.model.script(() => assert.fail('the model is not called'));
        // Tools that this server runs are not added later, whatever they say.
        const served = JSON.stringify(body.tools).startsWith('[{"type":"mcp"');
        const field = `input[1].${served ? 'tools[0].type' : param}`;
        await refuses(await post(door, { model, input }), { status, code: status, param: field });
      }
    }
  },
);

const user = { role: 'user', content: 'Hi' };
const added = (tools: object[]) => ({ type: 'additional_tools', tools });

promise(
  'surface.silent',
  {
    says: 'members of replies for what is not supported are null or absent, as docs/not-supported.md says',
    source: 'docs/not-supported.md',
  },
  async (door) => {
    const model = door.model.script(says('ok'));
    const unknown = { generate: false, stream_id: 'a' };
    const { final } = await stream(door, { model, ...unknown });
    for (const response of [await create(door, { model, ...unknown }), final]) {
      const { access_programs, background, moderation } = response;
      assert.deepEqual(
        { access_programs, background, moderation },
        { access_programs: null, background: false, moderation: null },
      );
      for (const absent of ['image', 'tool_usage']) assert.ok(!(absent in response), absent);
    }
    const failed = await stream(door, { model: door.model.script(failsMidway({ code: 500 })) });
    assert.ok(failed.final.error && !('misalignment' in failed.final.error));
  },
);

promise(
  'surface.events-never',
  {
    says: 'events, statuses and reasons of what is not supported are never sent',
    source: 'openai 7.57.0 types: ResponseStreamEvent',
  },
  async (door) => {
    const never = new Set(Object.values<Topic>(topics).flatMap(({ events = [] }) => events));
    const streams = await scenes(door);
    const types = new Set(streams.flatMap(({ events }) => events.map(({ type }) => type)));
    assert.deepEqual(
      [...types].filter((type) => never.has(type)),
      [],
    );
    const output = JSON.stringify(streams.map(({ final }) => final.output));
    assert.doesNotMatch(output, /"status":"(calling|failed)"/);
    const reasons = streams.map(({ final }) => `${final.status} ${final.incomplete_details?.reason}`);
    assert.deepEqual(
      reasons.filter((reason) => /queued|steered/.test(reason)),
      [],
    );
  },
  NEEDS_HEADERS,
);
