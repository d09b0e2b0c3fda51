import {
  Agent,
  applyPatchTool,
  codeInterpreterTool,
  fileSearchTool,
  imageGenerationTool,
  MemorySession,
  OpenAIConversationsSession,
  run,
  setTracingDisabled,
  shellTool,
  tool,
  webSearchTool,
} from '@openai/agents';
import { z } from 'zod';
import { main, released, seen, weather } from './client.mjs';

setTracingDisabled(true);

const instructions = 'You are helpful.';
const weatherTool = tool({
  name: 'weather',
  description: 'The weather of a city.',
  parameters: z.object({ city: z.string() }),
  execute: weather,
});
const plain = (model, more = {}) => new Agent({ name: 'Assistant', instructions, model, ...more });
const withTool = (model, more = {}) => plain(model, { tools: [weatherTool], ...more });
const place = (model) => plain(model, { outputType: z.object({ city: z.string(), people: z.number() }) });

/** Two turns that share what the options name. */
async function turns(model, options) {
  const texts = [];
  for (const input of ['A', 'B']) texts.push((await run(plain(model), input, options)).finalOutput);
  return { texts };
}

/** Two turns, the second of which has the history of the first. */
async function replayed(agent, runs = run) {
  const first = await runs(agent, 'A');
  const second = await runs(agent, [...first.history, { role: 'user', content: 'B' }]);
  return { first, texts: [first.finalOutput, second.finalOutput] };
}

/** Two turns of an agent that searches the web, and the URLs that its first answer cites. */
async function searched(model, more = {}, runs = run) {
  const { first, texts } = await replayed(plain(model, { tools: [webSearchTool()], ...more }), runs);
  const parts = first.newItems.flatMap(({ rawItem }) => rawItem.content ?? []);
  const citations = parts.flatMap(({ providerData }) => providerData?.annotations ?? []);
  return { texts, sources: citations.map(({ url }) => url) };
}

async function ask(agent, input, options) {
  return { text: (await run(agent, input, options)).finalOutput };
}

async function streamed(agent, input, options) {
  const result = await run(agent, input, { ...options, stream: true });
  for await (const event of result) {
    if (event.type === 'raw_model_stream_event' && event.data.type === 'output_text_delta') seen(event.data.delta);
  }
  await result.completed;
  return result;
}

main({
  text: (model) => ask(plain(model), 'Hi'),
  stream: async (model) => ({ text: (await streamed(plain(model), 'Hi')).finalOutput }),

  async 'turns-chain'(model) {
    const first = await run(plain(model), 'A');
    const second = await run(plain(model), 'B', { previousResponseId: first.lastResponseId });
    return { texts: [first.finalOutput, second.finalOutput] };
  },

  // The SDK's own way with conversations: it makes one, and keeps its items there itself.
  'turns-session': (model) => turns(model, { session: new OpenAIConversationsSession() }),
  'turns-memory': (model) => turns(model, { session: new MemorySession() }),

  async 'turns-conversation'(model) {
    const session = new OpenAIConversationsSession();
    return turns(model, { conversationId: await session.getSessionId() });
  },

  async 'turns-replay'(model) {
    const { texts } = await replayed(plain(model));
    return { texts };
  },

  tool: (model) => ask(withTool(model), 'Weather?'),
  'tools-parallel': (model) => ask(withTool(model), 'Weather?'),
  reasoning: (model) => ask(withTool(model), 'Weather?'),
  'reasoning-encrypted': (model) => {
    const modelSettings = { store: false, providerData: { include: ['reasoning.encrypted_content'] } };
    return ask(withTool(model, { modelSettings }), 'Weather?');
  },

  async 'tool-stream'(model) {
    const result = await run(withTool(model), 'Weather?', { stream: true });
    await result.completed;
    return { text: result.finalOutput };
  },

  // All of a run goes on from its last response: the output of a call is the only item that is sent.
  async 'tool-chain-later'(model) {
    const first = await run(plain(model), 'A');
    return ask(withTool(model), 'Weather?', { previousResponseId: first.lastResponseId });
  },

  async structured(model) {
    return { parsed: (await run(place(model), 'Where?')).finalOutput };
  },

  async 'structured-stream'(model) {
    const result = await run(place(model), 'Where?', { stream: true });
    await result.completed;
    return { parsed: result.finalOutput };
  },

  retry: (model) => ask(plain(model), 'Hi'),
  refused: () => ask(plain('nobody-knows'), 'Hi'),
  unprocessable: (model) => ask(plain(model, { modelSettings: { maxTokens: 1 } }), 'Hi'),
  'stream-fails': (model) => streamed(plain(model), 'Hi'),

  async abort(model) {
    const leaving = new AbortController();
    const result = await run(plain(model), 'Hi', { stream: true, signal: leaving.signal });
    for await (const event of result) {
      if (event.type !== 'raw_model_stream_event' || event.data.type !== 'output_text_delta') continue;
      seen(event.data.delta);
      leaving.abort();
    }
    seen('ended');
    await released();
  },

  async 'served-function'(model) {
    const tools = [{ type: 'function', name: 'clock' }];
    const agent = plain(model, { modelSettings: { providerData: { tools } } });
    const first = await run(agent, 'What time is it?');
    const second = await run(agent, [...first.history, { role: 'user', content: 'And now?' }]);
    return { texts: [first.finalOutput, second.finalOutput] };
  },

  'web-replay': (model) => searched(model),
  'web-replay-stateless': (model) => searched(model, { modelSettings: { store: false } }),

  'web-replay-stream': (model) => searched(model, {}, streamed),

  async 'code-replay'(model) {
    const { texts } = await replayed(plain(model, { tools: [codeInterpreterTool()] }));
    return { texts };
  },

  async 'files-replay'(model) {
    const { texts } = await replayed(plain(model, { tools: [fileSearchTool([])] }));
    return { texts };
  },

  async 'image-replay'(model) {
    const { texts } = await replayed(plain(model, { tools: [imageGenerationTool()] }));
    return { texts };
  },

  shell(model) {
    const shell = {
      async run({ commands }) {
        seen(commands);
        return { output: [{ stdout: 'hi there', stderr: '', outcome: { type: 'exit', exitCode: 0 } }] };
      },
    };
    return ask(plain(model, { tools: [shellTool({ shell })] }), 'Go');
  },

  'apply-patch'(model) {
    const write = async ({ type, path, diff }) => {
      seen({ type, path, diff });
      return { status: 'completed', output: 'written' };
    };
    const editor = { createFile: write, updateFile: write, deleteFile: write };
    return ask(plain(model, { tools: [applyPatchTool({ editor })] }), 'Go');
  },

  async handoff(model) {
    const italian = plain(model, { name: 'Italian' });
    return ask(Agent.create({ name: 'Desk', instructions, model, handoffs: [italian] }), 'Ciao');
  },
});
