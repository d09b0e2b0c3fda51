import { HumanMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, customTool } from '@langchain/openai';
import { createAgent } from 'langchain';
import { z } from 'zod';
import { main, released, seen, weather } from './client.mjs';

const Place = z.object({ city: z.string(), people: z.number() });
const weatherTool = tool(weather, {
  name: 'weather',
  description: 'The weather of a city.',
  schema: z.object({ city: z.string() }),
});
const chat = (model, more = {}) => new ChatOpenAI({ model, useResponsesApi: true, ...more });

/** The loop of LangChain's own agent. */
async function agent(model, more, tools = [weatherTool], content = 'Weather?') {
  const made = createAgent({ model: chat(model, more), tools });
  const { messages } = await made.invoke({ messages: [{ role: 'user', content }] });
  return { text: messages.at(-1).text };
}

/** Two turns whose messages the client keeps. */
async function replayed(llm) {
  const messages = [new HumanMessage('A')];
  const first = await llm.invoke(messages);
  messages.push(first, new HumanMessage('B'));
  const second = await llm.invoke(messages);
  return { texts: [first.text, second.text] };
}

// LangChain's own option goes along only with names of OpenAI's models.
const SUMMED = { modelKwargs: { reasoning: { summary: 'auto' } } };

/** What a message shows of the reasoning before it. */
function shown({ text, additional_kwargs: { reasoning } }) {
  return { text, reasoning: reasoning?.summary.map((part) => part.text).join('') };
}

async function ask(llm) {
  return { text: (await llm.invoke('Hi')).text };
}

async function streamed(llm, options) {
  let text = '';
  for await (const chunk of await llm.stream('Hi', options)) {
    if (chunk.text) seen(chunk.text);
    text += chunk.text;
  }
  return { text };
}

main({
  text: (model) => ask(chat(model)),
  stream: (model) => streamed(chat(model)),

  async 'turns-chain'(model) {
    const llm = chat(model);
    const first = await llm.invoke('A');
    const second = await llm.invoke('B', { previous_response_id: first.response_metadata.id });
    return { texts: [first.text, second.text] };
  },

  'turns-replay': (model) => replayed(chat(model)),
  'turns-replay-stream': (model) => replayed(chat(model, { streaming: true })),
  'turns-replay-zdr': (model) => replayed(chat(model, { zdrEnabled: true })),

  tool: (model) => agent(model),
  'tool-stream': (model) => agent(model, { streaming: true }),
  'tools-parallel': (model) => agent(model),
  reasoning: (model) => agent(model),
  'reasoning-stream': (model) => agent(model, { streaming: true }),
  'reasoning-encrypted': (model) =>
    agent(model, { zdrEnabled: true, modelKwargs: { include: ['reasoning.encrypted_content'] } }),

  'reasoning-summed': (model) => agent(model, SUMMED),
  'reasoning-summed-stream': (model) => agent(model, { ...SUMMED, streaming: true }),
  'reasoning-shown': async (model) => shown(await chat(model, SUMMED).invoke('Hi')),
  'reasoning-shown-stream': async (model) => shown(await chat(model, { ...SUMMED, streaming: true }).invoke('Hi')),

  async 'tool-chain'(model) {
    const llm = chat(model).bindTools([weatherTool]);
    const first = await llm.invoke('Weather?');
    const outputs = await Promise.all(first.tool_calls.map((call) => weatherTool.invoke(call)));
    const next = await llm.invoke(outputs, { previous_response_id: first.response_metadata.id });
    return { text: next.text };
  },

  structured: async (model) => ({
    parsed: await chat(model).withStructuredOutput(Place, { name: 'place' }).invoke('Where?'),
  }),
  'structured-stream': async (model) => {
    let parsed;
    const llm = chat(model).withStructuredOutput(Place, { name: 'place' });
    for await (const partial of await llm.stream('Where?')) parsed = partial;
    return { parsed };
  },

  custom(model) {
    const write = customTool(
      async (text) => {
        seen(text);
        return '1 row';
      },
      { name: 'write', description: 'Runs SQL.', format: { type: 'text' } },
    );
    return agent(model, {}, [write], 'Go');
  },

  retry: (model) => ask(chat(model)),
  refused: () => ask(chat('nobody-knows')),
  unprocessable: (model) => ask(chat(model, { maxTokens: 1 })),
  'stream-fails': (model) => streamed(chat(model)),

  async abort(model) {
    const leaving = new AbortController();
    try {
      for await (const chunk of await chat(model).stream('Hi', { signal: leaving.signal })) {
        if (!chunk.text) continue;
        seen(chunk.text);
        leaving.abort();
      }
    } finally {
      seen('ended');
      await released();
    }
  },
});
