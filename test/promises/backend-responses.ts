import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import { type Script, sends } from '../support/model/scripted.ts';
import { answers, encoded, eventsOf, message, type Said, sendsEvents } from '../support/model/scripted-responses.ts';
import { outline } from '../support/sse.ts';
import { callOf, create, endsOnLeaving, refuses, stream } from './ask.ts';
import { NEEDS_LIVE, promise } from './promise.ts';
import { fits, showsRows } from './surface-ask.ts';

const tools = [{ type: 'function', name: 'f', parameters: { type: 'object' } }];
const call: Said = { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"a": 1}' };
const user = (text: string) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });

promise(
  'native.text',
  {
    says: 'a server that speaks the Responses API is asked there, always for a stream, and never for state',
    source: 'docs/backends.md',
  },
  async (door) => {
    const model = door.model.native(answers(message('Hello world')));
    const response = await create(door, { model, instructions: 'Be brief.', temperature: 0.5 });
    assert.deepEqual(
      response.output.map(({ type }) => type),
      ['message'],
    );
    assert.partialDeepStrictEqual(response.output, [{ content: [{ type: 'output_text', text: 'Hello world' }] }]);
    assert.partialDeepStrictEqual(response, {
      status: 'completed',
      model,
      usage: { input_tokens: 11, total_tokens: 18 },
    });
    const { path, headers, body } = callOf(door, model);
    assert.equal(path, '/v1/responses');
    assert.equal(headers.authorization, 'Bearer test-key');
    assert.deepEqual(body, {
      model,
      input: [user('Hi')],
      stream: true,
      store: false,
      instructions: 'Be brief.',
      temperature: 0.5,
    });
  },
);

promise(
  'native.sealed',
  {
    says: 'what a server seals of its reasoning goes back to it as it was, with a store and without',
    source: 'docs/backends.md',
  },
  async (door) => {
    const sealed: Said = { type: 'reasoning', summary: [], encrypted_content: 'gAAA.sealed' };
    const model = door.model.native(answers(sealed, message('Hi')), answers(message('So.')));
    const include = ['reasoning.encrypted_content'];
    const stored = await create(door, { model });
    await create(door, { model, previous_response_id: stored.id, input: 'So?' });
    const other = door.model.native(answers(sealed, message('Hi')), answers(message('So.')));
    const kept = await create(door, { model: other, include, store: false });
    await create(door, { model: other, include, store: false, input: [user('Hi'), ...kept.output, user('So?')] });
    for (const asked of [model, other]) {
      const reasoning = door.model.calls(asked).at(-1)?.body.input[1];
      assert.partialDeepStrictEqual(reasoning, { type: 'reasoning', summary: [], encrypted_content: 'gAAA.sealed' });
    }
  },
);

promise(
  'native.stream',
  { says: "its events come in OpenAI's order, with ids and places of our own", source: 'docs/backends.md' },
  async (door) => {
    const model = door.model.native(answers(message('Hello world'), call));
    const { events, final } = await stream(door, { model, tools });
    assert.deepEqual(outline(events), [
      'created',
      'in_progress',
      'output_item.added 0 message in_progress',
      'content_part.added 0.0 output_text',
      'output_text.delta 0.0 Hello',
      'output_text.delta 0.0  world',
      'output_text.done 0.0 Hello world',
      'content_part.done 0.0 output_text',
      'output_item.done 0 message completed',
      'output_item.added 1 function_call in_progress',
      'function_call_arguments.delta 1 {"a":',
      'function_call_arguments.delta 1  1}',
      'function_call_arguments.done 1 f {"a": 1}',
      'output_item.done 1 function_call completed',
      'completed',
    ]);
    for (const { id } of final.output) assert.match(id ?? '', /^(msg|fc)_[\da-f]{48}$/);
  },
);

promise(
  'native.live',
  { says: 'its text arrives while the model writes it', source: 'docs/backends.md' },
  async (door) => {
    const heard = Promise.withResolvers<void>();
    const [first, second] = halves(message('first second'), ' second');
    const model = door.model.native(async (turn) => {
      await turn.raw(first);
      await heard.promise;
      await turn.raw(second);
      turn.end();
    });
    const reply = await post(door, { model, input: 'Hi', stream: true });
    let text = '';
    const chunks = reply.body?.pipeThrough(new TextDecoderStream()) ?? assert.fail('a body');
    for await (const chunk of chunks) {
      text += chunk;
      if (text.includes('"delta":"first"')) heard.resolve();
    }
    assert.match(text, /"delta":" second"/);
  },
  NEEDS_LIVE,
);

promise(
  'native.tool-turns',
  {
    says: 'a function call of its model is answered by previous_response_id, which the server never sees',
    source: 'docs/backends.md',
  },
  async (door) => {
    const model = door.model.native(answers(message('Let me see.'), call), answers(message('One.')));
    const first = await create(door, { model, tools });
    const outputs = [{ type: 'function_call_output', call_id: 'c1', output: 'one' }];
    const last = await create(door, { model, tools, previous_response_id: first.id, input: outputs });
    assert.equal(last.previous_response_id, first.id);
    const { body } = door.model.calls(model)[1] ?? assert.fail('a second call');
    assert.ok(!('previous_response_id' in body));
    assert.deepEqual(body.tools, tools);
    assert.deepEqual(body.input, [
      user('Hi'),
      { type: 'message', role: 'assistant', content: 'Let me see.' },
      { ...call, status: 'completed' },
      { ...outputs[0], status: 'completed' },
    ]);
  },
);

promise(
  'native.reasoning',
  { says: 'its reasoning and the summaries of it are shown, and go back to it', source: 'docs/backends.md' },
  async (door) => {
    const summary = { type: 'reasoning', summary: ['First.', 'Then.'] };
    const thought = { type: 'reasoning', content: ['Hm.'] };
    const model = door.model.native(answers(summary, thought, message('Yes')));
    const { final, events } = await stream(door, { model, reasoning: { effort: 'low' } });
    assert.partialDeepStrictEqual(final.output, [
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'First.' }, { text: 'Then.' }] },
      { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'Hm.' }] },
      { type: 'message' },
    ]);
    const deltas = events.filter(({ type }) => type === 'response.reasoning_summary_text.delta');
    assert.deepEqual(
      deltas.map((event) => 'summary_index' in event && event.summary_index),
      [0, 1],
    );
    assert.deepEqual(callOf(door, model).body.reasoning, { effort: 'low' });
    await create(door, { model, previous_response_id: final.id });
    const { body } = door.model.calls(model)[1] ?? assert.fail('a second call');
    const sent = body.input.filter(({ type }: { type: string }) => type === 'reasoning');
    assert.partialDeepStrictEqual(sent, [{ content: [{ text: 'First.\nThen.' }] }, { content: [{ text: 'Hm.' }] }]);
  },
);

promise(
  'native.reasoning-summary',
  {
    says: 'its raw reasoning becomes a summary for clients that ask for one, unless the server sends a summary itself',
    source: 'clients: the AI SDK, LangChain and Codex read summaries only',
  },
  async (door) => {
    const given = { type: 'reasoning', summary: ['In short.'], content: ['At length.'] };
    const model = door.model.native(answers(given, { type: 'reasoning', content: ['Hm.', 'Yes.'] }, message('Yes')));
    const asked = { model, reasoning: { effort: 'low', summary: 'auto' } };
    const { final } = await stream(door, asked);
    const told = (reply: typeof final) =>
      reply.output.flatMap((item) =>
        item.type === 'reasoning' ? [[textsOf(item.summary), textsOf(item.content)]] : [],
      );
    const expected = [
      [['In short.'], ['At length.']],
      [['Hm.', 'Yes.'], []],
    ];
    assert.deepEqual(told(final), expected);
    assert.deepEqual(told(await create(door, asked)), expected);
    assert.deepEqual(callOf(door, model).body.reasoning, { effort: 'low', summary: 'auto' });
    await create(door, { model, previous_response_id: final.id });
    const { body } = door.model.calls(model)[2] ?? assert.fail('a third call');
    const sent = body.input.filter(({ type }: { type: string }) => type === 'reasoning');
    assert.partialDeepStrictEqual(sent, [{ content: [{ text: 'At length.' }] }, { content: [{ text: 'Hm.\nYes.' }] }]);
  },
);

promise(
  'native.members',
  {
    says: 'the phase of its messages, and whether a call is asynchronous and who made it, come with the items',
    source: 'openai 7.57.0 types: ResponseOutputItem',
  },
  async (door) => {
    const caller = { type: 'direct' };
    const model = door.model.native(
      answers(
        { ...message('Let me see.'), phase: 'commentary' },
        { ...message('Hm.'), phase: 'of_next_year' },
        { ...message('So.'), phase: 'final_answer' },
        { ...call, async: true, caller },
        { ...call, call_id: 'c2', async: false },
        { ...call, call_id: 'c3', async: 'yes', caller: { type: 'program', caller_id: 'p' } },
      ),
      answers(message('One.')),
    );
    const { events, final } = await stream(door, { model, tools });
    const told = (item: object) => {
      const { phase, async: isAsync, caller } = item as Record<string, unknown>; // of items of several types
      return [phase, isAsync, caller];
    };
    const expected = [
      ['commentary', undefined, undefined],
      [undefined, undefined, undefined],
      ['final_answer', undefined, undefined],
      [undefined, true, caller],
      [undefined, false, undefined],
      [undefined, undefined, undefined],
    ];
    assert.deepEqual(final.output.map(told), expected);
    const begun = events.flatMap((event) => (event.type === 'response.output_item.added' ? [event.item] : []));
    assert.deepEqual(begun.map(told), expected);
    const input = ['c1', 'c2', 'c3'].map((call_id) => ({ type: 'function_call_output', call_id, output: 'one' }));
    await create(door, { model, tools, previous_response_id: final.id, input });
    const { body } = door.model.calls(model)[1] ?? assert.fail('a second call');
    assert.deepEqual(body.input.slice(1, 4).map(told), expected.slice(0, 3));
  },
);

const span = { start_index: 0, end_index: 5 };
const citations = [
  { type: 'url_citation', url: 'http://x.test/', title: 'X', ...span },
  { type: 'file_citation', file_id: 'file_1', filename: 'a.txt', index: 0 },
  { type: 'container_file_citation', container_id: 'cntr_1', file_id: 'file_1', filename: 'a.txt', ...span },
  { type: 'file_path', file_id: 'file_1', index: 0 },
];
/** Unknown members, and annotations that are no citations. */
const odd = [...citations.map((citation) => ({ ...citation, foreign: 1 })), { type: 'url_citation', url: 7 }, 'x'];
const cites: Said = {
  type: 'message',
  content: [
    { type: 'output_text', text: 'See X.', annotations: odd },
    { type: 'refusal', text: 'No.' },
    { type: 'output_text', text: 'And Y.', annotations: odd.slice(0, 1) },
  ],
};

promise(
  'native.citations',
  {
    says: 'its citations come as events and in the text, with the members that the API knows',
    source: 'openai 7.57.0 types: ResponseOutputTextAnnotationAddedEvent',
  },
  async (door) => {
    const model = door.model.native(answers(cites, { ...message('Done.') }));
    const { events, final } = await stream(door, { model });
    const parts = [{ annotations: citations }, { refusal: 'No.' }, { annotations: citations.slice(0, 1) }];
    assert.partialDeepStrictEqual(final.output, [{ content: parts }, { content: [{ annotations: [] }] }]);
    assert.equal(final.output[0]?.type === 'message' && final.output[0].content.length, 3);
    const added = events.filter((event) => event.type === 'response.output_text.annotation.added');
    assert.deepEqual(
      added.map(({ content_index, annotation_index, annotation }) => [content_index, annotation_index, annotation]),
      [...citations.map((citation, index) => [0, index, citation]), [2, 0, citations[0]]],
    );
    fits('ResponseStreamEvent', ...added);
    fits('ResponseOutputItem', ...final.output);
    showsRows('native.citations', [['events', added]]);
    // Some servers send citations only with the part, or with the item.
    for (const unsaid of [/annotation/, /annotation|content_part/, /annotation|content_part|delta/]) {
      const late = eventsOf([cites]).filter(({ type }) => !unsaid.test(type));
      const { output } = await create(door, { model: door.model.native(sendsEvents(late)) });
      const content = unsaid.test('delta') || !unsaid.test('content_part') ? parts : parts.slice(1);
      const [item] = output;
      assert.partialDeepStrictEqual(item?.type === 'message' && item.content.slice(-content.length), content);
    }
  },
);

promise(
  'chat.citations',
  {
    says: 'citations of a Chat Completions server come in the form of the Responses API',
    source: 'openai 7.57.0 types: ChatCompletionMessage.Annotation',
  },
  async (door) => {
    const [citation, other] = [citations[0], { ...citations[0], url: 'http://y.test/' }];
    const chat = [citation, other].map((one) => ({
      type: 'url_citation',
      url_citation: { ...one, content: 'foreign' },
    }));
    const model = door.model.script(
      sends([
        { content: 'See ' },
        { content: 'X.', annotations: chat.slice(0, 1) },
        { annotations: [...chat, { type: 'url_citation' }, { type: 'of_next_year' }, null] },
        { annotations: null },
      ]),
    );
    const { events, final } = await stream(door, { model });
    assert.partialDeepStrictEqual(final.output, [{ content: [{ text: 'See X.', annotations: [citation, other] }] }]);
    const added = events.filter((event) => event.type === 'response.output_text.annotation.added');
    assert.deepEqual(
      added.map(({ annotation }) => annotation),
      [citation, other],
    );
    fits('ResponseStreamEvent', ...added);
  },
);

promise(
  'native.functions',
  {
    says: 'other servers get every tool as a function, and its calls are turned back',
    source: 'test/fixtures/: recorded of vLLM, llama.cpp, Ollama',
  },
  async (door) => {
    const tools = [
      { type: 'custom', name: 'run_sql' },
      { type: 'shell' },
      { type: 'namespace', name: 'crm', description: 'd', tools: [{ type: 'function', name: 'find' }] },
    ];
    const call = (call_id: string, name: string, args: string) => ({
      type: 'function_call',
      call_id,
      name,
      arguments: args,
    });
    const made = [
      call('c1', 'run_sql', '{"input":"select 1"}'),
      call('c2', 'shell', '{"commands":["ls"]}'),
      call('c3', 'crm__find', '{}'),
    ];
    const model = door.model.native(answers(...made), answers(message('1')));
    const { id, output } = await create(door, { model, tools });
    assert.partialDeepStrictEqual(output, [
      { type: 'custom_tool_call', call_id: 'c1', name: 'run_sql', input: 'select 1' },
      { type: 'shell_call', call_id: 'c2', action: { commands: ['ls'] } },
      { type: 'function_call', call_id: 'c3', name: 'find', namespace: 'crm' },
    ]);
    const names = callOf(door, model).body.tools.map(({ type, name }: Record<string, string>) => [type, name]);
    assert.deepEqual(names, [
      ['function', 'run_sql'],
      ['function', 'shell'],
      ['function', 'crm__find'],
    ]);
    const ran = { stdout: 'a.txt', stderr: '', outcome: { type: 'exit', exit_code: 0 } };
    const outputs = [
      { type: 'custom_tool_call_output', call_id: 'c1', output: 'one' },
      { type: 'shell_call_output', call_id: 'c2', output: [ran] },
      { type: 'function_call_output', call_id: 'c3', output: 'found' },
    ];
    await create(door, { model, tools, previous_response_id: id, input: outputs });
    assert.partialDeepStrictEqual(door.model.calls(model)[1]?.body.input, [
      user('Hi'),
      ...made,
      ...['c1', 'c2', 'c3'].map((call_id) => ({ type: 'function_call_output', call_id })),
    ]);
  },
);

promise(
  'native.shown',
  {
    says: 'images that tools returned follow all the answers, as the user shows them: not all servers take them from tools',
    source: 'docs/backends.md',
  },
  async (door) => {
    const actions = [{ type: 'screenshot' }];
    const made = ['c1', 'c2'].map((call_id) => {
      return { type: 'function_call', call_id, name: 'computer', arguments: JSON.stringify({ actions }) };
    });
    const model = door.model.native(answers(...made), answers(message('I see.')));
    const asked = { model, tools: [...tools, { type: 'computer' }] };
    const { id, output } = await create(door, asked);
    assert.partialDeepStrictEqual(output, [
      { type: 'computer_call', actions },
      { type: 'computer_call', actions },
    ]);
    const images = ['AAAA', 'BBBB'].map((data) => `data:image/png;base64,${data}`);
    const input = images.map((image_url, index) => {
      const screen = { type: 'computer_screenshot', image_url };
      return { type: 'computer_call_output', call_id: made[index]?.call_id, output: screen };
    });
    const tool_choice = { type: 'computer' };
    await create(door, { ...asked, previous_response_id: id, input: [...input, user('So?')], tool_choice });
    const { body } = door.model.calls(model)[1] ?? assert.fail('a second call');
    const told = [{ type: 'input_text', text: '(1 image(s) or file(s), shown below)' }];
    assert.partialDeepStrictEqual(body.input.slice(1), [
      ...made,
      ...made.map(({ call_id }) => ({ type: 'function_call_output', call_id, output: told })),
      { role: 'user', content: images.map((image_url) => ({ type: 'input_image', image_url })) },
      user('So?'),
    ]);
    assert.deepEqual([body.tools.length, body.tools[0].name, body.tool_choice], [1, 'computer', 'required']);
  },
);

promise(
  'native.unprocessable',
  {
    says: 'what not all of them can carry is 422 by its name, before a model is called',
    source: 'docs/backends.md',
  },
  async (door) => {
    const model = door.model.native(() => assert.fail('the model is not called'));
    const file = { type: 'input_file', file_url: 'https://files.test/a.pdf' };
    const output = { type: 'function_call_output', call_id: 'c1', output: [file] };
    for (const input of [[{ role: 'user', content: [file] }], [call, output]]) {
      await refuses(await post(door, { model, input }), { status: 422, code: 422, param: 'input' });
    }
  },
);

promise(
  'native.custom-tool',
  {
    says: "OpenAI's own server gets tools other than functions as they are",
    source: 'docs/backends.md',
  },
  async (door) => {
    const custom = { type: 'custom', name: 'run_sql', format: { type: 'grammar', syntax: 'lark', definition: 'x' } };
    const model = door.model.openai(
      answers({ type: 'custom_tool_call', call_id: 'c1', name: 'run_sql', input: 'select 1' }),
      answers(message('1')),
    );
    const { id, output } = await create(door, { model, tools: [custom] });
    assert.partialDeepStrictEqual(output, [{ type: 'custom_tool_call', call_id: 'c1', input: 'select 1' }]);
    assert.deepEqual(callOf(door, model).body.tools, [custom]);
    const outputs = [{ type: 'custom_tool_call_output', call_id: 'c1', output: 'one' }];
    await create(door, { model, tools: [custom], previous_response_id: id, input: outputs });
    assert.partialDeepStrictEqual(door.model.calls(model)[1]?.body.input, [
      user('Hi'),
      { type: 'custom_tool_call', call_id: 'c1', name: 'run_sql', input: 'select 1' },
      { type: 'custom_tool_call_output', call_id: 'c1', output: 'one' },
    ]);
  },
);

promise(
  'native.incomplete',
  {
    says: 'an answer that was cut is incomplete though the server says completed',
    source: 'test/fixtures/: recorded of vLLM, llama.cpp, Ollama',
  },
  async (door) => {
    const usage = { input_tokens: 11, output_tokens: 16, total_tokens: 27 };
    const model = door.model.native(sendsEvents(eventsOf([message('cut')], { usage })));
    const { status, incomplete_details, output } = await create(door, { model, max_output_tokens: 16 });
    assert.deepEqual([status, incomplete_details], ['incomplete', { reason: 'max_output_tokens' }]);
    assert.partialDeepStrictEqual(output, [{ status: 'incomplete' }]);
  },
);

promise(
  'native.failure',
  { says: 'a response that it says has failed is our failure, in our words', source: 'docs/backends.md' },
  async (door) => {
    const error = { code: 'server_error', message: 'CUDA out of memory at 10.0.0.7' };
    const failing = door.model.native(sendsEvents(eventsOf([message('Well')], { type: 'failed', error })));
    const text = await refuses(await post(door, { model: failing, input: 'Hi' }), { status: 500, code: 500 });
    assert.ok(!text.includes('CUDA'));
    const { final } = await stream(door, { model: failing });
    assert.equal(final.status, 'failed');
    assert.partialDeepStrictEqual(final.output, [{ status: 'incomplete' }]);
    const unknown = door.model.native((turn) => turn.reply(404, { error: { message: "model 'x' not found" } }));
    const missing = { status: 404, code: 'model_not_found', param: 'model' };
    await refuses(await post(door, { model: unknown, input: 'Hi' }), missing);
  },
);

promise(
  'native.broken-off',
  { says: 'a stream without a terminal event fails', source: 'docs/backends.md' },
  async (door) => {
    const [begun] = halves(message('Well then'), ' then');
    const model = door.model.native(async (turn) => {
      await turn.raw(begun);
      turn.end();
    });
    await refuses(await post(door, { model, input: 'Hi' }), { status: 500, code: 500 });
    const { final } = await stream(door, { model });
    assert.partialDeepStrictEqual(final, { status: 'failed', output: [{ status: 'incomplete' }] });
  },
);

promise('native.leave', { says: 'a client that leaves ends the call', source: 'docs/backends.md' }, (door) =>
  endsOnLeaving(door, async () => {
    const begun = Promise.withResolvers<void>();
    const script: Script = async (turn) => {
      await turn.raw(halves(message('Well then'), ' then')[0]);
      begun.resolve();
      await turn.closed;
    };
    const model = door.model.native(script);
    const leaving = new AbortController();
    post(door, { model, input: 'Hi', stream: true }, { signal: leaving.signal })
      .then((reply) => reply.text())
      .catch(() => {});
    await begun.promise;
    return { leave: () => leaving.abort(), closed: () => callOf(door, model).closed };
  }),
);

function textsOf(parts: readonly { text: string }[] = []): string[] {
  return parts.map(({ text }) => text);
}

/** The bytes of a response that says one item, up to a delta, and from there on. */
function halves(item: Said, delta: string): [string, string] {
  const events = eventsOf([item]);
  const at = events.findIndex((event) => event.delta === delta);
  return [events.slice(0, at), events.slice(at)].map((half) => half.map(encoded).join('')) as [string, string];
}
