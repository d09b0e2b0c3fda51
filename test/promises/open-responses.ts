import assert from 'node:assert/strict';
import { type Door, post } from '../support/doors/door.ts';
import { callsFunctions, failsMidway, type Script, says, sends } from '../support/model/scripted.ts';
import { answers } from '../support/model/scripted-responses.ts';
import { checkCompacted, checkEvent, checkResponse } from '../support/open-responses.ts';
import { callOf, create, refuses, stream } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { ask, have, modelInput } from './state-ask.ts';

// What the specification of Open Responses and its acceptance tests demand over HTTP; open-responses-socket.ts has the
// WebSocket. `checkResponse` and `checkEvent` are in every one of them, since the acceptance tests hold replies to the schema.

const SUITE = 'openresponses/openresponses: src/lib/compliance-tests.ts';
const SPEC = 'openresponses/openresponses: src/pages/specification.mdx';

const user = (content: string | object[]) => ({ type: 'message', role: 'user', content });
const PIXEL = 'data:image/png;base64,iVBORw0KGgo=';

/** A function as clients of Open Responses send it: nothing but what must be there. */
const weather = {
  type: 'function',
  name: 'weather',
  description: 'The weather at a place.',
  parameters: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
};

/** The response to a request, as JSON and streamed, each as the schema has it. */
async function bothWays(door: Door, script: Script, body: object) {
  const model = door.model.script(script);
  const response = await create(door, { model, ...body });
  const { events, final } = await stream(door, { model, ...body });
  checkResponse(response);
  for (const event of events) checkEvent(event);
  return { model, responses: [response, final], events };
}

/** Asserts that a request is answered with a message, whichever way it is asked. */
async function isAnswered(door: Door, body: object): Promise<string> {
  const { model, responses } = await bothWays(door, says('Hello ', 'there'), body);
  for (const { status, output } of responses) {
    assert.deepEqual([status, output.map(({ type }) => type)], ['completed', ['message']]);
  }
  return model;
}

promise(
  'open-responses.text',
  { says: 'a text is answered by a whole response, and by events of which each is whole', source: SUITE },
  async (door) => {
    await isAnswered(door, { input: [user('Say hello in exactly 3 words.')] });
  },
);

promise(
  'open-responses.penalties',
  {
    says: 'presence_penalty and frequency_penalty reach the model, and are numbers in every response',
    source: 'openresponses/openresponses: schema/responses.tsp',
  },
  async (door) => {
    for (const asked of [{}, { presence_penalty: null, frequency_penalty: null }]) {
      const { model, responses } = await bothWays(door, says('Hello'), asked);
      for (const response of responses) {
        assert.partialDeepStrictEqual(response, { presence_penalty: 0, frequency_penalty: 0 });
      }
      assert.ok(!('presence_penalty' in callOf(door, model).body));
    }
    const penalties = { presence_penalty: 0.5, frequency_penalty: -1.5 };
    for (const model of [
      door.model.script(says('Hello')),
      door.model.native(answers({ type: 'message', content: [] })),
    ]) {
      assert.partialDeepStrictEqual(await create(door, { model, ...penalties }), penalties);
      assert.partialDeepStrictEqual(callOf(door, model).body, penalties);
    }
  },
);

promise(
  'open-responses.system',
  { says: 'messages of system and developer reach the model in their places', source: SUITE },
  async (door) => {
    for (const role of ['system', 'developer']) {
      const input = [{ type: 'message', role, content: 'Talk like a pirate.' }, user('Say hello.')];
      const model = await isAnswered(door, { input });
      assert.deepEqual(modelInput(door, model), ['system: Talk like a pirate.', 'user: Say hello.']);
    }
  },
);

promise(
  'open-responses.history',
  { says: 'a history that the client sends is what the model reads', source: SUITE },
  async (door) => {
    const said = { type: 'message', role: 'assistant', content: 'Hello Alice!' };
    const model = await isAnswered(door, { input: [user('My name is Alice.'), said, user('What is my name?')] });
    assert.deepEqual(modelInput(door, model), [
      'user: My name is Alice.',
      'assistant: Hello Alice!',
      'user: What is my name?',
    ]);
  },
);

promise(
  'open-responses.phase',
  {
    says: 'the phase of a message is taken in a history, and is on the messages of a model that has it',
    source: SUITE,
  },
  async (door) => {
    const said = (phase: string, content: string) => ({ type: 'message', role: 'assistant', phase, content });
    const input = [said('commentary', 'I should say it.'), said('final_answer', 'Four.'), user('Repeat it.')];
    await isAnswered(door, { input });
    const content = [{ type: 'output_text' as const, text: 'Four.' }];
    const phases = ['commentary', 'final_answer'];
    const model = door.model.native(answers(...phases.map((phase) => ({ type: 'message', phase, content }))));
    const response = await create(door, { model, input });
    checkResponse(response);
    assert.deepEqual(
      response.output.map((item) => 'phase' in item && item.phase),
      phases,
    );
  },
);

promise(
  'open-responses.call',
  { says: 'a call of a function is an item, with the events of its arguments', source: SUITE },
  async (door) => {
    const script = callsFunctions({ name: 'weather', args: '{"place":"Oslo"}' });
    const { responses, events } = await bothWays(door, script, { input: [user('How is Oslo?')], tools: [weather] });
    for (const { output } of responses)
      assert.partialDeepStrictEqual(output, [{ type: 'function_call', name: 'weather' }]);
    assert.partialDeepStrictEqual(
      events.find(({ type }) => type === 'response.output_item.added'),
      {
        item: { type: 'function_call', name: 'weather', status: 'in_progress' },
      },
    );
    const types = events.map(({ type }) => type).filter((type) => /arguments|output_item/.test(type));
    assert.deepEqual(
      [...new Set(types)].map((type) => type.replace('response.', '')),
      ['output_item.added', 'function_call_arguments.delta', 'function_call_arguments.done', 'output_item.done'],
    );
  },
);

promise('open-responses.image', { says: 'an image by its data reaches the model', source: SUITE }, async (door) => {
  const parts = [
    { type: 'input_text', text: 'What is this?' },
    { type: 'input_image', image_url: PIXEL },
  ];
  const model = await isAnswered(door, { input: [user(parts)] });
  assert.match(JSON.stringify(callOf(door, model).body.messages), new RegExp(PIXEL));
});

promise(
  'open-responses.compact',
  { says: 'the compact endpoint answers with a compaction, and names a model that is missing', source: SUITE },
  async (door) => {
    const model = door.model.script(says('They agreed.'));
    const input = [user('We launch on Tuesday.'), { type: 'message', role: 'assistant', content: 'Understood.' }];
    const body = await have<{ output: { type: string }[] }>(door, 'POST', '/v1/responses/compact', {
      ...{ model, input, prompt_cache_key: 'k' },
    });
    checkCompacted(body);
    assert.equal(body.output.at(-1)?.type, 'compaction');
    await refuses(await ask(door, 'POST', '/v1/responses/compact', { input }), {
      status: 422,
      code: 422,
      param: 'model',
    });
  },
  NEEDS_HEADERS,
);

promise(
  'open-responses.framing',
  {
    says: 'a stream is text/event-stream whose events are named by their type and have no id, and ends with [DONE]',
    source: SPEC,
  },
  async (door) => {
    const model = door.model.script(says('Hello'));
    const reply = await post(door, { model, input: 'Hi', stream: true });
    assert.match(reply.headers.get('content-type') ?? '', /^text\/event-stream/);
    const blocks = (await reply.text()).split('\n\n').filter((block) => block !== '' && !block.startsWith(':'));
    assert.equal(blocks.pop(), 'data: [DONE]');
    for (const block of blocks) {
      const [name, data, ...rest] = block.split('\n');
      assert.equal(name, `event: ${JSON.parse((data ?? '').replace('data: ', '')).type}`);
      assert.deepEqual(rest, []);
    }
  },
);

promise(
  'open-responses.incomplete',
  { says: 'an item that was cut is the last one, and its response is incomplete', source: SPEC },
  async (door) => {
    const { responses } = await bothWays(door, sends([{ content: 'Hel' }], 'length'), {});
    for (const { status, output, incomplete_details } of responses) {
      assert.deepEqual([status, incomplete_details?.reason], ['incomplete', 'max_output_tokens']);
      assert.partialDeepStrictEqual(output.at(-1), { status: 'incomplete' });
    }
  },
);

promise(
  'open-responses.failed',
  {
    says: 'an error in a stream is an event with its type, code, message and param, before response.failed',
    source: SPEC,
  },
  async (door) => {
    const { events, final } = await stream(door, { model: door.model.script(failsMidway({ code: 500 })) });
    for (const event of events) checkEvent(event);
    assert.deepEqual(
      events.slice(-2).map(({ type }) => type),
      ['error', 'response.failed'],
    );
    assert.equal(final.error?.code, 'server_error');
  },
);

promise(
  'open-responses.previous',
  { says: 'the model reads the input before, the output before, and then the new input', source: SPEC },
  async (door) => {
    const model = door.model.script(says('one'), says('two'));
    const { id } = await create(door, { model, input: [user('A')] });
    const response = await create(door, { model, input: [user('B')], previous_response_id: id });
    checkResponse(response);
    assert.equal(response.previous_response_id, id);
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: one', 'user: B']);
  },
);
