const issue = 'issue 6: compaction';

/** Promises of conversations that are summed up. */
export const compactionManifest = {
  'sealed.purpose': {
    says: 'what was sealed as reasoning opens as no compaction, nor the other way round: 400 invalid_encrypted_content',
    source: 'issue 11: what it lets in',
  },
  'sealed.kept': {
    says: 'a conversation takes no item that would be refused in the input of a turn: what cannot be opened, tools that are not known',
    source: 'issue 11: what it lets in',
  },
  'compact.endpoint': {
    says: 'the compact endpoint gives what the user said and one sealed item, and keeps nothing',
    source: 'openai 7.57.0 types: CompactedResponse',
  },
  'compact.input': { says: 'its output is an input: the model reads the summary in place of the rest', source: issue },
  'compact.previous': { says: 'it takes a previous response, and its model', source: issue },
  'compact.hints': { says: 'cache keys and the service tier reach the backend', source: issue },
  'compact.tools': {
    says: 'the tools and the reasoning that Codex sends along reach the backend, and nothing can be called',
    source: 'Codex 0.128.0, as it was seen to ask',
  },
  'compact.wrong': { says: 'without model or input, or with a wrong one, it is refused by name', source: issue },
  'compact.failed': { says: 'a summary that is cut, empty or fails is an error', source: issue },
  'compact.client': { says: 'openai: responses.compact', source: 'openai 7.57.0' },
  'compaction.trigger': {
    says: 'a compaction_trigger at the end makes one compaction item and nothing else, told as it is made',
    source: 'issue 6: both forms that Codex uses',
  },
  'compaction.trigger-place': { says: 'a trigger anywhere else is 422, and so is one of nothing', source: issue },
  'compaction.thinking': {
    says: 'the thinking of a model that sums up is told as compacting, too, so that it is no silence',
    source: issue,
  },
  'compaction.overflow': {
    says: 'of what the model cannot hold the oldest is left out of a summary, but never what was said last',
    source: issue,
  },
  'compaction.endless': { says: 'a summary without an end is cut off, and nothing is compacted', source: issue },
  'compaction.chain': { says: 'a chain is read from its latest compaction on', source: issue },
  'compaction.conversation': { says: 'a conversation is read from its latest compaction on', source: issue },
  'compaction.repeats': {
    says: 'what a client repeats, or refers to, of what was summed up is shown to the model, and kept once',
    source: 'openai 7.57.0 types: ItemReference',
  },
  'compaction.repeats-background': {
    says: 'so it is in the background, where a turn is planned anew',
    source: 'design: State',
  },
  'compaction.deleted': {
    says: 'a conversation whose compaction was deleted is read from its beginning again',
    source: issue,
  },
  'compaction.managed': {
    says: 'context_management compacts what has grown beyond its threshold, and then answers',
    source: 'openai 7.57.0 types: ContextManagement',
  },
  'compaction.below': { says: 'context_management leaves alone what is below its threshold', source: issue },
  'compaction.loop': { says: 'the tool loop goes on after a compaction', source: issue },
  'compaction.background': { says: 'a background turn compacts as any other', source: issue },
  'compaction.messages-api': {
    says: 'a conversation that the assistant ended is summed up on every backend',
    source: 'Codex, which compacts after an answer',
  },
  'compaction.instructions': {
    says: 'system and developer messages stay as they were, in the turn that compacts and in those after it',
    source: issue,
  },
  'compaction.after': {
    says: 'after a compaction turns go on in the background, too, and with tools that are searched for',
    source: issue,
  },
  'compaction.unreadable': {
    says: 'a compaction that was sealed elsewhere or changed is 400 invalid_encrypted_content',
    source: 'design: configuration, secrets',
  },
  'compaction.foreign': {
    says: "what OpenAI has sealed is 422 for a backend that is not OpenAI's",
    source: 'issue 5: What a backend cannot carry',
  },
} as const satisfies Record<string, { says: string; source: string }>;
