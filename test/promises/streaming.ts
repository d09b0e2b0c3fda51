import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import { says, sends } from '../support/model/scripted.ts';
import { outline, parseStream } from '../support/sse.ts';
import { create, stream } from './ask.ts';
import { NEEDS_LIVE, promise } from './promise.ts';

promise(
  'stream.text',
  { says: 'the events of a text, in order', source: 'docs/edge-cases.md: 10, 11 (ogx#5309, vllm#37071)' },
  async (door) => {
    const model = door.model.script(says('Hel', 'lo'));
    const { events } = await stream(door, { model });
    assert.deepEqual(outline(events), [
      'created',
      'in_progress',
      'output_item.added 0 message in_progress',
      'content_part.added 0.0 output_text',
      'output_text.delta 0.0 Hel',
      'output_text.delta 0.0 lo',
      'output_text.done 0.0 Hello',
      'content_part.done 0.0 output_text',
      'output_item.done 0 message completed',
      'completed',
    ]);
  },
);

promise(
  'stream.reasoning',
  { says: 'the events of reasoning and text, in order', source: 'docs/api.md' },
  async (door) => {
    const model = door.model.script(
      sends([{ reasoning_content: 'Let ' }, { reasoning_content: 'me.' }, { content: 'Yes' }]),
    );
    const { events } = await stream(door, { model });
    assert.deepEqual(outline(events), [
      'created',
      'in_progress',
      'output_item.added 0 reasoning in_progress',
      'content_part.added 0.0 reasoning_text',
      'reasoning_text.delta 0.0 Let ',
      'reasoning_text.delta 0.0 me.',
      'reasoning_text.done 0.0 Let me.',
      'content_part.done 0.0 reasoning_text',
      'output_item.done 0 reasoning completed',
      'output_item.added 1 message in_progress',
      'content_part.added 1.0 output_text',
      'output_text.delta 1.0 Yes',
      'output_text.done 1.0 Yes',
      'content_part.done 1.0 output_text',
      'output_item.done 1 message completed',
      'completed',
    ]);
  },
);

promise('stream.refusal', { says: 'the events of a refusal, in order', source: 'docs/api.md' }, async (door) => {
  const model = door.model.script(sends([{ content: 'Well, ' }, { refusal: 'I ' }, { refusal: 'will not.' }]));
  const { events } = await stream(door, { model });
  assert.deepEqual(outline(events), [
    'created',
    'in_progress',
    'output_item.added 0 message in_progress',
    'content_part.added 0.0 output_text',
    'output_text.delta 0.0 Well, ',
    'output_text.done 0.0 Well, ',
    'content_part.done 0.0 output_text',
    'content_part.added 0.1 refusal',
    'refusal.delta 0.1 I ',
    'refusal.delta 0.1 will not.',
    'refusal.done 0.1 I will not.',
    'content_part.done 0.1 refusal',
    'output_item.done 0 message completed',
    'completed',
  ]);
});

promise(
  'stream.snapshots',
  {
    says: 'created and in_progress carry the response as it begins, the terminal event as it ends',
    source: 'openai 7.57.0 types: ResponseCreatedEvent',
  },
  async (door) => {
    const model = door.model.script(says('Hi'));
    const { events } = await stream(door, { model, metadata: { a: 'b' } });
    const [created, inProgress] = events;
    const last = events.at(-1);
    assert.ok(created?.type === 'response.created' && inProgress?.type === 'response.in_progress');
    assert.ok(last?.type === 'response.completed');
    assert.deepEqual(created.response, inProgress.response);
    const { output, status, usage, completed_at, ...rest } = last.response;
    assert.deepEqual(created.response, { ...rest, output: [], status: 'in_progress', usage: null, completed_at: null });
    assert.deepEqual([status, output.length, usage?.total_tokens], ['completed', 1, 18]);
    assert.equal(typeof completed_at, 'number');
  },
);

promise(
  'stream.parts-begin-empty',
  { says: 'items and parts begin empty', source: 'openai 7.57.0 types: ResponseOutputItemAddedEvent' },
  async (door) => {
    const model = door.model.script(says('Hi'));
    const { events } = await stream(door, { model });
    const item = events.find((event) => event.type === 'response.output_item.added');
    assert.partialDeepStrictEqual(item, { item: { role: 'assistant', status: 'in_progress' } });
    assert.deepEqual(item?.item.type === 'message' && item.item.content, []);
    const part = events.find((event) => event.type === 'response.content_part.added');
    assert.deepEqual(part?.part, { type: 'output_text', text: '', annotations: [], logprobs: [] });
  },
);

promise(
  'stream.logprobs',
  { says: 'text events have their logprobs, empty', source: 'openai 7.57.0 types: ResponseTextDeltaEvent' },
  async (door) => {
    const model = door.model.script(says('Hi'));
    const { events } = await stream(door, { model });
    for (const event of events) {
      if (event.type !== 'response.output_text.delta' && event.type !== 'response.output_text.done') continue;
      assert.deepEqual(event.logprobs, []);
    }
  },
);

promise(
  'stream.equals-json',
  { says: 'the terminal event carries what the JSON reply is', source: 'ARCHITECTURE.md' },
  async (door) => {
    const model = door.model.script(sends([{ reasoning: 'Hm.' }, { content: 'Yes' }, { refusal: 'No' }]));
    const [json, { final }] = [await create(door, { model }), await stream(door, { model })];
    const blank = (response: typeof json) => ({
      ...response,
      id: '',
      created_at: 0,
      completed_at: 0,
      output: response.output.map((item) => ({ ...item, id: '' })),
    });
    assert.deepEqual(blank(final), blank(json));
  },
);

promise(
  'stream.headers',
  { says: 'a stream is text/event-stream and no-cache', source: 'docs/api.md' },
  async (door) => {
    const model = door.model.script(says('Hi'));
    const reply = await post(door, { model, input: 'Hi', stream: true });
    const { length } = new Uint8Array(await reply.arrayBuffer());
    assert.match(reply.headers.get('content-type') ?? '', /^text\/event-stream\b/);
    assert.match(reply.headers.get('cache-control') ?? '', /\bno-cache\b/);
    // Envoy's buffered modes give a length, which must be right; a live stream has none.
    assert.ok([null, String(length)].includes(reply.headers.get('content-length')));
  },
);

promise(
  'stream.live',
  { says: 'events reach the reader while the model speaks', source: 'docs/api.md' },
  async (door) => {
    const arrived = Promise.withResolvers<void>();
    const model = door.model.script(async (turn) => {
      await turn.text('first');
      await arrived.promise;
      await turn.text('second');
      await turn.finish();
    });
    const reply = await post(door, { model, input: 'Hi', stream: true });
    let text = '';
    for await (const chunk of textOf(reply)) {
      text += chunk;
      if (text.includes('"delta":"first"')) arrived.resolve();
    }
    assert.match(text, /"delta":"second"/);
    parseStream(text);
  },
  NEEDS_LIVE,
);

promise(
  'stream.created-first',
  { says: 'created and in_progress reach the reader before the model speaks', source: 'docs/api.md' },
  async (door) => {
    const arrived = Promise.withResolvers<void>();
    const model = door.model.script(async (turn) => {
      await arrived.promise;
      await says('Hi')(turn);
    });
    const reply = await post(door, { model, input: 'Hi', stream: true });
    let text = '';
    for await (const chunk of textOf(reply)) {
      text += chunk;
      if (text.includes('event: response.in_progress')) arrived.resolve();
    }
    assert.equal(parseStream(text).final.status, 'completed');
  },
  NEEDS_LIVE,
);

promise(
  'stream.whole-events',
  { says: 'an event is never split across writes', source: 'docs/api.md' },
  async (door) => {
    const words = Array.from({ length: 40 }, (_, index) => `word ${index} `);
    const model = door.model.script(async (turn) => {
      for (const word of words) {
        await turn.text(word);
        await turn.sleep(1);
      }
      await turn.finish();
    });
    const reply = await post(door, { model, input: 'Hi', stream: true });
    for await (const chunk of textOf(reply)) {
      assert.match(chunk, /^(event: |data: \[DONE\]|:)/, 'a chunk begins with an event');
      assert.ok(chunk.endsWith('\n\n'), 'a chunk ends with an event');
    }
  },
  NEEDS_LIVE,
);

promise(
  'stream.keep-alive',
  { says: 'a silent model gets comments into the stream', source: 'docs/api.md' },
  async (door) => {
    const arrived = Promise.withResolvers<void>();
    const model = door.model.script(async (turn) => {
      await turn.text('Hel');
      await arrived.promise;
      await turn.text('lo');
      await turn.finish();
    });
    const reply = await post(door, { model, input: 'Hi', stream: true });
    let text = '';
    for await (const chunk of textOf(reply)) {
      text += chunk;
      if (/^:/m.test(chunk)) arrived.resolve();
    }
    const { comments, final } = parseStream(text);
    assert.ok(comments > 0);
    assert.equal(final.status, 'completed');
  },
  NEEDS_LIVE,
);

promise(
  'stream.many',
  { says: 'a long answer arrives whole, a delta for a delta', source: 'docs/api.md' },
  async (door) => {
    const model = door.model.script(says(...Array.from({ length: 500 }, (_, index) => `${index} `)));
    const { final, events } = await stream(door, { model });
    assert.equal(events.filter(({ type }) => type === 'response.output_text.delta').length, 500);
    assert.match(JSON.stringify(final.output), / 498 499 /);
  },
);

promise(
  'stream.length',
  {
    says: 'finish_reason length ends in response.incomplete, its last item incomplete',
    source: 'docs/edge-cases.md: 19, 20 (ollama#17239, vllm#57998)',
  },
  async (door) => {
    const model = door.model.script(sends([{ content: 'Hel' }], 'length'));
    const { events, final } = await stream(door, { model });
    assert.deepEqual(outline(events).slice(-2), ['output_item.done 0 message incomplete', 'incomplete']);
    assert.equal(final.status, 'incomplete');
    assert.deepEqual(final.incomplete_details, { reason: 'max_output_tokens' });
    assert.equal(final.completed_at, null);
    assert.equal(final.usage?.total_tokens, 18);
  },
);

promise(
  'stream.content-filter',
  { says: 'finish_reason content_filter ends in response.incomplete', source: 'docs/api.md' },
  async (door) => {
    const model = door.model.script(sends([{ content: 'Hel' }], 'content_filter'));
    const { events, final } = await stream(door, { model });
    assert.deepEqual(outline(events).slice(-2), ['output_item.done 0 message incomplete', 'incomplete']);
    assert.deepEqual(final.incomplete_details, { reason: 'content_filter' });
  },
);

promise(
  'create.length',
  {
    says: 'finish_reason length gives an incomplete reply whose last item is incomplete',
    source: 'docs/edge-cases.md: 19, 20 (omlx#2817, vllm#57998)',
  },
  async (door) => {
    const model = door.model.script(sends([{ reasoning: 'Hm' }, { content: 'Hel' }], 'length'));
    const { output, status, incomplete_details, error } = await create(door, { model });
    assert.deepEqual([status, incomplete_details, error], ['incomplete', { reason: 'max_output_tokens' }, null]);
    assert.deepEqual(
      output.map((item) => 'status' in item && item.status),
      ['completed', 'incomplete'],
    );
  },
);

async function* textOf(reply: Response): AsyncGenerator<string> {
  assert.equal(reply.status, 200);
  const decoder = new TextDecoder();
  for await (const chunk of reply.body ?? []) yield decoder.decode(chunk, { stream: true });
}
