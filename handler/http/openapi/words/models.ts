import type { MemberWords } from './usage.ts';

/** What the members of models are. */
export const modelWords: Readonly<Record<string, MemberWords>> = {
  'Model.id': ['The name by which requests ask for it.', 'qwen3'],
  context_window: ['How many tokens it takes in all, where the configuration says it or its servers list it.', 32768],
  input_modalities: ['What it takes, where its servers list that.', ['text', 'image']],
  servers: ['How many servers it has, and how many of them may be asked.', { up: 1, all: 1 }],
  'ModelList.data': [
    'The models.',
    [{ id: 'qwen3', object: 'model', created: 0, owned_by: 'antiphon', servers: { up: 1, all: 1 } }],
  ],
  'ModelList.models': [
    'The same in the form that Codex reads, where the query has its `client_version`.',
    [{ slug: 'qwen3' }],
  ],
  slug: ['The name by which requests ask for it.', 'qwen3'],
};
