import assert from 'node:assert/strict';
import { callsFunctions, hangs, says } from '../support/model/scripted.ts';
import { callOf } from './ask.ts';
import { NEEDS_HEADERS, NEEDS_LIVE, NEEDS_TEST_TOOL, promise } from './promise.ts';
import { begin, longReply, nowhere, requestsTo, settled, stored, until } from './state-ask.ts';

const LIVE = { ...NEEDS_HEADERS, ...NEEDS_LIVE };

promise(
  'running.stored',
  { says: 'a response can be retrieved from the moment its id is known, in_progress', source: 'docs/state.md' },
  async (door) => {
    const { script, begun, release } = longReply();
    const running = await begin(door, { model: door.model.script(script), metadata: { a: 'b' } });
    const early = await stored(door, running.id);
    await begun;
    const later = await stored(door, running.id);
    release();
    const { events } = await running.whole;
    assert.ok(events[0]?.type === 'response.created');
    assert.deepEqual([early, later], [events[0].response, events[0].response]);
    assert.equal((await stored(door, running.id)).status, 'completed');
  },
  LIVE,
);

promise(
  'running.unstored',
  { says: 'with store: false it cannot', source: 'docs/api.md' },
  async (door) => {
    const { script, begun, release } = longReply();
    const running = await begin(door, { model: door.model.script(script), store: false });
    await begun;
    await nowhere(door, `GET /v1/responses/${running.id}`);
    release();
    await running.whole;
  },
  LIVE,
);

promise(
  'running.rounds',
  { says: 'a running response shows the items of the tool rounds so far', source: 'docs/state.md' },
  async (door) => {
    const { script, begun, release } = longReply();
    const model = door.model.script(callsFunctions({ name: 'add', args: '{"a":2,"b":3}' }), script);
    const running = await begin(door, { model, tools: [{ type: 'test_tool' }] });
    await begun;
    let response = await stored(door, running.id);
    await until(async () => {
      response = await stored(door, running.id);
      return response.output.length > 0 || response.status !== 'in_progress';
    });
    release();
    const { final } = await running.whole;
    assert.equal(response.status, 'in_progress');
    assert.partialDeepStrictEqual(response.output, [{ type: 'mcp_call', output: '5', status: 'completed' }]);
    assert.deepEqual(response.output, final.output.slice(0, 1));
  },
  { ...LIVE, ...NEEDS_TEST_TOOL },
);

promise(
  'left.stored',
  {
    says: 'a stream that its client has left is kept as cancelled, with the text made so far',
    source: 'docs/edge-cases.md: 29 (hermes-agent#15392)',
  },
  async (door) => {
    const { script, begun } = longReply();
    const running = await begin(door, { model: door.model.script(script) });
    await Promise.all([begun, running.seen(/"delta":"Hel"/)]);
    running.leave();
    const { status, output } = await settled(door, running.id);
    assert.deepEqual([status, output.length], ['cancelled', 1]);
    assert.partialDeepStrictEqual(output, [{ type: 'message', status: 'incomplete' }]);
    assert.match(JSON.stringify(output), /"text":"Hel\.*"/);
  },
  LIVE,
);

promise(
  'left.silent',
  {
    says: 'a stream that its client has left before the model has spoken is kept as cancelled',
    source: 'docs/edge-cases.md: 29 (hermes-agent#15392)',
  },
  async (door) => {
    const { script, begun } = hangs('');
    const running = await begin(door, { model: door.model.script(script) });
    await begun;
    running.leave();
    const { status, output } = await settled(door, running.id);
    assert.deepEqual([status, output], ['cancelled', []]);
  },
  LIVE,
);

promise(
  'left.rounds',
  {
    says: 'a stream left in a later round keeps the items of the earlier ones',
    source: 'docs/edge-cases.md: 29 (hermes-agent#15392)',
  },
  async (door) => {
    const { script, begun } = longReply();
    const model = door.model.script(callsFunctions({ name: 'add', args: '{"a":2,"b":3}' }), script);
    const running = await begin(door, { model, tools: [{ type: 'test_tool' }] });
    await Promise.all([begun, running.seen(/"delta":"Hel"/)]);
    running.leave();
    const { status, output } = await settled(door, running.id);
    assert.deepEqual([status, output.length], ['cancelled', 2]);
    assert.partialDeepStrictEqual(output, [
      { type: 'mcp_call', output: '5', status: 'completed' },
      { type: 'message', status: 'incomplete' },
    ]);
  },
  { ...LIVE, ...NEEDS_TEST_TOOL },
);

promise(
  'left.unstored',
  { says: 'a stream left with store: false leaves nothing', source: 'docs/edge-cases.md: 29 (hermes-agent#15392)' },
  async (door) => {
    const { script, begun } = longReply();
    const model = door.model.script(script, says('next'));
    const running = await begin(door, { model, store: false });
    await begun;
    running.leave();
    await callOf(door, model).closed;
    await nowhere(door, ...requestsTo('responses', running.id));
  },
  LIVE,
);
