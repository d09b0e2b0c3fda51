import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ItemEvent, ResponseEvent } from '../handler/events/events.ts';
import { fold } from '../handler/events/fold.ts';
import { createHandler, fetchTransport, parseConfig } from '../handler/index.ts';
import type { OutputItem } from '../handler/items/item.ts';
import type { Response } from '../handler/protocol/response.ts';
import { eventsOf, type Json } from './support/accumulate.ts';
import { testDatabase } from './support/doors/database.ts';
import { startScriptedModel } from './support/model/scripted.ts';
import { testTool } from './support/test-tool.ts';

/** Folds as readers do, event by event; frozen, so that a fold that changes what it was given throws. */
function foldAll(start: Response, events: readonly ResponseEvent[]): Response {
  return events.reduce((response, event) => freeze(fold(freeze(response), freeze(event))), start);
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.values(value).forEach(freeze);
  return Object.freeze(value);
}

const begun: Json = { id: 'resp_1', status: 'in_progress', output: [] };

/** The one item that some events make, which begin with this item. */
function itemOf(item: object, ...events: object[]): Json {
  const place = { sequence_number: 0, output_index: 0, item_id: 'x' };
  const added = { type: 'response.output_item.added', ...place, item: { id: 'x', status: 'in_progress', ...item } };
  // The items of tools that are not there yet have no type of their own so far.
  const typed = [added, ...events.map((event) => ({ ...place, ...event }))] as unknown as ItemEvent[];
  const { output } = foldAll(begun, typed);
  assert.equal(output.length, 1);
  return output[0];
}

test('the fold of a stream is the response of its terminal event', async () => {
  const scripted = await startScriptedModel();
  try {
    const model = scripted.script(
      async (turn) => {
        await turn.delta({ reasoning_content: 'Let me see' });
        await turn.delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'cite', arguments: '{}' } }] });
        await turn.finish('tool_calls');
      },
      async (turn) => {
        await turn.text('It is ');
        await turn.text('so');
        await turn.delta({ refusal: 'No more' });
        await turn.delta({ tool_calls: [{ index: 0, id: 'b', function: { name: 'mine', arguments: '{"a"' } }] });
        await turn.delta({ tool_calls: [{ index: 0, function: { arguments: ':1}' } }] });
        await turn.finish('tool_calls');
      },
    );
    const handler = createHandler({
      database: await testDatabase(),
      config: parseConfig({ models: [{ match: '*', backend: 'chat', url: scripted.url }] }),
      transport: fetchTransport(fetch),
      tools: [testTool],
    });
    const tools = [{ type: 'test_tool' }, { type: 'function', name: 'mine' }];
    const request = new Request('http://antiphon.test/v1/responses', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, input: 'x', stream: true, tools }),
    });
    const events = eventsOf(await (await handler.fetch(request)).text());
    const { response: terminal } = events.at(-1);
    assert.deepEqual(
      terminal.output.map(({ type }: OutputItem) => type),
      ['reasoning', 'mcp_call', 'message', 'function_call'],
    );
    assert.equal(terminal.output[2].content[0].annotations.length, 1);

    const items = events.filter(({ type }) => !/^response\.(created|in_progress|completed)$/.test(type));
    assert.deepEqual(foldAll(events[0].response, items).output, terminal.output);
    assert.deepEqual(foldAll(begun, events), terminal);

    const growing = items.filter(({ type }) => !/\.(done|completed)$/.test(type));
    const withoutDone = foldAll(events[0].response, growing).output;
    const texts = (output: Json[]) =>
      output.map((item) => item.arguments ?? item.content.map((part: Json) => part.text ?? part.refusal));
    const shown = (output: Json[]) => texts(output.filter((item) => item.type !== 'mcp_call'));
    assert.deepEqual(shown(withoutDone), shown(terminal.output), 'the deltas alone make the same texts');
  } finally {
    await scripted.close();
  }
});

test('only the path that an event changes is copied', () => {
  const first: Json = { type: 'message', id: 'a', content: [{ type: 'output_text', text: 'a' }] };
  const second: Json = { type: 'message', id: 'b', content: [{ type: 'output_text', text: 'b' }] };
  const before = freeze({ ...begun, output: [first, second] });
  const delta = { type: 'response.output_text.delta', item_id: 'b', output_index: 1, content_index: 0, delta: '!' };
  const after: Json = fold(before, { ...delta, sequence_number: 0, logprobs: [] } as ItemEvent);
  assert.equal(after.output[0], first);
  assert.notEqual(after.output[1], second);
  assert.equal(after.output[1].content[0].text, 'b!');
});

test('what is done is authoritative', () => {
  const item = itemOf(
    { type: 'function_call', arguments: '' },
    { type: 'response.function_call_arguments.delta', delta: '{"a' },
    { type: 'response.function_call_arguments.done', arguments: '{"a":1}', name: 'f' },
  );
  assert.equal(item.arguments, '{"a":1}');
  const whole = { id: 'x', type: 'function_call', arguments: '{}', status: 'completed' };
  assert.deepEqual(itemOf({ type: 'function_call' }, { type: 'response.output_item.done', item: whole }), whole);
});

test('events that no backend of ours makes yet fold as well', () => {
  const part = { type: 'summary_text', text: '' };
  const summary = itemOf(
    { type: 'reasoning', summary: [], content: [] },
    { type: 'response.reasoning_summary_part.added', summary_index: 0, part },
    { type: 'response.reasoning_summary_text.delta', summary_index: 0, delta: 'So' },
    { type: 'response.reasoning_summary_text.delta', summary_index: 0, delta: ' it' },
    { type: 'response.reasoning_summary_text.done', summary_index: 0, text: 'So it is' },
    { type: 'response.reasoning_summary_part.added', summary_index: 1, part },
  );
  assert.deepEqual(summary.summary, [{ ...part, text: 'So it is' }, part]);

  const grown: [string, string, string][] = [
    ['mcp_call_arguments', 'mcp_call', 'arguments'],
    ['custom_tool_call_input', 'custom_tool_call', 'input'],
  ];
  for (const [event, type, field] of grown) {
    const deltas = ['1', '2'].map((delta) => ({ type: `response.${event}.delta`, delta }));
    const item = { type, [field]: '' };
    assert.equal(itemOf(item, ...deltas)[field], '12');
    assert.equal(itemOf(item, ...deltas, { type: `response.${event}.done`, [field]: '3' })[field], '3');
  }

  const message = { type: 'message', content: [{ type: 'output_text', text: '', annotations: [] }] };
  const cited = itemOf(message, {
    type: 'response.output_text.annotation.added',
    content_index: 0,
    annotation_index: 0,
    annotation: { type: 'url_citation', url: 'http://x.test/' },
  });
  assert.deepEqual(cited.content[0].annotations, [{ type: 'url_citation', url: 'http://x.test/' }]);
});

test('progress, audio, shell and errors leave the response as it is', () => {
  const types = [
    'response.web_search_call.searching',
    'response.audio.delta',
    'error',
    'response.compaction.compacting',
  ];
  for (const type of types) {
    const event = { type, sequence_number: 0, output_index: 0, item_id: 'x' } as unknown as ResponseEvent;
    assert.equal(fold(begun, event), begun);
  }
});

test('an event about an item that is not there changes nothing', () => {
  const event = { type: 'response.output_text.delta', output_index: 3, content_index: 0, delta: 'x', item_id: 'x' };
  assert.deepEqual(fold(begun, { ...event, sequence_number: 0, logprobs: [] } as ItemEvent), begun);
});
