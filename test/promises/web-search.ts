import assert from 'node:assert/strict';
import type { Door } from '../support/doors/door.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { REFUSED_SEARCH } from '../support/model/scripted-pages.ts';
import { outline, type StreamEvent } from '../support/sse.ts';
import { create, stream, unprocessable } from './ask.ts';
import { type Promised, promise } from './promise.ts';

const RECORDED = 'recordings: 27 streams of web_search';
const PAGE = 'docs/web-search.md';

/** A promise that is kept where the web can be searched. */
function searched(
  id: string,
  says: string,
  run: (door: Door) => Promise<void>,
  source: Promised['source'] = RECORDED,
): void {
  promise(`web-search.${id}`, { says, source, hosted: true }, run);
}

const tools = [{ type: 'web_search' }];
const call = (name: string, args: object, id = 'c1') => ({ name, args: JSON.stringify(args), id });
const search = callsFunctions(call('web_search', { query: 'snow' }));

/** The events of the item at a place. */
function eventsAt(events: readonly StreamEvent[], index: number) {
  return events.filter((event) => 'output_index' in event && event.output_index === index);
}

/** Asserts that an item at a place has begun and ended as each search does, and all its events carry what they have to. */
function assertLife(events: readonly StreamEvent[], index: number, action: object): void {
  const own = eventsAt(events, index);
  assert.deepEqual(outline(own), [
    `output_item.added ${index} web_search_call in_progress`,
    `web_search_call.in_progress ${index}`,
    `web_search_call.searching ${index}`,
    `web_search_call.completed ${index}`,
    `output_item.done ${index} web_search_call completed`,
  ]);
  const [added, ...later] = own;
  const done = later.pop();
  assert.ok(added?.type === 'response.output_item.added' && done?.type === 'response.output_item.done');
  const { id } = added.item;
  assert.match(`${id}`, /^ws_/);
  assert.deepEqual(added.item, { id, type: 'web_search_call', status: 'in_progress' });
  const names = ['item_id', 'output_index', 'sequence_number', 'type'];
  for (const event of later) {
    assert.deepEqual(Object.keys(event).sort(), names);
    assert.partialDeepStrictEqual(event, { item_id: id, output_index: index });
  }
  const { function: _, ...item } = done.item as { function?: object }; // ours, which later turns need
  assert.deepEqual(item, { id, type: 'web_search_call', status: 'completed', action });
}

const query = { type: 'search', query: 'snow', queries: ['snow'] };

/** What the model read of its calls. */
function outputs(door: Door, model: string): string[] {
  const messages: { role: string; content: string }[] = door.model.calls(model).at(-1)?.body.messages ?? [];
  return messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
}

searched('events', 'a search has the events of OpenAI in their order, with its action at the end', async (door) => {
  const model = door.model.script(search, says('In March.'));
  const { events, final } = await stream(door, { model, tools });
  assertLife(events, 0, query);
  assert.deepEqual(
    final.output.map(({ type }) => type),
    ['web_search_call', 'message'],
  );
  assert.match(outputs(door, model)[0] ?? '', /【1】 All about snow\n.*\/web\/snow\nSnow fell in March\./);
});

searched('pages', 'a page that is opened, and a text that is found in it, have the same events', async (door) => {
  const url = `${door.model.pagesUrl}/snow`;
  const model = door.model.script(
    search,
    callsFunctions(call('open_page', { page: '1' }, 'c2')),
    callsFunctions(call('find_in_page', { page: '1', text: 'fell on' }, 'c3')),
    says('On 12 March.'),
  );
  const { events } = await stream(door, { model, tools });
  assertLife(events, 0, query);
  assertLife(events, 1, { type: 'open_page', url });
  assertLife(events, 2, { type: 'find_in_page', url, pattern: 'fell on' });
  const [, page, found] = outputs(door, model);
  for (const text of [page, found]) assert.match(text ?? '', /Snow fell on 12 March 2031\./);
});

searched('json', 'a reply in one piece has the same items', async (door) => {
  const model = door.model.script(search, callsFunctions(call('open_page', { page: '2' }, 'c2')), says('Cold.'));
  const { output } = await create(door, { model, tools });
  const status = 'completed';
  assert.partialDeepStrictEqual(output, [
    { type: 'web_search_call', status, action: query },
    { type: 'web_search_call', status, action: { type: 'open_page', url: `${door.model.pagesUrl}/ice` } },
    { type: 'message', status },
  ]);
});

searched(
  'citations',
  'a citation is a link in the text, its url_citation has exactly the place of that link, and comes between the deltas',
  async (door) => {
    const { pagesUrl } = door.model;
    const [snow, ice] = ['snow', 'ice'].map((name) => `([127.0.0.1](${pagesUrl}/${name}))`);
    const text = `😀 Snow fell${snow}. Ice ${ice} is cold.`;
    const script = [search, says('😀 Snow fell', '【', '1', '】', '. Ice 【2', '】', ' is cold.')];
    const { events, final } = await stream(door, { model: door.model.script(...script), tools });
    const whole = await create(door, { model: door.model.script(...script), tools });
    for (const { output } of [final, whole]) {
      const [part] = output[1]?.type === 'message' ? output[1].content : [];
      assert.ok(part?.type === 'output_text');
      assert.equal(part.text, text);
      assert.deepEqual(part.annotations, [
        citation(text, `${snow}`, `${pagesUrl}/snow`, 'All about snow'),
        citation(text, `${ice}`, `${pagesUrl}/ice`, 'Ice'),
      ]);
    }
    let sent = '';
    const added: unknown[] = [];
    for (const event of eventsAt(events, 1)) {
      if (event.type === 'response.output_text.delta') sent += event.delta;
      if (event.type === 'response.output_text.done') assert.equal(sent, text);
      if (event.type !== 'response.output_text.annotation.added') continue;
      assert.partialDeepStrictEqual(event, { content_index: 0, annotation_index: added.length });
      const { start_index, end_index } = event.annotation as { start_index: number; end_index: number }; // typed unknown
      assert.equal(sent.slice(start_index, end_index), [snow, ice][added.length]);
      assert.equal(sent.length, end_index, 'as soon as its link was sent');
      added.push(event.annotation);
    }
    assert.equal(added.length, 2);
  },
);

function citation(text: string, link: string, url: string, title: string) {
  const start_index = text.indexOf(link);
  return { type: 'url_citation', url, title, start_index, end_index: start_index + link.length };
}

searched('sources', 'a search shows its sources where the request includes them, and else not', async (door) => {
  const sources = ['snow', 'ice'].map((name) => ({ type: 'url', url: `${door.model.pagesUrl}/${name}` }));
  const include = ['web_search_call.action.sources'];
  for (const [more, action] of [
    [{ include }, { ...query, sources }],
    [{}, query],
  ] as const) {
    const { events } = await stream(door, { model: door.model.script(search, says('Ok.')), tools, ...more });
    assertLife(events, 0, action);
  }
});

searched(
  'failed',
  'a search that fails is failed in its status alone, and the model goes on',
  async (door) => {
    const asks = callsFunctions(call('web_search', { query: REFUSED_SEARCH }));
    const model = door.model.script(asks, says('Sorry.'));
    const { events, final } = await stream(door, { model, tools });
    assert.deepEqual(outline(eventsAt(events, 0)), [
      'output_item.added 0 web_search_call in_progress',
      'web_search_call.in_progress 0',
      'web_search_call.searching 0',
      'output_item.done 0 web_search_call failed',
    ]);
    assert.equal(final.status, 'completed');
    assert.partialDeepStrictEqual(final.output, [
      { status: 'failed', action: { type: 'search', query: REFUSED_SEARCH } },
      { type: 'message', content: [{ text: 'Sorry.' }] },
    ]);
    assert.match(outputs(door, model)[0] ?? '', /403/);
  },
  PAGE,
);

searched(
  'domains',
  'allowed_domains are asked for, and only their pages are found and opened',
  async (door) => {
    const asked = async (domain: string, page: string) => {
      const entry = { type: 'web_search', filters: { allowed_domains: [domain] } };
      const opens = callsFunctions(call('open_page', { page }, 'c2'));
      const model = door.model.script(search, opens, says('Ok.'));
      const { output } = await create(door, { model, tools: [entry], input: `Read ${page}` });
      assert.ok(door.model.searches.includes(`snow site:${domain}`));
      return { read: outputs(door, model), statuses: output.map((item) => 'status' in item && item.status) };
    };
    const url = `${door.model.pagesUrl}/ice`;
    const others = await asked('example.com', url);
    assert.match(others.read[0] ?? '', /^Nothing was found/);
    assert.match(others.read[1] ?? '', /^Only pages of example\.com may be opened/);
    assert.deepEqual(others.statuses, ['completed', 'failed', 'completed']);
    assert.deepEqual((await asked('127.0.0.1', url)).statuses, ['completed', 'completed', 'completed']);
    const filters = { allowed_domains: ['https://a.test/x'] };
    for (const [more, field, says] of [
      [{ filters }, 'filters.allowed_domains[0]', 'must be a domain such as example.com, without https:// and path'],
      [
        { user_location: { country: 'Norway' } },
        'user_location.country',
        'must be a country code of two letters, such as US',
      ],
      [{ search_content_types: ['image'] }, 'search_content_types', 'must include "text": this server finds no images'],
    ] as const) {
      const param = `tools[0].${field}`;
      await unprocessable(door, { tools: [{ type: 'web_search', ...more }] }, param, `${param} ${says}`);
    }
  },
  PAGE,
);

searched(
  'follow-up',
  'a later turn reads what the model read, by previous_response_id or from items that are sent back, and cites it',
  async (door) => {
    const model = door.model.script(search, says('Ok.'));
    const first = await create(door, { model, tools });
    const [read] = outputs(door, model);
    const input = [{ role: 'user', content: 'Hi' }, ...first.output, { role: 'user', content: 'More.' }];
    for (const body of [{ previous_response_id: first.id }, { input, store: false }]) {
      const next = door.model.script(says('It is cold【2】.'));
      const { output } = await create(door, { model: next, tools, ...body });
      assert.partialDeepStrictEqual(door.model.calls(next)[0]?.body.messages.slice(1, 3), [
        { role: 'assistant', tool_calls: [{ function: { name: 'web_search', arguments: '{"query":"snow"}' } }] },
        { role: 'tool', content: read },
      ]);
      const text = `It is cold([127.0.0.1](${door.model.pagesUrl}/ice)).`;
      assert.partialDeepStrictEqual(output[0], { content: [{ text, annotations: [{ type: 'url_citation' }] }] });
    }
  },
  PAGE,
);

searched(
  'choice',
  'a choice by its type forces a search in the first round, and the next is free',
  async (door) => {
    for (const type of ['web_search', 'web_search_preview']) {
      const mine = { type: 'function', name: 'mine', parameters: null };
      const model = door.model.script(search, says('Ok.'));
      const { output, tool_choice } = await create(door, { model, tools: [mine, { type }], tool_choice: { type } });
      assert.deepEqual(tool_choice, { type });
      assert.equal(output[0]?.type, 'web_search_call');
      const calls = door.model.calls(model).map(({ body }) => body);
      const offered = calls[0].tools.map((tool: { function: { name: string } }) => tool.function.name);
      assert.deepEqual(offered, ['web_search'], 'no page can be opened before');
      assert.deepEqual(
        calls.map((body) => body.tool_choice),
        ['required', 'auto'],
      );
    }
  },
  'openai 7.57.0 types: ToolChoiceTypes',
);
