import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitIn } from '../handler/backend/server/said-limit.ts';

/** What servers say of an overflow (the sources of these sentences are in refusals.ts), and the limit in it. */
const said: [sentence: string, limit: number | undefined][] = [
  [
    "This model's maximum context length is 4096 tokens. However, you requested 4500 tokens (4000 in the messages)",
    4096,
  ],
  [
    "You passed 5000 input tokens and requested 16 output tokens. However, the model's context length is only 4096",
    4096,
  ],
  ["The input (5000 tokens) is longer than the model's context length (4096 tokens).", 4096],
  ['Input length (160062 tokens) exceeds the maximum allowed length (59862 tokens).', 59862],
  ['max_tokens=9000 cannot be greater than max_model_len=8192', 8192],
  ['request (3033 tokens) exceeds the available context size (1024 tokens), try increasing it', 1024],
  ['Requested tokens (2285) exceed context window of 2048', 2048],
  ['Cannot truncate prompt with n_keep (15028) >= n_ctx (7424)', 7424],
  ['Reached context length of 4096 tokens with model', 4096],
  ['`inputs` tokens + `max_new_tokens` must be <= 1512. Given: 1500 `inputs` tokens and 20 `max_new_tokens`', 1512],
  ['`inputs` must have less than 1024 tokens. Given: 1872', 1024],
  ['prompt is too long: 213462 tokens > 200000 maximum', 200000],
  ['The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).', 1048576],
  ["This model's maximum prompt length is 131072 but the request contains 200000 tokens.", 131072],
  ['Prompt contains 40000 tokens, too large for model with 32768 maximum context length', 32768],
  ['Current length is 9000 while limit is 8192', 8192],
  ['Your request exceeded model token limit: 262144 (requested: 300000)', 262144],
  ['Range of input length should be [1, 30720]', 30720],
  ['prompt token count of 130000 exceeds the limit of 128000', 128000],
  ['Input length 9000 exceeds the maximum allowed input length of 8192 tokens.', 8192],
  ['Input tokens exceed the configured limit of 272,000 tokens.', 272000],
  ['prompt too long; exceeded max context length by 400 tokens', undefined],
  ['Context size has been exceeded.', undefined],
  ['code: 400\nmessage: Input is too long for requested model.', undefined],
];

test('the limit is read from what servers say of an overflow', () => {
  for (const [sentence, limit] of said) assert.equal(limitIn(`message: ${sentence}`), limit, sentence);
});
