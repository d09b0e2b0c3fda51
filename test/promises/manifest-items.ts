const TYPES = 'openai 7.57.0 types';
const ISSUE = 'issue 5: Items and tools';

/** Promises about tools that the client runs, and about items beyond messages and functions. */
export const itemsManifest = {
  'custom-tool.call': {
    says: 'a custom tool is called with text, and its output goes back to the model',
    source: ISSUE,
  },
  'custom-tool.cut': { says: 'a custom tool call that was cut is incomplete, with what there is', source: ISSUE },
  'custom-tool.grammar': { says: 'a grammar that the backend cannot hold the model to is 422', source: ISSUE },
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
  'reference.resolved': { says: 'item_reference stands for the stored item', source: ISSUE },
  'reference.unknown': { says: 'a reference to what is not stored is 404', source: 'errors: unstored item id' },
  'reference.conversation': { says: 'a conversation may be made of references', source: TYPES },
  'input.file': {
    says: 'a file as data reaches the model; one by URL is 422 where the backend cannot read it',
    source: ISSUE,
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
  'truncation.auto': {
    says: 'truncation auto drops the oldest items, calls with their outputs, and needs a configured context',
    source: 'issue 5: Create',
  },
  'stream.obfuscation': { says: 'deltas are padded for those who ask', source: 'issue 5: Create' },
  'create.logprobs': { says: 'log probabilities come when they are asked for', source: 'issue 5: Create' },
} as const satisfies Record<string, { says: string; source: string }>;
