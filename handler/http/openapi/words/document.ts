/** The first page: what the API is, and what is true of all of it. */
export const INTRODUCTION = `The OpenAI Responses API, answered by Antiphon in front of any model. OpenAI's SDKs work with it: set their base URL to this
server's \`/v1\`.

Unknown members of a request are ignored, and \`null\` means "not given".

**Errors** have one form, under 1 KiB: \`{"error": {"message", "type", "param", "code"}}\`. \`param\` names the field, the message says what could stand
there instead and which key of the configuration decides. OpenAI's SDKs get OpenAI's own statuses and codes, where those differ; each
operation lists both. The header \`x-should-retry\` says whether trying again may help.`;

/** The groups of operations, in the order of the page. */
export const TAGS: readonly { name: string; description: string }[] = [
  {
    name: 'Responses',
    description: `A response is one turn of the model. It is kept unless \`store\` is false, and later turns can go on from it.

### The order of events

A stream is Server-Sent Events; each has a \`sequence_number\`, from 0 on without a gap.

1. \`response.created\`, \`response.queued\` (in the background), \`response.in_progress\`, each with the whole response so far
2. for each item, one after another: \`response.output_item.added\`; then what it is made of; then \`response.output_item.done\` with the whole item
   - a message: for each part \`response.content_part.added\`, \`response.output_text.delta\` many times, \`response.output_text.done\`, \`response.content_part.done\`
   - reasoning: the same with \`response.reasoning_text.delta\`, and for summaries \`response.reasoning_summary_part.added\`, \`response.reasoning_summary_text.delta\`
   - a call of a function: \`response.function_call_arguments.delta\` many times, \`response.function_call_arguments.done\`
3. exactly one of \`response.completed\`, \`response.incomplete\` and \`response.failed\` with the whole response; before \`response.failed\` an \`error\` event, unless the response was cancelled
4. \`data: [DONE]\`

Lines that begin with \`:\` keep the connection open and mean nothing.`,
  },
  { name: 'Conversations', description: 'A conversation is a list of items to which turns add theirs.' },
  {
    name: 'Messages',
    description: `Anthropic's Messages API, in front of any model: its SDKs and Claude Code work with it. Errors have Anthropic's form there,
\`{"type": "error", "error": {"type", "message"}, "request_id"}\`, and its statuses.`,
  },
  {
    name: 'Other APIs',
    description: "Requests of OpenAI's other APIs are passed on to servers that speak them, with all their members.",
  },
  { name: 'Usage', description: 'What turns have used.' },
  { name: 'Models', description: 'The models that requests may name.' },
  { name: 'Health', description: 'For probes and people.' },
  { name: 'Documents', description: 'This document.' },
];

/** What each object is. */
export const schemaWords: Readonly<Record<string, string>> = {
  CreateRequest: 'The body of a create.',
  InputItem: 'An item of an input.',
  InputMessage: 'A message: by the user, the system, the developer, or the model in an earlier turn.',
  MessagesCreate: 'The body of `POST /v1/messages`.',
  MessagesCount: 'What of it shapes the model call.',
  Message: 'What the model said.',
  MessageEvent: 'An event of its stream. Beside this member each kind has its own.',
  MessagesError: 'The body of every error of the Messages API.',
  Response: 'A response: what was asked for, and what came of it.',
  ResponseEvent: 'An event of a stream. Beside these two members each kind has its own.',
  Error: 'The body of every error.',
  AnyTool: 'A tool, of a kind that the client runs, or that this server knows.',
  ToolChoice: 'A mode, one tool, or a mode for some of them.',
  TextFormat: 'The form of the text.',
};
