import assert from 'node:assert/strict';
import type { Door } from '../support/doors/door.ts';
import { gives, type McpToolScript } from '../support/mcp-server.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { outline } from '../support/sse.ts';
import { create, stream } from './ask.ts';
import { promise } from './promise.ts';

const PNG = 'iVBORw0KGgo=';
const image = { type: 'image', data: PNG, mimeType: 'image/png' };

/** What runs code: 1 + 1 is known, and a picture is drawn with it. */
const run: McpToolScript = {
  name: 'run',
  description: 'Runs Python.',
  inputSchema: { type: 'object', properties: { code: { type: 'string' } }, required: ['code'] },
  run: ({ code }) =>
    code === '1+1' ? { content: [...(gives('2').content ?? []), image] } : { ...gives('no such name'), isError: true },
};

const tools = [{ type: 'code_interpreter', container: { type: 'auto' } }];

/** A turn whose model runs this code. */
async function runs(door: Door, code: string, body: object = {}) {
  door.model.mcp.serve([run], {}, 'sandbox');
  const args = JSON.stringify({ code });
  const model = door.model.script(callsFunctions({ name: 'code_interpreter', args, id: 'c1' }), says('Done.'));
  const whole = await stream(door, { model, tools, ...body });
  const [item] = whole.final.output;
  assert.ok(item?.type === 'code_interpreter_call');
  const read: string = door.model.calls(model).at(-1)?.body.messages.at(-1).content;
  return { ...whole, item, read };
}

/** The lines of the item's events. */
const life = ({ events }: Awaited<ReturnType<typeof runs>>) =>
  outline(events.filter((event) => 'output_index' in event && event.output_index === 0));

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
      const added = ran.events.find(({ type }) => type === 'response.output_item.added');
      const type = 'code_interpreter_call';
      const item = { id, type, status: 'in_progress', code: '', container_id, outputs: begins };
      assert.ok(added && 'item' in added);
      assert.deepEqual(added.item, item);
      const { function: _, ...done } = ran.item as typeof ran.item & { function?: object }; // ours, which later turns need
      assert.deepEqual(done, { id, type, status: 'completed', code: '1+1', container_id, outputs: shown });
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
