const TYPES = 'openai 7.57.0 types';
const ISSUE = 'issue 5: Items and tools';

/** Promises about tools that the client runs, and about items beyond messages and functions. */
export const itemsManifest = {
  'input.media': {
    says: 'an image or a file by a URL that is not http, https or data is 422 that names the field, wherever it stands',
    source: 'issue 11: what it lets in',
  },
  'input.media-everywhere': {
    says: 'so it is where items are kept, compacted or counted',
    source: 'issue 11: what it lets in',
  },
  'create.usage-numbers': {
    says: 'whatever a model server gives for tokens, what is told are whole numbers from 0 that are exact',
    source: 'issue 11: what it lets in',
  },
  'custom-tool.call': {
    says: 'a custom tool is called with text, and its output goes back to the model',
    source: ISSUE,
  },
  'custom-tool.cut': { says: 'a custom tool call that was cut is incomplete, with what there is', source: ISSUE },
  'custom-tool.grammar': {
    says: 'a grammar that the backend cannot hold the model to is 422 that names the tool',
    source: ISSUE,
  },
  'custom-tool.grammar-described': {
    says: 'with grammars: describe the model is told of a grammar',
    source: 'issue 5: Real clients (Codex offers tools with grammars)',
  },
  'tools.long-namespace': {
    says: 'functions of a namespace whose names are too long together stay apart, in the history as well',
    source: 'OpenAI: names of functions have at most 64 characters',
  },
  'tools.name-of-type': {
    says: 'a function that is called as a type of tools is not taken for it: both are there, or both are named',
    source: TYPES,
  },
  'tools.namespace': {
    says: 'functions and custom tools of a namespace keep their names for the client',
    source: TYPES,
  },
  'client-tools.round-trip': {
    says: 'local_shell, shell, apply_patch and tool_search go to the client and back, by chain and by replay',
    source: ISSUE,
  },
  'client-tools.computer': {
    says: 'a computer that the client runs is called, and its screenshot shown',
    source: ISSUE,
  },
  'client-tools.shell-events': { says: 'the commands of a shell call have their events', source: TYPES },
  'client-tools.misfit': { says: 'a call whose arguments do not fit the tool fails the turn', source: ISSUE },
  'client-tools.search-adds': { says: 'tools that were found or added later can be called', source: TYPES },
  'client-tools.configuration-update': { says: 'the last configuration_update holds', source: TYPES },
  'tools.dropped': {
    says: 'hosted tools that the configuration names are left out, where others are refused',
    source: 'issue 5: Real clients (Codex offers web_search unasked)',
  },
  'tool-choice.allowed': {
    says: 'a choice among some tools, or of one that is no function, is kept to',
    source: TYPES,
  },
  'tool-search.allowed-later': {
    says: 'a list of allowed tools is kept to among what was found in earlier turns, and where the client searches',
    source: TYPES,
  },
  'tool-choice.namespace': {
    says: 'allowed_tools may name a whole namespace, or a function of one',
    source: TYPES,
  },
  'tool-choice.satisfied': {
    says: 'a call that has to be made is made once, and what may not be called any more is not offered',
    source: TYPES,
  },
  'tool-choice.served': {
    says: "a list of allowed tools that names a server's tool by its type allows its functions",
    source: TYPES,
  },
  'reference.resolved': { says: 'item_reference stands for the stored item', source: ISSUE },
  'reference.unknown': { says: 'a reference to what is not stored is 404', source: 'errors: unstored item id' },
  'reference.conversation': { says: 'a conversation may be made of references', source: TYPES },
  'input.file': {
    says: 'a file as data reaches the model; one by URL is 422 where the backend cannot read it',
    source: ISSUE,
  },
  'input.shown-by-others': {
    says: 'an image or a file in a message that is not the user’s is 422 where the backend cannot read it there, and nothing is called',
    source: 'issue 5: what a backend cannot carry is 422',
  },
  'input.phase': { says: 'the phase of a message is kept', source: ISSUE },
  'reasoning.sealed': {
    says: 'reasoning.encrypted_content is sealed for the client, and read when it comes back',
    source: 'issue 5: Create',
  },
  'reasoning.unreadable': { says: 'sealed content that cannot be opened is 400', source: 'issue 5: Create' },
  'loop.max-tool-calls': { says: 'calls beyond max_tool_calls are not run, and the model is told', source: TYPES },
  'prompt.filled': {
    says: 'a prompt of the configuration is filled in, the newest version unless told',
    source: 'issue 5: Create',
  },
  'prompt.parts': { says: 'a variable may be an image in the place of a part', source: TYPES },
  'prompt.wrong': { says: 'an unknown prompt is 404, wrong variables are 422', source: 'issue 5: Create' },
  'prompt.places': {
    says: "an error names the place in the client's own input, whatever the prompt puts before it",
    source: 'error semantics',
  },
  'truncation.all': {
    says: 'truncation auto counts what else the model reads: tools, and the schema of its answer',
    source: TYPES,
  },
  'truncation.loop': { says: 'truncation auto makes room for what the tool loop adds', source: TYPES },
  'truncation.auto': {
    says: 'truncation auto drops the oldest items, calls with their outputs, and needs a configured context',
    source: 'issue 5: Create',
  },
  'stream.options-alone': { says: 'stream_options without stream: true is 422', source: TYPES },
  'stream.obfuscation': { says: 'deltas are padded for those who ask', source: 'issue 5: Create' },
  'create.logprobs': { says: 'log probabilities come when they are asked for', source: 'issue 5: Create' },
  'tool-search.same-turn': {
    says: 'deferred tools are searched for by the server, and can be called in the same turn',
    source: TYPES,
  },
  'tool-search.later-turns': {
    says: 'what was found can be called in later turns, by chain and by replay',
    source: TYPES,
  },
  'tool-search.words': {
    says: 'tools are found by words of their names and descriptions, namespaces whole',
    source: TYPES,
  },
  'tool-search.again': { says: 'what is found again is offered once', source: TYPES },
  'tool-search.with-calls': { says: 'a search beside calls that the client answers is kept', source: TYPES },
  'tool-search.client': { says: 'a client that searches itself has deferred tools kept from the model', source: TYPES },
  'tool-search.native': { says: 'the search is the same in front of servers that speak Responses', source: TYPES },
  'tool-search.missing': { says: 'a deferred tool that nothing can find is 422 that names it', source: TYPES },
  'tool-search.unfit': {
    says: 'a deferred tool that the backend cannot carry is 422 that names it, before the model is called',
    source: ISSUE,
  },
  'tool-search.allowed': {
    says: 'of deferred tools only those can be found that a list of allowed tools names, or all if it names tool_search',
    source: TYPES,
  },
  'items.members-kept': {
    says: 'cache breakpoints, citations, log probabilities, callers and the like are kept and listed',
    source: TYPES,
  },
  'items.members-null': { says: 'null stands for each of them that is not given', source: 'edge case 21' },
  'items.foreign-servers': {
    says: "servers other than OpenAI's are not sent what only those know",
    source: 'edge case: servers refuse unknown members',
  },
  'tools.members-echoed': { says: 'a tool is echoed with all its members', source: TYPES },
  'tools.programmatic': {
    says: 'tools for programs, and calls by them, are 422: there is no programmatic tool calling',
    source: TYPES,
  },
  'tools.async': {
    says: 'an asynchronous tool is 422 where the model would wait for its output',
    source: TYPES,
  },
  'input.file-id': { says: 'a file by its id is 422 that names the id', source: ISSUE },
  'reasoning.mode': { says: 'reasoning.mode pro is handed on where the server has it, else 422', source: TYPES },
  'validation.hosted': {
    says: 'items, tools and choices of what OpenAI hosts are 422 that says that they are not supported',
    source: ISSUE,
  },
  'validation.added-tools': { says: 'a wrong tool inside an item is named by its place', source: ISSUE },
  'validation.inherited-names': {
    says: 'names that every object has are refused where the client names its own, never dropped',
    source: 'errors: nothing is accepted and ignored',
  },
  'pages.limit-digits': { says: 'limit is written in digits', source: 'issue 4: State' },
  'openapi.idempotency-key': { says: 'the document names the Idempotency-Key', source: 'issue 4: State' },
} as const satisfies Record<string, { says: string; source: string }>;
