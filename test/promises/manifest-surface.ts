const TYPES = 'openai 7.57.0 types';
const LIMITS = 'OpenResponses constraints';

/** The promises that every row of the API's surface is there, or answered as docs/not-supported.md says. */
export const surfaceManifest = {
  'surface.parameters': {
    says: 'every parameter is taken, shapes the call, to Chat Completions and to Responses, and comes back with the response',
    source: `${TYPES}: ResponseCreateParams`,
  },
  'surface.values': {
    says: 'every value that a parameter may have is taken and comes back',
    source: `${TYPES}: ResponseCreateParams`,
  },
  'surface.prewarm': { says: 'prompt_cache_options.prewarm is handed on', source: `${TYPES}: PromptCacheOptions` },
  'surface.cache-options': {
    says: 'prompt_cache_options comes back with its defaults, and is 422 where a member is wrong',
    source: `${TYPES}: PromptCacheOptions`,
  },
  'surface.limits': { says: 'values on their bounds are taken, those beyond are 422 and named', source: LIMITS },
  'surface.limits-told': { says: 'bounds that no body can reach stand in the document', source: LIMITS },
  'surface.include': {
    says: 'every value of include is taken; what only hosted tools could add is not there',
    source: `${TYPES}: ResponseIncludable`,
  },
  'surface.include-query': {
    says: 'every value of include is taken wherever something is read, and no other',
    source: `${TYPES}: ItemListParams`,
  },
  'surface.tools': { says: 'tools of every type are echoed, member by member', source: `${TYPES}: Tool` },
  'surface.tools-told': {
    says: 'a model is told of tools of every type, over Chat Completions and over Responses',
    source: `${TYPES}: Tool`,
  },
  'surface.tool-choices': { says: 'every choice of a tool is kept to, and echoed', source: `${TYPES}: ToolChoice` },
  'surface.items-kept': {
    says: 'items of every type, with every member and value, are kept in a conversation as they were sent',
    source: `${TYPES}: ConversationItem`,
  },
  'surface.items-listed': {
    says: 'items of every type, with every member and value, are listed as the input that they were',
    source: `${TYPES}: ResponseItem`,
  },
  'surface.items-heard': {
    says: 'every call and its answer reach the model, over Chat Completions and over Responses',
    source: `${TYPES}: ResponseInputItem`,
  },
  'surface.messages-heard': {
    says: 'what messages, reasoning and calls of server-side tools say reaches the model, whatever the part',
    source: `${TYPES}: ResponseInputItem`,
  },
  'surface.never-listed': {
    says: 'what only the types of lists know is refused in requests, and so never listed',
    source: `${TYPES}: ConversationItem`,
  },
  'surface.answers-are-input': {
    says: "a client's answers and settings are listed as input, and are in no output",
    source: `${TYPES}: ResponseOutputItem`,
  },
  'surface.reasoning-alone': {
    says: 'reasoning that nothing follows is taken, since models other than those of OpenAI do not mind',
    source: 'errors: reasoning without follower (continue#8933)',
  },
  'surface.output-items': {
    says: 'items that a model makes have exactly the members of their types, as they begin and as they are done',
    source: `${TYPES}: ResponseOutputItem`,
  },
  'surface.events': {
    says: 'events have exactly the members of their types, the first time and when a stream is told again',
    source: `${TYPES}: ResponseStreamEvent`,
  },
  'surface.tool-events': {
    says: 'so have the events of server-side tools',
    source: `${TYPES}: ResponseStreamEvent`,
  },
  'surface.events-never': {
    says: 'events, statuses and reasons of what is not supported are never sent',
    source: `${TYPES}: ResponseStreamEvent`,
  },
  'surface.response': {
    says: 'a response has exactly the members of its type, wherever it stands',
    source: `${TYPES}: Response`,
  },
  'surface.left-out': {
    says: 'optional members and values that nothing here makes are left out of replies',
    source: `${TYPES}: Response, ResponseItem`,
  },
  'surface.lists': {
    says: 'lists and conversations have exactly the members of their types',
    source: `${TYPES}: ResponseItemList, ConversationItemList, Conversation`,
  },
  'surface.error-codes': {
    says: "a code that a model's server fails with comes back if the API knows it, and its words stay there",
    source: `${TYPES}: ResponseError`,
  },
  'surface.error-style': {
    says: "with errors: openai every kind of error has OpenAI's own status and code",
    source: 'error semantics',
  },
  'surface.not-supported': {
    says: 'each request for what is not supported gets the answer of docs/not-supported.md, and nothing is called',
    source: 'docs/not-supported.md',
  },
  'surface.not-supported-later': {
    says: 'tools that are refused are refused as well where a client adds them later',
    source: 'docs/not-supported.md',
  },
  'surface.silent': {
    says: 'members of replies for what is not supported are null or absent, as docs/not-supported.md says',
    source: 'docs/not-supported.md',
  },
} as const satisfies Record<string, { says: string; source: string }>;
