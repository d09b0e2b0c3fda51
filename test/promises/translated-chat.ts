import assert from 'node:assert/strict';
import type OpenAI from 'openai';
import type { Door } from '../support/doors/door.ts';
import { replies, type Script } from '../support/model/scripted.ts';
import { errorOf, messageEvents, sendsMessage, tells, text } from '../support/model/scripted-messages.ts';
import { answers, answersCut, eventsOf, message, sendsEvents } from '../support/model/scripted-responses.ts';
import type { Any } from './anthropic-ask.ts';
import { refuses } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';

const SOURCE = 'docs/neighbours.md';
const OPENAI = 'openai 7.57.0 types: ChatCompletion, ChatCompletionChunk';
const PATH = '/v1/chat/completions';
type Body = Pick<OpenAI.ChatCompletionCreateParamsNonStreaming, 'messages'>;
const hi: Body = { messages: [{ role: 'user', content: 'Hi' }] };
const schema = { type: 'object', properties: { city: { type: 'string' } } };
const tools: OpenAI.ChatCompletionTool[] = [{ type: 'function', function: { name: 'weather', parameters: schema } }];
const use = { type: 'tool_use', id: 'call_a', name: 'weather', input: '{"city":"Oslo"}' } as const;
const called = { type: 'function_call', call_id: 'call_a', name: 'weather', arguments: '{"city":"Oslo"}' };

/** A model of each protocol to which a chat is translated. */
const models = (door: Door, own: Script, native: Script) => [door.model.anthropic(own), door.model.native(native)];

function send(door: Door, body: object): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return door.fetch(PATH, { method: 'POST', headers, body: JSON.stringify(body) });
}

promise(
  'translated-chat.reply',
  { says: 'a chat with a model of another protocol is answered as OpenAI does, streamed or not', source: OPENAI },
  async (door) => {
    for (const model of models(door, tells(text('Hello you')), answers(message('Hello you')))) {
      const whole = await door.client.chat.completions.create({ model, ...hi });
      const { id, created, usage, ...rest } = whole as Any;
      assert.match(id, /^chatcmpl-\w+$/);
      assert.ok(created > 0);
      assert.deepEqual([usage.prompt_tokens, usage.completion_tokens, usage.total_tokens], [11, 7, 18]);
      assert.deepEqual(rest, {
        object: 'chat.completion',
        model,
        service_tier: rest.service_tier,
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: 'Hello you', refusal: null, annotations: [] },
            logprobs: null,
            finish_reason: 'stop',
          },
        ],
      });
      const streamed = await door.client.chat.completions.stream({ model, ...hi }).finalChatCompletion();
      assert.equal(streamed.choices[0]?.message.content, 'Hello you');
      const chunks: Any[] = [];
      const stream_options = { include_usage: true };
      for await (const chunk of await door.client.chat.completions.create({
        model,
        ...hi,
        stream: true,
        stream_options,
      }))
        chunks.push(chunk);
      assert.deepEqual(chunks[0].choices[0].delta, { role: 'assistant', content: '', refusal: null });
      assert.deepEqual([chunks.at(-1).choices, chunks.at(-1).usage.total_tokens], [[], 18]);
      assert.deepEqual([chunks.at(-2).choices[0].finish_reason, chunks.at(-2).usage], ['stop', null]);
      assert.ok(chunks.every(({ id, object }) => id === chunks[0].id && object === 'chat.completion.chunk'));
      const plain = await (await send(door, { model, ...hi, stream: true })).text();
      assert.ok(
        plain.endsWith('data: [DONE]\n\n') && !/"usage"|^event:/m.test(plain),
        'usage only where it is asked for',
      );
    }
  },
  NEEDS_HEADERS,
);

promise(
  'translated-chat.tools',
  { says: 'its calls of functions, and their outputs, go both ways', source: OPENAI },
  async (door) => {
    for (const model of models(door, tells(use), answers(called))) {
      const body = { model, ...hi, tools };
      const { choices } = await door.client.chat.completions.create(body);
      const [choice] = choices;
      assert.equal(choice?.finish_reason, 'tool_calls');
      assert.deepEqual(choice?.message.tool_calls, [
        { id: 'call_a', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
      ]);
      const streamed = await door.client.chat.completions.stream(body).finalChatCompletion();
      assert.partialDeepStrictEqual(streamed.choices[0]?.message.tool_calls, choice?.message.tool_calls);
      await door.client.chat.completions.create({
        ...body,
        messages: [
          ...hi.messages,
          choice?.message ?? assert.fail(),
          { role: 'tool', tool_call_id: 'call_a', content: 'Snow.' },
        ],
      });
      const sent = JSON.stringify(door.model.calls(model).at(-1)?.body);
      assert.match(sent, /call_a.*Oslo.*call_a.*Snow\./);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'translated-chat.request',
  { says: 'messages, images and settings reach a server of another protocol', source: OPENAI },
  async (door) => {
    const model = door.model.anthropic(tells(text('ok')));
    await send(door, {
      model,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }] },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look:' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
          ],
        },
        { role: 'assistant', content: 'I see.' },
        { role: 'user', content: 'So?' },
      ],
      max_tokens: 50,
      temperature: 0.5,
      tools,
      tool_choice: { type: 'function', function: { name: 'weather' } },
      parallel_tool_calls: false,
      reasoning_effort: 'low',
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
      user: 'u_1',
    }).then((reply) => reply.text());
    const { body } = door.model.calls(model)[0] ?? assert.fail();
    assert.deepEqual(
      body.system.map((block: Any) => block.text),
      ['Be brief.', 'Be kind.'],
    );
    assert.deepEqual(
      body.messages.map(({ role }: Any) => role),
      ['user', 'assistant', 'user'],
    );
    assert.equal(body.messages[0].content[1].source.data, 'iVBORw0KGgo=');
    const { max_tokens, temperature, tool_choice, output_config, metadata } = body;
    assert.deepEqual([max_tokens, temperature, metadata.user_id], [50, 0.5, 'u_1']);
    assert.deepEqual(tool_choice, { type: 'tool', name: 'weather', disable_parallel_tool_use: true });
    assert.deepEqual(output_config, { format: { type: 'json_schema', schema }, effort: 'low' });
  },
  NEEDS_HEADERS,
);

promise(
  'translated-chat.ends',
  { says: 'it ends with length, content_filter or at a stop sequence, and fails as OpenAI has it', source: OPENAI },
  async (door) => {
    const finish = async (model: string, more: object = {}) => {
      const { choices } = await door.client.chat.completions.create({ model, ...hi, ...more });
      return [choices[0]?.finish_reason, choices[0]?.message.content];
    };
    const half = messageEvents([text('Half')], { stop_reason: 'max_tokens' });
    assert.deepEqual(await finish(door.model.anthropic(sendsMessage(half))), ['length', 'Half']);
    const cut = answersCut(message('Half'), 'content_filter');
    assert.deepEqual(await finish(door.model.native(cut)), ['content_filter', 'Half']);
    const stopped = await finish(door.model.anthropic(tells(text('One STOP two'))), { stop: 'STOP' });
    assert.deepEqual(stopped, ['stop', 'One ']);
    const busy = door.model.anthropic(replies(429, errorOf('rate_limit_error', 'slow')));
    await refuses(await send(door, { model: busy, ...hi }), {
      status: 429,
      type: 'rate_limit_error',
      code: 'rate_limit_exceeded',
    });
    const broken = door.model.native(sendsEvents(eventsOf([message('Hello you')]).slice(0, -2)));
    const lines = (await (await send(door, { model: broken, ...hi, stream: true })).text()).split('\n\n');
    assert.match(lines.at(-3) ?? '', /^data: \{"error":\{"message":/);
    assert.equal(lines.at(-2), 'data: [DONE]');
  },
  NEEDS_HEADERS,
);

promise(
  'translated-chat.refused',
  { says: 'what a server of another protocol cannot carry is refused by its name in Chat Completions', source: SOURCE },
  async (door) => {
    const model = door.model.anthropic(() => assert.fail('not asked'));
    for (const [body, param] of [
      [{ messages: [] }, 'messages'],
      [{ messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role'],
      [
        { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] },
        'messages[0].content[0].type',
      ],
      [
        { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'f' } }] }] },
        'messages[0].content[0].file.file_id',
      ],
      [{ messages: [...hi.messages, { role: 'assistant', content: 'Once' }] }, 'messages'],
      [
        {
          messages: [
            { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/bmp;base64,AA==' } }] },
          ],
        },
        'messages',
      ],
      [
        {
          messages: [
            {
              role: 'user',
              content: [
                { type: 'text', text: 'x' },
                { type: 'image_url', image_url: { url: 'file:///x' } },
              ],
            },
          ],
        },
        'messages[0].content[1]',
      ],
      [{ n: 2 }, 'n'],
      [{ seed: 1 }, 'seed'],
      [{ store: true }, 'store'],
      [{ logprobs: true }, 'logprobs'],
      [{ logit_bias: { 1: 1 } }, 'logit_bias'],
      [{ functions: [] }, 'functions'],
      [{ tools: [{ type: 'custom', custom: { name: 'x' } }] }, 'tools[0].type'],
      [{ tools: [...tools, ...tools] }, 'tools[1].function.name'],
      [{ tool_choice: { type: 'function', function: { name: 'x' } } }, 'tool_choice'],
      [{ temperature: 1.5 }, 'temperature'],
      [{ presence_penalty: 1 }, 'presence_penalty'],
      [{ response_format: { type: 'json_object' } }, 'response_format'],
      [{ stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop'],
      [{ max_completion_tokens: 0 }, 'max_completion_tokens'],
    ] as [object, string][]) {
      const reply = await send(door, { model, ...hi, ...body });
      const said = (await reply.json()) as Any;
      assert.deepEqual([reply.status, said.error?.param], [422, param], JSON.stringify([body, said]));
    }
    assert.equal(door.model.calls(model).length, 0);
  },
  NEEDS_HEADERS,
);
