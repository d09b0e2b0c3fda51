import { conversationManifest } from './manifest-conversations.ts';

/** The promises of stored state: responses, what goes on from them, and conversations. */
export const stateManifest = {
  ...conversationManifest,
  'stored.json': {
    says: 'GET gives the response that create returned, its parameters included',
    source: 'issue 4: Endpoints',
  },
  'stored.stream': {
    says: 'GET gives the response of the terminal event',
    source: 'edge case 1 (mistral.rs#1946)',
  },
  'stored.incomplete': { says: 'GET gives an incomplete response as it ended', source: 'issue 4: Semantics' },
  'stored.failed': { says: 'GET gives a failed response with its error', source: 'design: State' },
  'stored.items': {
    says: 'reasoning, messages, refusals and calls are stored as they were',
    source: 'design: Two ideas',
  },
  'stored.tool-items': {
    says: 'calls of server-side tools and citations are stored as they were',
    source: 'edge case 13 (smg#160)',
  },
  'stored.any-text': { says: 'NUL, lone surrogates and emoji are stored unchanged', source: 'design: State' },
  'stored.large': {
    says: 'texts of over 600,000 characters are stored unchanged, and go to the model unchanged',
    source: 'design: State',
  },
  'stored.large-body': {
    says: 'instructions and tools that are larger than a row are stored unchanged',
    source: 'design: State',
  },
  'stored.too-large': {
    says: 'a history beyond limits.history is 400 context_length_exceeded before the model is called, by what named it',
    source: 'design: limits',
  },
  'stored.large-pages': {
    says: 'a page of items ends before it passes limits.history, and the next one goes on from there',
    source: 'design: limits',
  },
  'stored.many-items': {
    says: 'an input of a thousand items is stored and goes on in its order',
    source: 'design: State',
  },
  'stored.unknown': { says: 'an unknown response is 404', source: 'issue 4: Endpoints' },
  'stored.odd-ids': {
    says: 'an id that is long, badly encoded or full of odd characters is 404, too',
    source: 'issue 4: Endpoints',
  },
  'stored.no-replay': {
    says: 'GET with stream=true is 400, since the events were not kept',
    source: 'openai 7.57.0 types: ResponseRetrieveParams',
  },
  'stored.include': {
    says: 'GET takes every value of include, and no other',
    source: 'openai 7.57.0 types: ResponseRetrieveParams',
  },
  'stored.not': { says: 'store: false leaves nothing that could be read or deleted', source: 'issue 4: Semantics' },
  'stored.methods': {
    says: 'another method on a path of stored state is 405, and allow names those there are',
    source: 'issue 4: Endpoints',
  },
  'running.stored': {
    says: 'a response can be retrieved from the moment its id is known, in_progress',
    source: 'design: State',
  },
  'running.unstored': { says: 'with store: false it cannot', source: 'issue 4: Semantics' },
  'running.rounds': { says: 'a running response shows the items of the tool rounds so far', source: 'design: State' },
  'left.stored': {
    says: 'a stream that its client has left is kept as cancelled, with the text made so far',
    source: 'edge case 29 (hermes-agent#15392)',
  },
  'left.silent': {
    says: 'a stream that its client has left before the model has spoken is kept as cancelled',
    source: 'edge case 29 (hermes-agent#15392)',
  },
  'left.rounds': {
    says: 'a stream left in a later round keeps the items of the earlier ones',
    source: 'edge case 29 (hermes-agent#15392)',
  },
  'left.unstored': {
    says: 'a stream left with store: false leaves nothing',
    source: 'edge case 29 (hermes-agent#15392)',
  },
  'delete.reply': { says: 'DELETE says what it has deleted', source: 'issue 4: Endpoints' },
  'delete.gone': {
    says: 'a deleted response is 404 to GET, to DELETE and for its input items',
    source: 'issue 4: Endpoints',
  },
  'delete.not-continued': {
    says: 'a deleted response cannot be continued, and reads like one that never was',
    source: 'design: State',
  },
  'delete.built-on': {
    says: 'a response goes on reading what it was built on, deleted since',
    source: 'design: State',
  },
  'delete.sibling': { says: 'deleting a response leaves its parent and its siblings', source: 'design: State' },
  'delete.in-conversation': {
    says: 'what a deleted response gave to a conversation stays in it',
    source: 'design: State',
  },
  'chain.history': {
    says: 'the model gets the input and output of all earlier turns in order, then the new input',
    source: 'edge case 7 (mlx-vlm#1046)',
  },
  'chain.deep': { says: 'a chain of 25 turns reaches the model whole', source: 'design: State' },
  'chain.streamed': { says: 'streamed turns go on from each other as well', source: 'edge case 7 (mlx-vlm#1046)' },
  'chain.at-once': {
    says: 'the id of response.completed can be used while the stream is still open',
    source: 'edge case 2 (lmstudio-bug-tracker#1188)',
  },
  'chain.instructions': {
    says: 'instructions of earlier turns are not carried over',
    source: 'edge case 6 (vllm#37727)',
  },
  'chain.system-items': {
    says: 'system and developer messages of the input are carried over',
    source: 'openai 7.57.0 types: ResponseCreateParams',
  },
  'chain.branches': { says: 'two turns that go on from one do not see each other', source: 'design: State' },
  'chain.concurrent': { says: 'eight turns may go on from one at once', source: 'design: State' },
  'chain.other-model': { says: 'a chain may change its model', source: 'issue 4: Semantics' },
  'chain.reasoning': {
    says: 'reasoning of earlier turns reaches the model in its place',
    source: 'issue 4: Semantics',
  },
  'chain.refusal': { says: 'a refusal of an earlier turn reaches the model', source: 'issue 4: Semantics' },
  'chain.incomplete': { says: 'an incomplete response can be continued', source: 'design: State' },
  'chain.empty': { says: 'a response without output can be continued', source: 'issue 4: Semantics' },
  'chain.images': { says: 'images of earlier turns reach the model again', source: 'issue 4: Semantics' },
  'chain.tool-items': {
    says: "a server-side tool's call of an earlier turn reaches the model with its output",
    source: 'issue 4: Semantics',
  },
  'chain.current-turn': {
    says: 'reasoning of earlier turns is left out where reasoning.context says so',
    source: 'openai 7.57.0 types: Reasoning',
  },
  'chain.no-input': {
    says: 'where there is something to go on from, input may be missing',
    source: 'openai 7.57.0 types: ResponseCreateParams',
  },
  'chain.unstored': {
    says: 'store: false reads the history and leaves nothing',
    source: 'edge case 3 (smg#916)',
  },
  'calls.round-trip': {
    says: 'a function call of the chain needs only its output in the next input',
    source: 'edge case 7 (mlx-vlm#1046)',
  },
  'calls.parallel': {
    says: 'parallel calls of the chain are one assistant message, their outputs one message each',
    source: 'edge case 26 (litellm#18226)',
  },
  'calls.mixed': {
    says: 'a call for the client and one for a server-side tool, made at once, are answered together',
    source: 'edge case 26 (litellm#18226)',
  },
  'calls.unknown': {
    says: 'an output for a call that is nowhere is 400 and names the call id',
    source: 'edge case 23 (codex2api#414)',
  },
  'calls.before-call': {
    says: 'an output that comes before its call is 400',
    source: 'edge case 23 (codex2api#414)',
  },
  'calls.unanswered': {
    says: 'a call without an output is 400 and names the call id',
    source: 'issue 4: Semantics (azure-sdk-for-python#46092)',
  },
  'calls.after-refusal': { says: 'a response can still be continued after a refused turn', source: 'design: State' },
  'calls.ids-reused': {
    says: 'a model may use a call id again in a later turn, and every output reaches it',
    source: 'issue 4: Semantics',
  },
  'calls.ids-reused-unanswered': {
    says: "an earlier turn's output does not answer a later call of the same id",
    source: 'issue 4: Semantics',
  },
  'calls.ids-reused-shell': {
    says: 'outputs of a local shell have ids of their own, though clients name the call by theirs, and it may come twice',
    source: 'openai 7.57.0 types: LocalShellCallOutput',
  },
  'calls.cut': {
    says: 'a cut call of the chain is not sent and asks for no output',
    source: 'edge case 20 (vllm#57998)',
  },
  'replay.id-twice': {
    says: 'two items of one input with the same id are 400; without ids they are not the same',
    source: 'edge case 24 (vercel/ai#15492)',
  },
  'replay.id-elsewhere': {
    says: 'an id of the client may be used again in another chain',
    source: 'edge case 24 (vercel/ai#15492)',
  },
  'replay.by-id': {
    says: 'items of the chain that the input repeats by id reach the model once',
    source: 'edge case 24 (vercel/ai#15492)',
  },
  'replay.call': {
    says: 'a call of the chain that the input repeats, whatever its id, reaches the model once',
    source: 'edge case 24 (vercel/ai#15492)',
  },
  'replay.output': {
    says: 'an output of the chain that the input repeats reaches the model once',
    source: 'edge case 24 (vercel/ai#15492)',
  },
  'replay.same-words': { says: 'a message that says the same again is another message', source: 'issue 4: Semantics' },
  'replay.blank': {
    says: 'items with null ids, statuses and annotations are stored and sent on; empty reasoning is a no-op',
    source: 'edge cases 21, 22 (vllm#54224, llama.cpp#50)',
  },
  'replay.tool-items': {
    says: "a server-side tool's call in the input reaches the model with its output, once",
    source: 'edge case 13 (smg#160)',
  },
  'previous.unknown': {
    says: 'an unknown previous_response_id is 400 previous_response_not_found',
    source: 'edge case 3 (Bamboo-agent#513)',
  },
  'previous.unstored': {
    says: 'a response with store: false cannot be continued',
    source: 'edge case 3 (smg#916)',
  },
  'previous.running': { says: 'a running response cannot be continued until it has ended', source: 'design: State' },
  'previous.failed': { says: 'a failed response cannot be continued', source: 'design: State' },
  'previous.cancelled': { says: 'a cancelled response cannot be continued', source: 'design: State' },
  'previous.type': {
    says: 'a previous_response_id that is no string is 422',
    source: 'openai 7.57.0 types: ResponseCreateParams',
  },
  'previous.with-conversation': {
    says: 'previous_response_id and conversation together are 400',
    source: 'edge case 8 (praxis-proxy/ai#840)',
  },
  'input-items.string': { says: 'a string input is listed as a user message', source: 'issue 4: Endpoints' },
  'input-items.ids': {
    says: "listed items keep the client's ids, and the others have stable ones by type",
    source: 'edge case 27 (praxis-proxy/ai#548)',
  },
  'input-items.content': {
    says: 'listed items are what was sent, contents as parts',
    source: 'openai 7.57.0 types: ResponseItem',
  },
  'input-items.order': {
    says: 'input items are listed newest first unless asked otherwise',
    source: 'openai 7.57.0 types: InputItemListParams',
  },
  'input-items.own': { says: "only the response's own input is listed", source: 'issue 4: Endpoints' },
  'input-items.pages': {
    says: 'pages of any size give every input item once, both ways',
    source: 'edge case 27 (ogx#5723)',
  },
  'input-items.default-page': {
    says: 'a page has 20 items by default; the one after the last is empty',
    source: 'openai 7.57.0 types: CursorPageParams',
  },
  'input-items.bad-query': {
    says: 'a wrong limit, order or after is 422 and names it',
    source: 'openai 7.57.0 types: InputItemListParams',
  },
  'input-items.after-elsewhere': {
    says: 'after may name only an item of the list',
    source: 'openai 7.57.0 types: CursorPageParams',
  },
  'client.stored': { says: 'openai: responses.retrieve and delete', source: 'openai 7.57.0' },
  'client.chain': { says: 'openai: create with previous_response_id, and its error', source: 'openai 7.57.0' },
  'client.input-items': { says: 'openai: inputItems.list walks all pages', source: 'openai 7.57.0' },
  'client.conversations': {
    says: 'openai: conversations.create, retrieve, update and delete',
    source: 'openai 7.57.0',
  },
  'client.conversation-items': {
    says: 'openai: conversations.items.create, list, retrieve and delete',
    source: 'openai 7.57.0',
  },
  'client.conversation-turn': { says: 'openai: create with a conversation', source: 'openai 7.57.0' },
} as const satisfies Record<string, { says: string; source: string }>;
