import type { MemberWords } from './usage.ts';

/** What this server adds to a call that it ran. */
const run: MemberWords = [
  'The function that the call was to the model, where this server ran it.',
  { name: 'web_search', arguments: '{"query":"Oslo"}', output: 'Found on 2026-01-02.' },
];

/** The members of what hosted tools did. */
export const hostedWords: Readonly<Record<string, MemberWords>> = {
  'InputWebSearchCall.action': ['What was searched or opened.', { type: 'search', query: 'Oslo' }],
  ...Object.fromEntries(
    ['WebSearch', 'FileSearch', 'CodeInterpreter', 'ImageGeneration'].map((name) => [`Input${name}Call.function`, run]),
  ),
};
