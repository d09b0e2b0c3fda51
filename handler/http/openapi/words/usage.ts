/** What a member means, and a value that it may have, where a text or a number needs one. */
export type MemberWords = readonly [description: string, example?: unknown];

/** The members of usage, and of its query, with the keys of `memberWords`. */
export const usageWords: Readonly<Record<string, MemberWords>> = {
  'Query.start_time': [
    'Seconds since 1970, in the first day that counts. Default: 30 days before the end.',
    '1798761600',
  ],
  'Query.end_time': ['Seconds since 1970, in the last day that counts, or its end. Default: now.', '1798848000'],
  'Query.group_by': [
    'What is told apart, with commas between: `day`, `user`, `project`, `key`, `model`, `kind`. Default: `day`.',
    'day,model',
  ],
  'UsagePage.data': ['A bucket for each day, if days are told apart, else one.'],
  'data[].start_time': ['When the days of the bucket begin, in seconds since 1970.', 1_798_761_600],
  'data[].end_time': ['When they end.', 1_798_848_000],
  'data[].results': ['What was used in them, for each group.'],
  'results[].user': ['The user whom the credential named; null for none, or if users are not told apart.', 'alice'],
  'results[].project': ['The project that it named; the same.', 'search'],
  'results[].key': ['The id of the key that was shown; the same.', 'k1'],
  'results[].model': ['The model as requests named it; the same.', 'qwen3'],
  'results[].kind': ['What the turns were; the same.'],
  'results[].requests': ['How many turns have ended.', 1],
  'results[].input_tokens': ['Tokens that models read.', 12],
  'results[].cached_input_tokens': ['Of these, tokens that a server had in its cache.', 0],
  'results[].cached_write_input_tokens': ['Of these, tokens that a server wrote to its cache.', 0],
  'results[].output_tokens': ['Tokens that models said.', 3],
  'results[].reasoning_tokens': ['Of these, tokens that they thought with.', 0],
  'results[].total_tokens': ['Both together.', 15],
  'results[].costs': ['What they cost, by the names of the configuration.', { llm_cost: 24 }],
  'UsagePage.last_id': ['Where the page ends, for `after`.', 'WzE3OTg3NjE2MDAwMDAsIiIsIiIsIiIsInF3ZW4zIiwiIl0'],
};
