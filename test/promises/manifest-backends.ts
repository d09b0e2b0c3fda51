const ISSUE = 'issue 5: Backend responses';
const CLIENTS = 'clients: the AI SDK, LangChain and Codex read summaries only';
const RECORDINGS = 'recordings: vLLM, llama.cpp, Ollama';

/** Promises about what model servers say: how reasoning is told, and those that speak the Responses API themselves. */
export const backendsManifest = {
  'reasoning.summary': {
    says: 'raw reasoning is told as a summary to those who ask for one, in a stream as in JSON',
    source: CLIENTS,
  },
  'reasoning.summary-order': {
    says: "a summary's events come in OpenAI's order, each reasoning a part of its own item",
    source: 'openai 7.57.0 types: ResponseReasoningSummary*Event',
  },
  'reasoning.raw': { says: 'reasoning is told raw to those who ask for no summary', source: CLIENTS },
  'reasoning.replayed': {
    says: 'reasoning that comes back goes to the model, told raw or as a summary',
    source: CLIENTS,
  },
  'reasoning.summary-stored': {
    says: 'a summary is kept, and reaches the model again with what follows the response',
    source: CLIENTS,
  },
  'reasoning.summary-sealed': {
    says: 'what is told as a summary is sealed too, and read once when both come back',
    source: CLIENTS,
  },
  'native.text': {
    says: 'a server that speaks the Responses API is asked there, always for a stream, and never for state',
    source: ISSUE,
  },
  'native.stream': { says: "its events come in OpenAI's order, with ids and places of our own", source: ISSUE },
  'native.live': { says: 'what it says arrives as it is said', source: ISSUE },
  'native.tool-turns': {
    says: 'a function call of its model is answered by previous_response_id, which the server never sees',
    source: ISSUE,
  },
  'native.reasoning': { says: 'its reasoning and the summaries of it are shown, and go back to it', source: ISSUE },
  'native.reasoning-summary': {
    says: 'its raw reasoning is told as a summary to those who ask for one, unless it gives one itself',
    source: CLIENTS,
  },
  'native.members': {
    says: 'the phase of its messages, and whether a call is asynchronous and who made it, come with the items',
    source: 'openai 7.57.0 types: ResponseOutputItem',
  },
  'native.citations': {
    says: 'what its texts cite is told as it comes and in the text, in the members that the API knows',
    source: 'openai 7.57.0 types: ResponseOutputTextAnnotationAddedEvent',
  },
  'chat.citations': {
    says: 'what a model of Chat Completions cites is told as Responses has it',
    source: 'openai 7.57.0 types: ChatCompletionMessage.Annotation',
  },
  'reasoning.summary-cut': {
    says: 'a part of a summary that was cut says so, and so does the stream that is told again',
    source: 'openai 7.57.0 types: ResponseReasoningSummaryPartDoneEvent',
  },
  'reasoning.context': {
    says: 'the context that was used comes back: all turns, unless the current one alone was asked for',
    source: 'openai 7.57.0 types: Reasoning.context',
  },
  'native.custom-tool': {
    says: "OpenAI's own server is told of tools other than functions as they are",
    source: ISSUE,
  },
  'native.functions': {
    says: 'other servers are told of every tool as a function, and its calls are turned back',
    source: RECORDINGS,
  },
  'native.shown': {
    says: 'images that tools returned follow all the answers, as the user shows them: not all servers take them from tools',
    source: ISSUE,
  },
  'native.unprocessable': {
    says: 'what not all of them can carry is 422 by its name, before a model is called',
    source: ISSUE,
  },
  'native.incomplete': {
    says: 'an answer that was cut is incomplete though the server says completed',
    source: RECORDINGS,
  },
  'native.failure': { says: 'a response that it says has failed is our failure, in our words', source: ISSUE },
  'native.broken-off': { says: 'a stream without a terminal event fails', source: ISSUE },
  'native.leave': { says: 'a client that leaves ends the call', source: ISSUE },
} as const satisfies Record<string, { says: string; source: string }>;
