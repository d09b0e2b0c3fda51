import assert from 'node:assert/strict';
import { unreachable } from '../../handler/errors.ts';
import { newItemId } from '../../handler/items/item.ts';
import type { ToolContext } from '../../handler/tools/tool.ts';
import { post } from '../support/doors/door.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { meeting, plays } from '../support/played-tool.ts';
import { outline } from '../support/sse.ts';
import { create, stream } from './ask.ts';
import { NEEDS_TEST_TOOL, promise } from './promise.ts';

promise(
  'served-tools.open-at-once',
  {
    says: 'tools of one turn are opened at the same time; their items have the places in which they began, and end as they answer',
    source: 'recordings: three mcp_list_tools of one response',
  },
  async (door) => {
    const meets = meeting(3);
    const ends = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
    const entries = ends.map(({ promise }, index) =>
      plays({
        async opens() {
          await meets();
          if (index === 2) ends[2]?.resolve();
          await promise;
          ends[index - 1]?.resolve();
        },
        functions: { [`fn_${index}`]: () => ({ output: 'x' }) },
      }),
    );
    const model = door.model.script(says('Done.'));
    const { events, final } = await stream(door, { model, tools: entries });
    const lines = outline(events).filter((line) => /mcp_call/.test(line));
    assert.deepEqual(
      lines.slice(0, 3),
      [0, 1, 2].map((place) => `output_item.added ${place} mcp_call in_progress`),
    );
    assert.deepEqual(
      lines.filter((line) => /done/.test(line)),
      [2, 1, 0].map((place) => `output_item.done ${place} mcp_call completed`),
    );
    assert.deepEqual(
      final.output.map((item) => ('server_label' in item ? item.server_label : item.type)),
      [...entries.map(({ label }) => label), 'message'],
    );
    const [call] = door.model.calls(model);
    const names = call?.body.tools.map((tool: { function: { name: string } }) => tool.function.name);
    assert.deepEqual(names, ['fn_0', 'fn_1', 'fn_2']);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'served-tools.context',
  {
    says: 'a tool knows who asks, the input with its history, and what is included, where it is opened and where it runs',
    source: 'docs/package.md',
  },
  async (door) => {
    const seen: ToolContext[] = [];
    const entry = plays({
      opens: async (_, context) => void seen.push(context),
      functions: {
        look(_call, _signal, context) {
          seen.push(context);
          return { output: 'seen' };
        },
      },
    });
    const before = await create(door, { model: door.model.script(says('Hello.')), input: 'First' });
    const model = door.model.script(callsFunctions({ name: 'look', args: '{}' }), says('Done.'));
    const include = ['web_search_call.action.sources'];
    await create(door, { model, tools: [entry], input: 'Second', include, previous_response_id: before.id });
    assert.equal(seen.length, 2);
    for (const { caller, input, include: wanted } of seen) {
      assert.ok(caller.id.length > 0);
      assert.deepEqual(wanted, include);
      assert.partialDeepStrictEqual(input, [
        { role: 'user', content: [{ text: 'First' }] },
        { role: 'assistant', content: [{ text: 'Hello.' }] },
        { role: 'user', content: [{ text: 'Second' }] },
      ]);
    }
  },
  NEEDS_TEST_TOOL,
);

promise(
  'served-tools.approved',
  {
    says: 'calls that a client has approved run before the model is called, which reads their outputs as those of its own',
    source: 'recordings: mcp_call after an approval',
  },
  async (door) => {
    const called = (name: string, id: string) => ({
      type: 'function_call' as const,
      id: newItemId('function_call'),
      call_id: id,
      name,
      arguments: '{"n":1}',
      status: 'completed' as const,
    });
    const entry = plays({
      calls: [called('send', 'approved_1'), called('gone', 'approved_2')],
      functions: { send: () => ({ output: 'sent' }) },
    });
    const model = door.model.script(says('It is sent.'));
    const { events, final } = await stream(door, { model, tools: [entry], input: 'Send it', tool_choice: 'required' });
    assert.deepEqual(
      final.output.map(({ type }) => type),
      ['mcp_call', 'message'],
    );
    assert.match(outline(events)[2] ?? '', /^output_item.added 0 mcp_call/);
    const [call, ...more] = door.model.calls(model);
    assert.deepEqual(more, []);
    assert.equal(call?.body.tool_choice, 'auto', 'what had to be called has been');
    const [, asked, ...answers] = call?.body.messages ?? [];
    assert.deepEqual(
      asked.tool_calls.map(({ id }: { id: string }) => id),
      ['approved_1', 'approved_2'],
    );
    assert.deepEqual(answers, [
      { role: 'tool', tool_call_id: 'approved_1', content: 'sent' },
      { role: 'tool', tool_call_id: 'approved_2', content: 'Not run: there is no such function.' },
    ]);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'served-tools.unreachable',
  {
    says: 'a tool that cannot be opened fails the whole request: 424, external_connector_error; the others are closed',
    source: 'https://community.openai.com: 424 Failed Dependency of MCP servers',
  },
  async (door) => {
    let closed = 0;
    const good = plays({ functions: { fine: () => ({ output: 'x' }) }, close: async () => void closed++ });
    const bad = plays({
      async opens() {
        await new Promise(setImmediate); // the other one is open by then
        throw unreachable('The server of the tool does not answer.');
      },
    });
    const left: string[] = [];
    const slow = plays({
      opens: (signal) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            left.push(signal.reason.name);
            reject(signal.reason);
          }),
        ),
    });
    const model = door.model.script(says('never'));
    const reply = await post(door, { model, tools: [good, slow, bad], input: 'Hi' });
    assert.equal(reply.status, 424);
    assert.deepEqual(await reply.json(), {
      error: {
        message: 'The server of the tool does not answer.',
        type: 'external_connector_error',
        param: 'tools',
        code: 'http_error',
      },
    });
    const { events, final } = await stream(door, { model, tools: [good, slow, bad] });
    assert.deepEqual(left, ['AbortError', 'AbortError'], 'what is being opened is left, and not by its own time');
    assert.equal(final.status, 'failed');
    assert.partialDeepStrictEqual(events.at(-2), { type: 'error', code: 'http_error', param: 'tools' });
    assert.equal(closed, 2);
    assert.deepEqual(door.model.calls(model), []);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'served-tools.echo',
  {
    says: 'a response shows of a tool what the tool says may be shown, then and when it is read again',
    source: 'docs/package.md',
  },
  async (door) => {
    const entry = plays({});
    const model = door.model.script(says('Hi.'));
    const { id, tools } = await create(door, { model, tools: [{ ...entry, secret: 'sesame' }] });
    assert.deepEqual(tools, [entry]);
    const again = await (await door.fetch(`/v1/responses/${id}`)).text();
    assert.ok(!again.includes('sesame'));
  },
  NEEDS_TEST_TOOL,
);
