import Anthropic from '@anthropic-ai/sdk';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { z } from 'zod';
import { main, released, seen, weather } from './client.mjs';

// Where its users are told to point it: the same server, without the `/v1`.
const client = new Anthropic({ baseURL: process.env.OPENAI_BASE_URL.replace(/\/v1$/, ''), apiKey: 'test' });
const Place = z.object({ city: z.string(), people: z.number() });
const tools = [
  {
    name: 'weather',
    input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
];
const max_tokens = 1024;
const user = (content) => ({ role: 'user', content });
const ask = (model, content) => ({ model, max_tokens, messages: [user(content)] });
const textOf = ({ content }) =>
  content
    .filter(({ type }) => type === 'text')
    .map(({ text }) => text)
    .join('');

async function toolLoop(create) {
  const messages = [user('Weather?')];
  for (;;) {
    const message = await create({ messages, tools, max_tokens });
    const calls = message.content.filter(({ type }) => type === 'tool_use');
    if (message.stop_reason !== 'tool_use') return { text: textOf(message) };
    messages.push(
      { role: 'assistant', content: message.content },
      user(calls.map(({ id, input }) => ({ type: 'tool_result', tool_use_id: id, content: weather(input) }))),
    );
  }
}

main({
  text: async (model) => ({ text: textOf(await client.messages.create(ask(model, 'Hi'))) }),

  async stream(model) {
    let text = '';
    for await (const event of await client.messages.create({ ...ask(model, 'Hi'), stream: true })) {
      if (event.type !== 'content_block_delta') continue;
      text += event.delta.text;
      seen(event.delta.text);
    }
    return { text };
  },

  async 'stream-helper'(model) {
    const stream = client.messages.stream(ask(model, 'Hi'));
    stream.on('text', (delta) => seen(delta));
    return { text: await stream.finalText() };
  },

  async 'turns-replay'(model) {
    const messages = [user('A')];
    const first = await client.messages.create({ model, max_tokens, messages });
    messages.push({ role: 'assistant', content: first.content }, user('B'));
    const second = await client.messages.create({ model, max_tokens, messages });
    return { texts: [textOf(first), textOf(second)] };
  },

  tool: (model) => toolLoop((body) => client.messages.create({ model, ...body })),
  'tools-parallel': (model) => toolLoop((body) => client.messages.create({ model, ...body })),
  'tool-stream': (model) => toolLoop((body) => client.messages.stream({ model, ...body }).finalMessage()),
  reasoning: (model) =>
    toolLoop((body) =>
      client.messages.create({ model, ...body, thinking: { type: 'adaptive', display: 'summarized' } }),
    ),
  'reasoning-stream': (model) =>
    toolLoop((body) =>
      client.messages.stream({ model, ...body, thinking: { type: 'enabled', budget_tokens: 1024 } }).finalMessage(),
    ),

  async 'tool-runner'(model) {
    const run = (input) => weather(input);
    const tool = betaZodTool({ name: 'weather', description: 'W', inputSchema: z.object({ city: z.string() }), run });
    const body = { ...ask(model, 'Weather?'), tools: [tool] };
    return { text: textOf(await client.beta.messages.toolRunner(body)) };
  },

  async structured(model) {
    const format = zodOutputFormat(Place);
    const message = await client.messages.parse({ ...ask(model, 'Where?'), output_config: { format } });
    return { parsed: message.parsed_output };
  },

  async 'structured-stream'(model) {
    const stream = client.messages.stream({
      ...ask(model, 'Where?'),
      output_config: { format: zodOutputFormat(Place) },
    });
    return { parsed: (await stream.finalMessage()).parsed_output };
  },

  retry: async (model) => ({ text: textOf(await client.messages.create(ask(model, 'Hi'))) }),

  async refused() {
    await client.messages.create(ask('nobody-knows', 'Hi'));
  },

  async unprocessable(model) {
    await client.messages.create({ ...ask(model, 'Hi'), temperature: 2 });
  },

  async 'stream-fails'(model) {
    for await (const event of await client.messages.create({ ...ask(model, 'Hi'), stream: true })) {
      if (event.type === 'content_block_delta') seen(event.delta.text);
    }
  },

  async abort(model) {
    const stream = client.messages.stream(ask(model, 'Hi'));
    stream.on('text', (delta) => {
      seen(delta);
      stream.abort();
    });
    try {
      await stream.finalMessage();
    } finally {
      seen('ended');
      await released();
    }
  },

  async count(model) {
    return await client.messages.countTokens({ model, messages: [user('Hi')] });
  },

  async models() {
    const ids = [];
    for await (const { id, type } of client.models.list({ limit: 1 })) ids.push(`${type} ${id}`);
    const { id } = await client.models.retrieve(ids[0].split(' ')[1]);
    return { ids, id };
  },

  async faults(model) {
    const name = async (run) => {
      try {
        await run();
        return undefined;
      } catch (error) {
        return [error.constructor.name, error.status ?? null, error.error?.error?.type, typeof error.requestID];
      }
    };
    const none = new Anthropic({ baseURL: client.baseURL, apiKey: 'test', maxRetries: 0 });
    return [
      await name(() => none.messages.create(ask('nobody-knows', 'Hi'))),
      await name(() => none.messages.create({ ...ask(model, 'Hi'), max_tokens: 0 })),
      await name(() => none.messages.create(ask(model, 'Hi'))),
      await name(() => none.messages.create(ask(model, 'Hi'))),
      await name(() => none.messages.batches.list()),
    ];
  },
});
