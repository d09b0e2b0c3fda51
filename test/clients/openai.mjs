import OpenAI from 'openai';
import { zodResponsesFunction, zodTextFormat } from 'openai/helpers/zod';
import { ResponsesWS } from 'openai/resources/responses/ws';
import { z } from 'zod';
import { main, released, seen, weather } from './client.mjs';

const client = new OpenAI();
const Place = z.object({ city: z.string(), people: z.number() });
const tools = [zodResponsesFunction({ name: 'weather', parameters: z.object({ city: z.string() }) })];

/** Runs the calls of a response, as the documentation's loop does. */
function outputsOf(response) {
  const calls = response.output.filter(({ type }) => type === 'function_call');
  return calls.map(({ call_id, arguments: args }) => ({
    type: 'function_call_output',
    call_id,
    output: weather(JSON.parse(args)),
  }));
}

async function toolLoop(create) {
  const input = [{ role: 'user', content: 'Weather?' }];
  for (;;) {
    const response = await create({ input, tools });
    const outputs = outputsOf(response);
    if (outputs.length === 0) return { text: response.output_text };
    input.push(...response.output, ...outputs);
  }
}

/** Two turns, the second of which has the items of the first. */
async function replayed(model, more = {}, create = (body) => client.responses.create(body)) {
  const input = [{ role: 'user', content: 'A' }];
  const first = await create({ model, input, ...more });
  input.push(...first.output, { role: 'user', content: 'B' });
  const second = await create({ model, input, ...more });
  return { first, texts: [first.output_text, second.output_text] };
}

/** Two turns with a search of the web, and the URLs that the first answer cites. */
async function searched(model, more = {}, create = undefined) {
  const { first, texts } = await replayed(model, { tools: [{ type: 'web_search' }], ...more }, create);
  const [{ annotations }] = first.output.find(({ type }) => type === 'message').content;
  return { texts, sources: annotations.map(({ url }) => url) };
}

main({
  async text(model) {
    const response = await client.responses.create({ model, input: 'Hi' });
    return { text: response.output_text };
  },

  async stream(model) {
    let text = '';
    for await (const event of await client.responses.create({ model, input: 'Hi', stream: true })) {
      if (event.type !== 'response.output_text.delta') continue;
      text += event.delta;
      seen(event.delta);
    }
    return { text };
  },

  async 'stream-helper'(model) {
    const stream = client.responses.stream({ model, input: 'Hi' });
    stream.on('response.output_text.delta', ({ delta }) => seen(delta));
    return { text: (await stream.finalResponse()).output_text };
  },

  async 'turns-chain'(model) {
    const first = await client.responses.create({ model, input: 'A' });
    const second = await client.responses.create({ model, input: 'B', previous_response_id: first.id });
    return { texts: [first.output_text, second.output_text] };
  },

  async 'turns-conversation'(model) {
    const conversation = await client.conversations.create();
    const texts = [];
    for (const input of ['A', 'B']) {
      const response = await client.responses.create({ model, input, conversation: conversation.id });
      texts.push(response.output_text);
    }
    return { texts };
  },

  async 'turns-replay'(model) {
    const { texts } = await replayed(model);
    return { texts };
  },

  'web-replay': (model) => searched(model),
  'web-replay-stateless': (model) => searched(model, { store: false }),

  'web-replay-stream': (model) => searched(model, {}, (body) => client.responses.stream(body).finalResponse()),

  async 'code-replay'(model) {
    const tools = [{ type: 'code_interpreter', container: { type: 'auto' } }];
    const { texts } = await replayed(model, { tools });
    return { texts };
  },

  async 'files-replay'(model) {
    const { texts } = await replayed(model, { tools: [{ type: 'file_search', vector_store_ids: [] }] });
    return { texts };
  },

  async 'image-replay'(model) {
    const { texts } = await replayed(model, { tools: [{ type: 'image_generation' }] });
    return { texts };
  },

  tool: (model) => toolLoop((body) => client.responses.parse({ model, ...body })),
  'tools-parallel': (model) => toolLoop((body) => client.responses.parse({ model, ...body })),
  'tool-stream': (model) => toolLoop((body) => client.responses.stream({ model, ...body }).finalResponse()),
  reasoning: (model) => toolLoop((body) => client.responses.create({ model, ...body })),
  'reasoning-encrypted': (model) =>
    toolLoop((body) =>
      client.responses.create({ model, ...body, store: false, include: ['reasoning.encrypted_content'] }),
    ),

  async 'tool-chain'(model) {
    const first = await client.responses.create({ model, input: 'Weather?', tools });
    const next = { model, input: outputsOf(first), tools, previous_response_id: first.id };
    return { text: (await client.responses.create(next)).output_text };
  },

  async structured(model) {
    const format = zodTextFormat(Place, 'place');
    const response = await client.responses.parse({ model, input: 'Where?', text: { format } });
    return { parsed: response.output_parsed };
  },

  async 'structured-stream'(model) {
    const stream = client.responses.stream({ model, input: 'Where?', text: { format: zodTextFormat(Place, 'place') } });
    return { parsed: (await stream.finalResponse()).output_parsed };
  },

  async retry(model) {
    return { text: (await client.responses.create({ model, input: 'Hi' })).output_text };
  },

  async refused() {
    await client.responses.create({ model: 'nobody-knows', input: 'Hi' });
  },

  async unprocessable(model) {
    await client.responses.create({ model, input: 'Hi', max_output_tokens: 1 });
  },

  async 'stream-fails'(model) {
    for await (const event of await client.responses.create({ model, input: 'Hi', stream: true })) {
      if (event.type === 'response.output_text.delta') seen(event.delta);
    }
  },

  async abort(model) {
    const stream = client.responses.stream({ model, input: 'Hi' });
    stream.on('response.output_text.delta', ({ delta }) => {
      seen(delta);
      stream.abort();
    });
    try {
      await stream.finalResponse();
    } finally {
      seen('ended');
      await released();
    }
  },

  async websocket(model) {
    const socket = new ResponsesWS(client);
    const errors = [];
    socket.on('error', ({ error }) => errors.push(error.error.code));
    const events = socket.stream();
    const create = async (body) => {
      socket.send({ type: 'response.create', model, store: false, tools, ...body });
      for (;;) {
        const { value } = await events.next();
        if (value.type === 'error') return undefined;
        if (value.type === 'message' && value.message.type === 'response.completed') return value.message.response;
      }
    };
    const { id } = await create({ generate: false, input: [{ role: 'developer', content: 'Be kind.' }] });
    const first = await create({ input: 'Weather?', previous_response_id: id });
    const last = await create({ input: outputsOf(first), previous_response_id: first.id });
    await create({ input: 'Hi', previous_response_id: 'resp_unknown' });
    socket.close();
    return { text: last.output[0].content[0].text, errors };
  },

  async stored(model) {
    const { id } = await client.responses.create({ model, input: 'Hi' });
    const read = await client.responses.retrieve(id);
    const items = [];
    for await (const item of client.responses.inputItems.list(id)) items.push(item);
    await client.responses.delete(id);
    const after = await client.responses.retrieve(id).catch((error) => error.status);
    return { text: read.output_text, items: items.map(({ content }) => content[0].text), after };
  },
});
