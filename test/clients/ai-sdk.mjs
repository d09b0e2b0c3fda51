import { createOpenAI } from '@ai-sdk/openai';
import { generateText, isStepCount, Output, streamText, tool } from 'ai';
import { z } from 'zod';
import { main, released, seen, weather } from './client.mjs';

globalThis.AI_SDK_LOG_WARNINGS = false;

const openai = createOpenAI();
const options = (members) => ({ providerOptions: { openai: members } });
const summed = (more) => options({ forceReasoning: true, reasoningSummary: 'auto', ...more });
const output = Output.object({ schema: z.object({ city: z.string(), people: z.number() }) });
const weatherTool = tool({
  description: 'The weather of a city.',
  inputSchema: z.object({ city: z.string() }),
  execute: weather,
});

/** A question that the tool answers, in as many steps as it takes. */
function withTool(model, more = {}) {
  return {
    model: openai(model),
    prompt: 'Weather?',
    tools: { weather: weatherTool },
    stopWhen: isStepCount(5),
    ...more,
  };
}

async function ask(request) {
  return { text: (await generateText(request)).text };
}

/** A round of a tool that is no function. */
function run(model, tools) {
  return ask({ model: openai(model), prompt: 'Go', tools, stopWhen: isStepCount(5) });
}

/** A stream as it is read; what fails in it is raised by its text. */
async function read(request) {
  const result = streamText({ ...request, onError() {} });
  for await (const part of result.stream) {
    if (part.type === 'text-delta') seen(part.text);
    if (part.type === 'error') throw part.error;
  }
  return { text: await result.text };
}

/** Two turns whose messages the client keeps. */
async function replayed(model, more = {}, generate = generateText) {
  const messages = [{ role: 'user', content: 'A' }];
  const first = await generate({ model: openai(model), messages, ...more });
  messages.push(...first.responseMessages, { role: 'user', content: 'B' });
  const second = await generate({ model: openai(model), messages, ...more });
  return { texts: [first.text, second.text], ...(first.sources.length > 0 && { sources: urlsOf(first) }) };
}

/** What `generateText` gives, of a stream. */
async function streamedText(request) {
  const { text, sources, responseMessages } = streamText(request);
  return { text: await text, sources: await sources, responseMessages: await responseMessages };
}

/** What the client has its user shown as sources. */
const urlsOf = ({ sources }) => sources.map(({ url }) => url);

const webTools = { web_search: openai.tools.webSearch() };
const codeTools = { code_interpreter: openai.tools.codeInterpreter() };
const fileTools = { file_search: openai.tools.fileSearch({ vectorStoreIds: [] }) };
const imageTools = { image_generation: openai.tools.imageGeneration() };

/** Tools of the MCP server that the configuration calls by this label. */
const mcpTools = (label) => ({ mcp: openai.tools.mcp({ serverLabel: label, connectorId: label }) });

/** A call of an MCP tool that is approved, and a turn after that, whose messages the client keeps; or goes on from the response, if it `chains`. */
async function approved(model, more = {}, chains = false) {
  const messages = [{ role: 'user', content: 'A' }];
  const request = { model: openai(model), tools: mcpTools('asks'), ...more };
  const first = await generateText({ ...request, messages });
  const { approvalId } = first.content.find(({ type }) => type === 'tool-approval-request');
  const answer = { type: 'tool-approval-response', approvalId, approved: true, providerExecuted: true };
  const previousResponseId = first.providerMetadata.openai.responseId;
  const news = [...first.responseMessages, { role: 'tool', content: [answer] }];
  if (chains) {
    const { text } = await generateText({ ...request, messages: news, ...options({ previousResponseId }) });
    return { texts: [text] };
  }
  messages.push(...news);
  const second = await generateText({ ...request, messages });
  messages.push(...second.responseMessages, { role: 'user', content: 'B' });
  const third = await generateText({ ...request, messages });
  return { texts: [second.text, third.text] };
}

main({
  text: (model) => ask({ model: openai(model), prompt: 'Hi' }),
  stream: (model) => read({ model: openai(model), prompt: 'Hi' }),

  async 'turns-chain'(model) {
    const first = await generateText({ model: openai(model), prompt: 'A' });
    const { responseId } = first.providerMetadata.openai;
    const next = options({ previousResponseId: responseId });
    const second = await generateText({ model: openai(model), prompt: 'B', ...next });
    return { texts: [first.text, second.text] };
  },

  // The SDK has no call that makes a conversation: its documentation has its user make one with the API.
  async 'turns-conversation'(model) {
    const made = await fetch(`${process.env.OPENAI_BASE_URL}/conversations`, { method: 'POST' });
    const { id } = await made.json();
    const texts = [];
    for (const prompt of ['A', 'B']) {
      const { text } = await generateText({ model: openai(model), prompt, ...options({ conversation: id }) });
      texts.push(text);
    }
    return { texts };
  },

  'turns-replay': (model) => replayed(model),
  'turns-replay-stateless': (model) => replayed(model, options({ store: false })),

  'mcp-replay': (model) => replayed(model, { tools: mcpTools('crm') }),
  'mcp-replay-stateless': (model) => replayed(model, { tools: mcpTools('crm'), ...options({ store: false }) }),
  'web-replay': (model) => replayed(model, { tools: webTools }),
  'web-replay-stateless': (model) => replayed(model, { tools: webTools, ...options({ store: false }) }),
  'web-replay-carried': (model) =>
    replayed(model, { tools: webTools, ...options({ store: false, forceReasoning: true }) }),
  'web-replay-stream': (model) => replayed(model, { tools: webTools }, streamedText),
  'code-replay': (model) => replayed(model, { tools: codeTools }),
  'files-replay': (model) => replayed(model, { tools: fileTools }),
  'image-replay': (model) => replayed(model, { tools: imageTools }),
  'code-replay-stream': (model) => replayed(model, { tools: codeTools }, streamedText),
  'files-replay-stream': (model) => replayed(model, { tools: fileTools }, streamedText),
  'image-replay-stream': (model) => replayed(model, { tools: imageTools }, streamedText),
  'mcp-replay-stream': (model) => replayed(model, { tools: mcpTools('crm') }, streamedText),
  'mcp-approval': (model) => approved(model),
  'mcp-approval-chain': (model) => approved(model, {}, true),
  'mcp-approval-stateless': (model) => approved(model, options({ store: false })),

  tool: (model) => ask(withTool(model)),
  'tool-stateless': (model) => ask(withTool(model, options({ store: false }))),
  'tools-parallel': (model) => ask(withTool(model)),
  reasoning: (model) => ask(withTool(model)),
  'reasoning-encrypted': (model) => ask(withTool(model, options({ store: false, forceReasoning: true }))),

  async 'tool-stream'(model) {
    const result = streamText(withTool(model));
    return { text: await result.text };
  },

  structured: async (model) => ({
    parsed: (await generateText({ model: openai(model), prompt: 'Where?', output })).output,
  }),

  async 'structured-stream'(model) {
    const result = streamText({ model: openai(model), prompt: 'Where?', output });
    for await (const partial of result.partialOutputStream) seen(partial);
    return { parsed: await result.output };
  },

  retry: (model) => ask({ model: openai(model), prompt: 'Hi' }),
  refused: () => ask({ model: openai('nobody-knows'), prompt: 'Hi' }),
  unprocessable: (model) => ask({ model: openai(model), prompt: 'Hi', maxOutputTokens: 1 }),
  'stream-fails': (model) => read({ model: openai(model), prompt: 'Hi' }),

  async abort(model) {
    const leaving = new AbortController();
    const result = streamText({ model: openai(model), prompt: 'Hi', abortSignal: leaving.signal });
    for await (const part of result.stream) {
      if (part.type === 'text-delta') {
        seen(part.text);
        leaving.abort();
      }
    }
    seen('ended');
    await released();
  },

  async 'reasoning-shown'(model) {
    const { text, reasoningText } = await generateText({ model: openai(model), prompt: 'Hi', ...summed() });
    return { text, reasoning: reasoningText };
  },

  async 'reasoning-shown-stream'(model) {
    const result = streamText({ model: openai(model), prompt: 'Hi', ...summed() });
    for await (const part of result.stream) {
      if (part.type === 'reasoning-delta' || part.type === 'text-delta') seen(part.text);
    }
    return { text: await result.text, reasoning: await result.reasoningText };
  },

  'reasoning-summed': (model) => ask(withTool(model, summed())),
  'reasoning-summed-encrypted': (model) => ask(withTool(model, summed({ store: false }))),

  async logprobs(model) {
    const result = await generateText({ model: openai(model), prompt: 'Hi', ...options({ logprobs: 2 }) });
    return { text: result.text, logprobs: result.providerMetadata.openai.logprobs };
  },

  custom(model) {
    const execute = (text) => {
      seen(text);
      return '1 row';
    };
    return run(model, { write: openai.tools.customTool({ description: 'Runs SQL.', execute }) });
  },

  'local-shell'(model) {
    const execute = ({ action }) => {
      seen(action.command);
      return { output: 'hi there' };
    };
    return run(model, { local_shell: openai.tools.localShell({ execute }) });
  },

  shell(model) {
    const execute = ({ action }) => {
      seen(action.commands);
      return { output: [{ stdout: 'hi there', stderr: '', outcome: { type: 'exit', exitCode: 0 } }] };
    };
    return run(model, { shell: openai.tools.shell({ execute }) });
  },

  'apply-patch'(model) {
    const execute = ({ operation }) => {
      seen(operation);
      return { status: 'completed', output: 'written' };
    };
    return run(model, { apply_patch: openai.tools.applyPatch({ execute }) });
  },
});
