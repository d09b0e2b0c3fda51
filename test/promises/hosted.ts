import assert from 'node:assert/strict';
import type OpenAI from 'openai';
import type { Door } from '../support/doors/door.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { outline, type Stream } from '../support/sse.ts';
import { create, stream } from './ask.ts';
import { found, PNG, serveHosted } from './hosted-ask.ts';
import { promise } from './promise.ts';

const tools = [
  { type: 'code_interpreter', container: { type: 'auto' } },
  { type: 'file_search', vector_store_ids: ['vs_1'] },
  { type: 'image_generation', size: '1024x1024' },
];
type Hosted = Extract<
  OpenAI.Responses.ResponseOutputItem,
  { type: `${'code_interpreter' | 'file_search' | 'image_generation'}_call` }
>;

/** A turn whose model calls a hosted tool with these arguments. */
async function calls<T extends Hosted['type']>(door: Door, type: T, given: object, body: object = {}) {
  serveHosted(door);
  const call = { name: type.replace(/_call$/, ''), args: JSON.stringify(given), id: 'c1' };
  const model = door.model.script(callsFunctions(call), says('Done.'));
  const whole = await stream(door, { model, tools, ...body });
  const item = whole.final.output.find((one): one is Extract<Hosted, { type: T }> => one.type === type);
  assert.ok(item);
  const read: string = door.model.calls(model).at(-1)?.body.messages.at(-1).content;
  const { function: _, ...done } = item as typeof item & { function?: object }; // ours, which later turns need
  return { ...whole, item, done, read };
}

/** A turn whose model runs this code. */
const runs = (door: Door, code: string, body?: object) => calls(door, 'code_interpreter_call', { code }, body);

/** The lines of the item's events. */
const life = ({ events }: Stream) =>
  outline(events.filter((event) => 'output_index' in event && event.output_index === 0));

/** The item as it has begun. */
function begun({ events }: Stream): object {
  const added = events.find(({ type }) => type === 'response.output_item.added');
  assert.ok(added && 'item' in added);
  return added.item;
}

promise(
  'hosted.code',
  {
    says: 'code that an MCP server runs has the events of OpenAI in their order, and its outputs where they are included',
    source: 'recordings: 7 streams of code_interpreter',
    hosted: true,
  },
  async (door) => {
    const outputs = [
      { type: 'logs', logs: '2' },
      { type: 'image', url: `data:image/png;base64,${PNG}` },
    ];
    for (const [include, begins, shown] of [
      [[], null, null],
      [['code_interpreter_call.outputs'], [], outputs],
    ] as const) {
      const ran = await runs(door, '1+1', { include });
      assert.deepEqual(life(ran), [
        'output_item.added 0 code_interpreter_call in_progress',
        'code_interpreter_call.in_progress 0',
        'code_interpreter_call_code.delta 0 1+1',
        'code_interpreter_call_code.done 0',
        'code_interpreter_call.interpreting 0',
        'code_interpreter_call.completed 0',
        'output_item.done 0 code_interpreter_call completed',
      ]);
      const { id, container_id } = ran.item;
      assert.match(id, /^ci_/);
      assert.match(container_id, /^cntr_/);
      const type = 'code_interpreter_call';
      assert.deepEqual(begun(ran), { id, type, status: 'in_progress', code: '', container_id, outputs: begins });
      assert.deepEqual(ran.done, { id, type, status: 'completed', code: '1+1', container_id, outputs: shown });
      assert.equal(ran.read, '2\n(An image, which the user sees.)');
    }
  },
);

promise(
  'hosted.code-failed',
  {
    says: 'code that fails is failed in its status alone, and the model reads why',
    source: 'docs/hosted.md',
    hosted: true,
  },
  async (door) => {
    const ran = await runs(door, 'fail');
    assert.deepEqual(life(ran).slice(-2), [
      'code_interpreter_call.interpreting 0',
      'output_item.done 0 code_interpreter_call failed',
    ]);
    assert.equal(ran.final.status, 'completed');
    assert.match(ran.read, /no such name/);
  },
);

promise(
  'hosted.code-later',
  {
    says: 'a later turn tells the model the call as it was, by previous_response_id or from items that are sent back',
    source: 'docs/hosted.md',
    hosted: true,
  },
  async (door) => {
    const { final, read } = await runs(door, '1+1');
    const input = [{ role: 'user', content: 'Hi' }, ...final.output, { role: 'user', content: 'And?' }];
    for (const body of [{ previous_response_id: final.id }, { input, store: false }]) {
      const model = door.model.script(says('Ok.'));
      await create(door, { model, input: 'And?', ...body });
      assert.partialDeepStrictEqual(door.model.calls(model)[0]?.body.messages.slice(1, 3), [
        { tool_calls: [{ function: { name: 'code_interpreter', arguments: '{"code":"1+1"}' } }] },
        { role: 'tool', content: read },
      ]);
    }
  },
);

promise(
  'hosted.files',
  {
    says: 'a search in files that an MCP server does has the events of OpenAI in their order, with what its entry asks for, and its results where they are included',
    source: 'recordings: 3 streams of file_search',
    hosted: true,
  },
  async (door) => {
    for (const [include, results] of [
      [[], null],
      [['file_search_call.results'], [found]],
    ] as const) {
      const ran = await calls(door, 'file_search_call', { query: 'rain' }, { include });
      assert.deepEqual(life(ran), [
        'output_item.added 0 file_search_call in_progress',
        'file_search_call.in_progress 0',
        'file_search_call.searching 0',
        'file_search_call.completed 0',
        'output_item.done 0 file_search_call completed',
      ]);
      const { id } = ran.item;
      assert.match(id, /^fs_/);
      const type = 'file_search_call';
      assert.deepEqual(begun(ran), { id, type, status: 'in_progress', queries: [], results: null });
      assert.deepEqual(ran.done, { id, type, status: 'completed', queries: ['rain'], results });
      assert.match(ran.read, /It is wet\./);
    }
  },
);

promise(
  'hosted.image',
  {
    says: 'an image that an MCP server makes has the events of OpenAI in their order, is as its entry asks, and is the item’s and not the model’s to read',
    source: 'recordings: a stream of image_generation',
    hosted: true,
  },
  async (door) => {
    const ran = await calls(door, 'image_generation_call', { prompt: 'a dog' });
    assert.deepEqual(life(ran), [
      'output_item.added 0 image_generation_call in_progress',
      'image_generation_call.in_progress 0',
      'image_generation_call.generating 0',
      'image_generation_call.completed 0',
      'output_item.done 0 image_generation_call completed',
    ]);
    const { id } = ran.item;
    assert.match(id, /^ig_/);
    const type = 'image_generation_call';
    assert.deepEqual(begun(ran), { id, type, status: 'in_progress' });
    const made = { result: PNG, revised_prompt: 'a dog', output_format: 'png' };
    assert.deepEqual(ran.done, { id, type, status: 'completed', ...made });
    assert.equal(ran.read, '(An image, which the user sees.)');
  },
);

promise(
  'hosted.failed',
  {
    says: 'a search in files and an image that fail are failed in their status alone, without a completed event, and the model reads why',
    source: 'openai 7.57.0 types: ResponseStreamEvent, which have no event for it',
    hosted: true,
  },
  async (door) => {
    for (const [type, given, last, why] of [
      ['file_search_call', { query: 'sun' }, 'searching', /no such file/],
      ['image_generation_call', { prompt: 'nothing' }, 'generating', /Of what\?/],
    ] as const) {
      const ran = await calls(door, type, given);
      assert.deepEqual(life(ran).slice(-2), [`${type}.${last} 0`, `output_item.done 0 ${type} failed`]);
      assert.equal(ran.final.status, 'completed');
      assert.match(ran.read, why);
    }
  },
);

promise(
  'hosted.at-once',
  {
    says: 'calls of several hosted tools in one round are items with places in the order of the calls, and each has its whole life',
    source: 'docs/hosted.md',
    hosted: true,
  },
  async (door) => {
    serveHosted(door);
    const given = {
      code_interpreter: { code: '1+1' },
      file_search: { query: 'rain' },
      image_generation: { prompt: 'a dog' },
    };
    const asked = Object.entries(given).map(([name, args]) => ({ name, args: JSON.stringify(args), id: name }));
    const model = door.model.script(callsFunctions(...asked), says('Done.'));
    const { events, final } = await stream(door, { model, tools });
    const types = Object.keys(given).map((name) => `${name}_call`);
    assert.deepEqual(
      final.output.map(({ type }) => type),
      [...types, 'message'],
    );
    for (const [index, type] of types.entries()) {
      const own = outline(events.filter((event) => 'output_index' in event && event.output_index === index));
      assert.equal(own.at(-2), `${type}.completed ${index}`);
      assert.equal(own.at(-1), `output_item.done ${index} ${type} completed`);
    }
  },
);
