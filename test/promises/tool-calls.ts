import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { mcpCall, meeting, plays } from '../support/played-tool.ts';
import { create, endsOnLeaving, stream } from './ask.ts';
import { NEEDS_TEST_TOOL, promise } from './promise.ts';

/** So many calls of one function, each with its number. */
function callsOf(name: string, count: number) {
  return callsFunctions(
    ...Array.from({ length: count }, (_, n) => ({ name, args: JSON.stringify({ n }), id: `c${n}` })),
  );
}

function numberOf(call: { arguments: string }): number {
  return JSON.parse(call.arguments).n;
}

promise(
  'tool-calls.at-once',
  {
    says: 'the calls of a round run at the same time, and the model reads their outputs in the order of the calls',
    source: 'docs/package.md',
  },
  async (door) => {
    const meets = meeting(3);
    const ends = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
    const entry = plays({
      functions: {
        async meet(call) {
          const n = numberOf(call);
          await meets();
          if (n < 2) await ends[n + 1]?.promise;
          ends[n]?.resolve();
          return { output: `${n}` };
        },
      },
    });
    const model = door.model.script(callsOf('meet', 3), says('Done.'));
    const { events, final } = await stream(door, { model, tools: [entry] });
    const places = (type: string) =>
      events.flatMap((event) =>
        event.type === type && 'output_index' in event && 'item' in event && event.item.type === 'mcp_call'
          ? [event.output_index]
          : [],
      );
    assert.deepEqual(places('response.output_item.added'), [0, 1, 2]);
    assert.deepEqual(places('response.output_item.done'), [2, 1, 0]);
    assert.partialDeepStrictEqual(
      final.output,
      [0, 1, 2].map((n) => ({ type: 'mcp_call', arguments: JSON.stringify({ n }) })),
    );
    const answers = door.model.calls(model)[1]?.body.messages.slice(-3);
    assert.deepEqual(
      answers,
      [0, 1, 2].map((n) => ({ role: 'tool', tool_call_id: `c${n}`, content: `${n}` })),
    );
  },
  NEEDS_TEST_TOOL,
);

promise(
  'tool-calls.bound',
  { says: 'no more calls than `limits.toolCalls` run at a time; the others follow', source: 'docs/limits.md' },
  async (door) => {
    let [running, most] = [0, 0];
    const entry = plays({
      functions: {
        async count(call) {
          most = Math.max(most, ++running);
          await new Promise(setImmediate);
          running--;
          return { output: `${numberOf(call)}` };
        },
      },
    });
    const model = door.model.script(callsOf('count', 10), says('Done.'));
    await create(door, { model, tools: [entry] });
    assert.equal(most, 3);
    const answers = door.model.calls(model)[1]?.body.messages.slice(-10);
    assert.deepEqual(
      answers.map(({ content }: { content: string }) => content),
      Array.from({ length: 10 }, (_, n) => `${n}`),
    );
  },
  NEEDS_TEST_TOOL,
);

promise(
  'tool-calls.max',
  {
    says: 'max_tool_calls counts calls that run at the same time exactly: the first ones run',
    source: 'openai 7.57.0 types',
  },
  async (door) => {
    const ran: number[] = [];
    const entry = plays({ functions: { note: (call) => ({ output: `ran ${ran.push(numberOf(call))}` }) } });
    const model = door.model.script(callsOf('note', 3), says('Done.'));
    const { output } = await create(door, { model, tools: [entry], max_tool_calls: 2 });
    assert.deepEqual(ran, [0, 1]);
    assert.equal(output.filter(({ type }) => type === 'mcp_call').length, 2);
    const { messages, tools } = door.model.calls(model)[1]?.body ?? {};
    assert.match(messages.at(-1).content, /^Not run: no more tool calls/);
    assert.equal(tools, undefined);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'tool-calls.hangs',
  {
    says: 'a call that takes longer than `limits.tool` has failed, which clients see and the model reads; the turn goes on, as no model was silent',
    source: 'docs/limits.md',
  },
  async (door) => {
    const left: string[] = [];
    const entry = plays({
      functions: {
        quick: () => ({ output: 'quick' }),
        heeds: (_, signal) =>
          new Promise((_, reject) =>
            signal.addEventListener('abort', () => {
              left.push('heeds');
              reject(signal.reason);
            }),
          ),
        ignores: () => new Promise(() => {}),
      },
    });
    const calls = ['quick', 'heeds', 'ignores'].map((name) => ({ name, args: '{}', id: name }));
    const model = door.model.script(callsFunctions(...calls), says('Two have failed.'));
    const { final } = await stream(door, { model, tools: [entry] });
    assert.deepEqual(left, ['heeds']);
    assert.equal(final.status, 'completed');
    const why = /did not return within 5 s \(`limits\.tool`/;
    const [quick, ...others] = final.output.filter((item) => item.type === 'mcp_call');
    assert.partialDeepStrictEqual(quick, { name: 'quick', status: 'completed', error: null });
    for (const item of others) {
      assert.equal(item.status, 'failed');
      assert.match(JSON.stringify(item.error), why);
    }
    const [first, ...answers] = door.model.calls(model)[1]?.body.messages.slice(-3) ?? [];
    assert.equal(first.content, 'quick');
    for (const { content } of answers) assert.match(content, why);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'tool-calls.cut',
  {
    says: 'a result larger than `limits.toolResult` is cut, with a word to the model, in this turn as in later ones',
    source: 'docs/limits.md',
  },
  async (door) => {
    const long = 'é'.repeat(100_000);
    const entry = plays({
      showing: {
        async *text(call) {
          const item = mcpCall('part', call.name, call.arguments);
          const at = { sequence_number: 0, output_index: 0 };
          yield { type: 'response.output_item.added', ...at, item };
          yield { type: 'response.output_item.done', ...at, item: { ...item, output: long, status: 'completed' } };
          return { output: long };
        },
      },
      functions: {
        parts: () => ({
          output: [
            { type: 'input_text', text: 'first' },
            { type: 'input_text', text: long },
            { type: 'input_image', image_url: 'data:image/png;base64,AA==' },
          ],
        }),
      },
    });
    const calls = ['text', 'parts'].map((name) => ({ name, args: '{}', id: name }));
    const model = door.model.script(callsFunctions(...calls), says('Long.'));
    const { id, output } = await create(door, { model, tools: [entry] });
    const [text, parts] = door.model.calls(model)[1]?.body.messages.slice(-2) ?? [];
    const word = '\n[Cut here: this is 65536 bytes of 200000.]';
    assert.equal(text.content, `${'é'.repeat(32_768)}${word}`);
    assert.partialDeepStrictEqual(output[0], { type: 'mcp_call', output: text.content });
    assert.deepEqual(
      parts.content.map((part: { text: string }) => part.text.replace(/é+/, 'é')),
      ['first', 'é\n[Cut here: this is 65531 bytes of 200000.]', '[Left out here: the result is too large.]'],
    );
    const later = door.model.script(says('Yes.'));
    await create(door, { model: later, tools: [entry], previous_response_id: id });
    const told = door.model.calls(later)[0]?.body.messages.find(({ role }: { role: string }) => role === 'tool');
    assert.equal(told.content, text.content);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'tool-calls.throws',
  {
    says: 'a call that throws fails the turn, and ends those that run beside it',
    source: 'docs/errors.md',
  },
  async (door) => {
    const left: string[] = [];
    const meets = meeting(2);
    const entry = plays({
      functions: {
        async throws() {
          await meets();
          throw new Error('secret detail');
        },
        async waits(_, signal) {
          await meets();
          await new Promise((_, reject) => {
            const leave = () => {
              left.push(signal.reason.name);
              reject(signal.reason);
            };
            if (signal.aborted) leave();
            else signal.addEventListener('abort', leave);
          });
          return { output: 'never' };
        },
      },
    });
    const calls = ['waits', 'throws'].map((name) => ({ name, args: '{}', id: name }));
    const model = door.model.script(callsFunctions(...calls), says('never'));
    const { events, final } = await stream(door, { model, tools: [entry] });
    assert.equal(final.status, 'failed');
    assert.deepEqual(left, ['AbortError'], 'and not by its own time');
    assert.deepEqual(
      final.output.map((item) => 'status' in item && item.status),
      ['incomplete', 'incomplete'],
    );
    assert.doesNotMatch(JSON.stringify(events), /secret/);
    assert.equal(door.model.calls(model).length, 1);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'tool-calls.leave',
  { says: 'a client that leaves ends all calls that run', source: 'docs/edge-cases.md: 29 (hermes-agent#15392)' },
  (door) =>
    endsOnLeaving(door, async () => {
      const begun = Promise.withResolvers<void>();
      const ended = Promise.withResolvers<void>();
      let [running, left] = [0, 0];
      const entry = plays({
        functions: {
          wait: (_, signal) =>
            new Promise((_, reject) => {
              if (++running === 3) begun.resolve();
              signal.addEventListener('abort', () => {
                if (++left === 3) ended.resolve();
                reject(signal.reason);
              });
            }),
        },
      });
      const model = door.model.script(callsOf('wait', 3));
      const leaving = new AbortController();
      post(door, { model, tools: [entry], input: 'Hi' }, { signal: leaving.signal }).catch(() => {});
      await begun.promise;
      return { leave: () => leaving.abort(), closed: () => ended.promise };
    }),
  NEEDS_TEST_TOOL,
);
