/** Anthropic's own pages, by their titles. */
const STREAMING = 'Messages API: Streaming messages';
const TOOLS = 'Messages API: Handle tool calls';
const THINKING = 'Messages API: Preserved thinking';
const ERRORS = 'Messages API: Errors';
const DESIGN = 'design: Errors';

/** Promises about models behind Anthropic's Messages API. */
export const messagesManifest = {
  'anthropic.text': {
    says: "a model behind Anthropic's Messages API is asked there, always for a stream, in its version and with its key",
    source: 'Messages API: Create a message',
  },
  'anthropic.stream': {
    says: "its events come in OpenAI's order, with ids and places of our own; pings say nothing",
    source: STREAMING,
  },
  'anthropic.live': { says: 'what it says arrives as it is said', source: STREAMING },
  'anthropic.tool-turns': {
    says: 'its parallel calls are answered by previous_response_id, all in one message',
    source: TOOLS,
  },
  'anthropic.custom-tool': { says: 'tools other than functions are shown to it as functions', source: TOOLS },
  'anthropic.tool-loop': {
    says: "server-side tools work with it, and its thinking goes back with a tool's result",
    source: TOOLS,
  },
  'anthropic.thinking': {
    says: 'its thinking is shown, and goes back to it signed and unchanged, what is redacted as well',
    source: THINKING,
  },
  'anthropic.thinking-carried': {
    says: 'a client that keeps nothing here carries its thinking, of which the sealed content is enough; what others have sealed is left out',
    source: 'openai 7.57.0 types: ResponseIncludable',
  },
  'anthropic.thinking-refused': {
    says: 'a request refused for the thinking in it is sent once more without: clients may change instructions and tools',
    source: THINKING,
  },
  'anthropic.parts': { says: 'images and files go to it by URL and as data', source: 'Messages API: PDF support' },
  'anthropic.format': { says: 'a JSON schema is held', source: 'Messages API: Structured outputs' },
  'anthropic.cache': {
    says: 'what a client wants cached is marked for it, a breakpoint in the text as well',
    source: 'Messages API: Prompt caching',
  },
  'anthropic.unprocessable': { says: 'what it cannot carry is 422 by its name, before it is asked', source: DESIGN },
  'anthropic.incomplete': {
    says: 'an answer that was cut, or that it declined to go on with, is incomplete',
    source: 'Messages API: Stop reasons',
  },
  'anthropic.usage': {
    says: 'tokens read from its cache and written there count as input',
    source: 'Messages API: Prompt caching',
  },
  'anthropic.failure': {
    says: 'its failures are those of any backend, in our words: overflow, unknown model, rate limit, overload',
    source: ERRORS,
  },
  'anthropic.model-refuses': {
    says: 'a parameter that only this model does not take is 422 by its name as well',
    source: ERRORS,
  },
  'anthropic.bound': {
    says: 'a model that says less at once than others is asked for that much, unless the client said how much',
    source: ERRORS,
  },
  'anthropic.stream-error': {
    says: 'an error event in mid-stream fails the response, and trying again may help',
    source: ERRORS,
  },
  'anthropic.broken-off': { says: 'a stream that does not say why the model stopped fails', source: STREAMING },
  'anthropic.leave': { says: 'a client that leaves ends the call', source: 'edge case 29 (hermes-agent#15392)' },
} as const satisfies Record<string, { says: string; source: string }>;
