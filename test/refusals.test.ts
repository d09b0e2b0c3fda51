import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorWords } from '../handler/backend/server/error-words.ts';
import { failureInStream, failureOf } from '../handler/backend/server/failure.ts';
import { refusalRows } from '../handler/backend/server/refusals.ts';
import type { ApiError } from '../handler/errors.ts';

type Sample = [status: number, body: unknown, kind: string];

const nested = (message: string, more: object = {}) => ({ error: { message, ...more } });
const code = (of: string, message = 'm') => nested(message, { code: of });

/** What servers send, in their own wrappings: one for each row of the table, and the variants of one row. */
const samples: Sample[] = [
  [429, nested('You exceeded your current quota', { type: 'insufficient_quota', code: null }), 'quota'],
  [
    400,
    { type: 'error', error: { type: 'invalid_request_error', message: 'Your credit balance is too low to' } },
    'quota',
  ],
  [402, { type: 'error', error: { type: 'billing_error', message: 'pay' } }, 'quota'],
  [400, nested('Insufficient Balance', { type: 'unknown_error', code: 'invalid_request_error' }), 'quota'],
  [429, code('1113', 'Please recharge.'), 'quota'],
  [429, code('1113', '余额不足或无可用资源包,请充值。'), 'quota'],
  [403, nested('Your account is not active', { type: 'exceeded_current_quota_error' }), 'quota'],
  [429, nested('Your account org-1 <ak-2> is suspended due to insufficient balance, please'), 'quota'],
  [402, nested('This request requires more credits, or fewer max_tokens.', { code: 402 }), 'quota'],
  [
    402,
    { error: { error: { message: 'More credits are required to run this request.', code: 402 }, code: 402 } },
    'quota',
  ],
  [429, { error: 'Your team 1 has either used all available credits or reached its monthly spending limit.' }, 'quota'],
  [403, { code: '***', error: 'You have run out of credits or need a Grok subscription.' }, 'quota'],
  [400, nested('Access denied, please make sure your account is in good standing.', { code: 'Arrearage' }), 'quota'],
  [402, code('quota_exceeded', 'You have no quota'), 'quota'],
  [400, nested('Budget has been exceeded! Current cost: 2, Max budget: 1', { type: 'auth_error', code: 400 }), 'quota'],
  [401, code('invalid_api_key', 'Incorrect API key provided: sk-1***2.'), 'server'],
  [400, { code: 'Client specified an invalid argument', error: 'Incorrect API key provided: na***ys.' }, 'server'],
  [400, { error: 'Incorrect%20API%20key%20provided:%20ba***na.' }, 'server'],
  [
    400,
    [{ error: { code: 400, message: 'm', status: 'INVALID_ARGUMENT', details: [{ reason: 'API_KEY_INVALID' }] } }],
    'server',
  ],
  [400, { code: 'InvalidApiKey', message: 'Invalid API-key provided.', request_id: 'r' }, 'server'],
  [400, nested('litellm.AuthenticationError: AuthenticationError: OpenAIException - no'), 'server'],
  [
    413,
    nested('Request too large for model `x` on tokens per minute (TPM): Limit 6000', {
      type: 'tokens',
      code: 'rate_limit_exceeded',
    }),
    'rate_limit',
  ],
  [400, nested('slow', { type: 'rate_limit_error' }), 'rate_limit'],
  [400, nested('slow', { type: 'rate_limit_reached_error' }), 'rate_limit'],
  [400, nested('slow', { status: 'RESOURCE_EXHAUSTED' }), 'rate_limit'],
  [400, { message: 'Too many tokens, please wait before trying again.' }, 'rate_limit'],
  [400, { message: 'Service tier capacity exceeded for this model.' }, 'rate_limit'],
  [400, { code: 'Throttling.RateQuota', message: 'Requests rate limit exceeded', request_id: 'r' }, 'rate_limit'],
  [400, nested('litellm.RateLimitError: no'), 'rate_limit'],
  [400, code('context_length_exceeded'), 'context_length'],
  [400, { object: 'error', message: "This model's maximum context length is 16384 tokens." }, 'context_length'],
  [400, nested('Your input exceeds the context window of this model.'), 'context_length'],
  [400, nested('max_tokens=9 cannot be greater than max_model_len=8'), 'context_length'],
  [
    400,
    { object: 'error', message: "The input (9 tokens) is longer than the model's context length (8 tokens)." },
    'context_length',
  ],
  [
    400,
    { message: 'Input length (160062 tokens) exceeds the maximum allowed length (59862 tokens).' },
    'context_length',
  ],
  [
    500,
    nested('the request exceeds the available context size.', { type: 'exceed_context_size_error' }),
    'context_length',
  ],
  [500, nested('Context size has been exceeded.', { type: 'server_error', code: 500 }), 'context_length'],
  [500, { detail: 'Requested tokens (2285) exceed context window of 2048' }, 'context_length'],
  [400, { error: 'Trying to keep the first 9 tokens when context the overflows. However' }, 'context_length'],
  [400, { error: 'tokens to keep from the initial prompt is greater than the context length' }, 'context_length'],
  [400, { error: 'Cannot truncate prompt with n_keep (15028) >= n_ctx (7424)' }, 'context_length'],
  [400, { error: 'Reached context length of 4096 tokens with model' }, 'context_length'],
  [400, { StatusCode: 400, error: 'prompt too long; exceeded max context length by 4 tokens' }, 'context_length'],
  [
    422,
    { error: 'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 1512.', error_type: 'validation' },
    'context_length',
  ],
  [422, { error: '`inputs` must have less than 1024 tokens. Given: 1872' }, 'context_length'],
  [400, nested('Prompt exceeds maximum context length'), 'context_length'],
  [
    400,
    nested(
      "You passed 9 input tokens and requested 1 output tokens. However, the model's context length is only 8 tokens",
    ),
    'context_length',
  ],
  [400, nested('Prompt length (200) exceeds maximum input length (100).'), 'context_length'],
  [400, nested('litellm.ContextWindowExceededError: OpenAIException - too big', { code: '400' }), 'context_length'],
  [400, nested('prompt is too long: 213462 tokens > 200000 maximum'), 'context_length'],
  [400, nested('input length and `max_tokens` exceed context limit: 1 + 2 > 2'), 'context_length'],
  [400, [nested('The input token count (9) exceeds the maximum number of tokens allowed (8).')], 'context_length'],
  [
    400,
    { code: 'c', error: "This model's maximum prompt length is 131072 but the request contains 5." },
    'context_length',
  ],
  [400, { message: 'Prompt contains 9 tokens, too large for model with 8 maximum context length' }, 'context_length'],
  [400, nested('Please reduce the length of the messages or completion.'), 'context_length'],
  [400, { message: 'Current length is 9 while limit is 8' }, 'context_length'],
  [413, '', 'context_length'],
  [400, nested('Invalid request: Your request exceeded model token limit: 8 (requested: 9)'), 'context_length'],
  [400, code('1261', 'Prompt exceeds max length'), 'context_length'],
  [400, nested('model_context_window_exceeded'), 'context_length'],
  [400, nested('InternalError.Algo.InvalidParameter: Range of input length should be [1, 9]'), 'context_length'],
  [400, { message: 'Input is too long for requested model.' }, 'context_length'],
  [400, code('model_max_prompt_tokens_exceeded', 'prompt token count of 9 exceeds the limit of 8'), 'context_length'],
  [400, nested('invalid params, context window exceeds limit'), 'context_length'],
  [400, nested('Input length 9 exceeds the maximum allowed input length of 8 tokens.'), 'context_length'],
  [400, nested('Input tokens exceed the configured limit of 272000 tokens.'), 'context_length'],
  [400, nested('too many tokens in your prompt'), 'context_length'],
  [400, { message: 'Too many input tokens. Max input tokens: 8, request input token count: 9' }, 'context_length'],
  [400, nested('Prompt too long: 9 tokens exceeds max context window of 8 tokens'), 'context_length'],
  [
    404,
    { object: 'error', message: 'The model `x` does not exist.', type: 'NotFoundError', code: 404 },
    'model_not_found',
  ],
  [
    404,
    { code: 'Some requested entity was not found', error: 'The model x does not exist or your team' },
    'model_not_found',
  ],
  [400, nested('Invalid model identifier "x".', { code: 'model_not_found' }), 'model_not_found'],
  [404, { error: 'model "x" not found, try pulling it first' }, 'model_not_found'],
  [400, nested("model 'nope' not found", { code: 400, type: 'invalid_request_error' }), 'model_not_found'],
  [400, { error: 'No models loaded. Please load a model in the developer page' }, 'model_not_found'],
  [404, { type: 'error', error: { type: 'not_found_error', message: 'model: claude-99' } }, 'model_not_found'],
  [404, [nested('models/x is not found for API version v1main, or is not supported')], 'model_not_found'],
  [400, { object: 'error', message: 'Invalid model: x', type: 'invalid_model', code: '1500' }, 'model_not_found'],
  [400, code('model_decommissioned', 'The model `x` has been decommissioned'), 'model_not_found'],
  [400, nested('Model Not Exist', { code: 'invalid_request_error' }), 'model_not_found'],
  [400, { message: 'Model qwen3-max not exist.' }, 'model_not_found'],
  [404, nested('Not found the model x or Permission denied', { type: 'resource_not_found_error' }), 'model_not_found'],
  [400, code('1211', '[1211][模型不存在，请检查模型代码。]'), 'model_not_found'],
  [400, { message: 'The provided model identifier is invalid.' }, 'model_not_found'],
  [404, { message: 'Could not resolve the foundation model from the provided model identifier.' }, 'model_not_found'],
  [400, code('model_not_available', 'Unable to access non-serverless model x/y. Please visit'), 'model_not_found'],
  [400, code('model_not_supported', 'The requested model is not supported.'), 'model_not_found'],
  [400, nested('x/y is not a valid model ID', { code: 400 }), 'model_not_found'],
  [404, nested('No endpoints found for x/y:free.', { code: 404 }), 'model_not_found'],
  [404, code('DeploymentNotFound', 'The API deployment for this resource does not exist.'), 'model_not_found'],
  [
    400,
    { error: { message: { error: '/chat/completions: Invalid model name passed in model=x.' }, code: '400' } },
    'model_not_found',
  ],
  [404, { error: 'could not find suitable inference handler for x' }, 'model_not_found'],
  [400, nested('Unknown model: x'), 'model_not_found'],
  [500, nested('image input is not supported - hint: if this is unexpected'), 'model_refused'],
];

/** Wrappings in which gateways pass on another server's error. */
const wrappings: Record<string, (error: unknown) => unknown> = {
  'as it is': (error) => error,
  'in a list': (error) => [error],
  'as detail': (error) => ({ detail: error }),
  'as JSON in a text': (error) => ({ error: { message: JSON.stringify(error), type: null } }),
  'as raw metadata': (error) => ({
    error: { message: 'Provider returned error', metadata: { raw: JSON.stringify(error) } },
  }),
  'behind a field of the gateway': (error) => ({ request_id: 'r', user_id: 'u', error }),
};

test('each row of the table has a public source and a sample, and no sample is of another kind', async () => {
  const missing = refusalRows.filter(
    ({ kind, pattern }) =>
      !samples.some(
        ([, body, found]) =>
          found === (kind === 'credentials' ? 'server' : kind) && pattern.test(errorWords(JSON.stringify(body)).gist),
      ),
  );
  assert.deepEqual(
    missing.map(({ servers, pattern }) => `${servers}: ${pattern}`),
    [],
  );
  for (const { source } of refusalRows)
    assert.match(source, /^https:\/\/github\.com\/[\w.-]+\/[\w.-]+\/(issues|pull|blob)\//);
  for (const [status, body, kind] of samples) {
    for (const [how, wrap] of Object.entries(wrappings)) {
      if (body === '') continue;
      assert.equal((await refusal(status, wrap(body))).kind, kind, `${how}: ${JSON.stringify(body)}`);
    }
    assert.equal((await refusal(status, body)).kind, kind, JSON.stringify(body));
  }
});

test('an error inside a stream is told by the same words, whatever it has for a status', () => {
  for (const [, body, kind] of samples) {
    if (body === '') continue;
    assert.equal(failureInStream(body).kind, kind, JSON.stringify(body));
  }
});

test('a pause that a server names in words is as good as its header', async () => {
  const pauses: [body: unknown, seconds: string][] = [
    [nested('Rate limit reached. Please try again in 4.77s. Need more tokens?'), '5'],
    [nested('Please try again in 9m38.016s.'), '579'],
    [nested('Please try again in 120ms.'), '1'],
    [nested('Please retry in 34.07s.'), '35'],
    [nested('reached max request: 3, please try again after 1 seconds'), '1'],
    [[{ error: { code: 429, message: 'm', details: [{ '@type': 'RetryInfo', retryDelay: '26s' }] } }], '26'],
    [nested('Slow down.'), '1'],
  ];
  for (const [body, seconds] of pauses) {
    assert.equal((await refusal(429, body)).headers['retry-after'], seconds, JSON.stringify(body));
  }
  assert.match((await refusal(429, nested('Please try again in 7s.'))).message, /Please try again in 7s\.$/);
  assert.equal((await refusal(429, nested('m'))).headers['x-should-retry'], undefined);
  assert.equal((await refusal(429, nested('Request too large for gpt-4o'))).headers['x-should-retry'], 'false');
});

test('a refusal names the client’s own field, and only that', async () => {
  const rows: [status: number, body: unknown, param: string | null, reason: string | null][] = [
    [400, nested('no', { param: 'temperature', code: 'unsupported_value' }), 'temperature', 'unsupported_value'],
    [
      400,
      nested('no', { param: 'max_tokens', code: 'unsupported_parameter' }),
      'max_output_tokens',
      'unsupported_parameter',
    ],
    [400, nested('no', { param: 'messages[3].content', code: 'invalid_value' }), 'input', 'invalid_value'],
    [
      400,
      nested('no', { param: 'response_format', code: 'invalid_json_schema' }),
      'text.format',
      'invalid_json_schema',
    ],
    [
      400,
      nested('no', { param: 'tools[0].function.parameters', code: 'invalid_function_parameters' }),
      'tools',
      'invalid_function_parameters',
    ],
    [422, { detail: [{ type: 'less_than', loc: ['body', 'top_p'], msg: 'no' }] }, 'top_p', null],
    [
      400,
      nested("Unsupported parameter: 'reasoning_effort' is not supported with this model."),
      'reasoning.effort',
      null,
    ],
    [400, nested('max_tokens must be at least 1, got 0.'), 'max_output_tokens', null],
    [400, nested('SECRET of the request', { code: 'SECRET' }), null, null],
    [400, 'plain words', null, null],
    [422, '', null, null],
  ];
  for (const [status, body, param, reason] of rows) {
    const failure = await refusal(status, body);
    assert.deepEqual(
      [failure.kind, failure.param, failure.reason],
      ['model_refused', param, reason],
      JSON.stringify(body),
    );
    assert.equal(failure.headers['x-should-retry'], 'false');
    assert.doesNotMatch(failure.message, /SECRET|no\b/);
  }
});

test('what is no refusal of the client’s request stays a failure of the server', async () => {
  const rows: [status: number, body: unknown][] = [
    [400, '<html><body>The plain HTTP request was sent to HTTPS port</body></html>'],
    [400, nested('no', { param: 'stream_options' })],
    [404, nested('Not Found')],
    [405, nested('no')],
    [500, nested("the model 'x' was not found in its worker")],
    [503, nested('no')],
  ];
  for (const [status, body] of rows) assert.equal((await refusal(status, body)).kind, 'server', JSON.stringify(body));
});

async function refusal(status: number, body: unknown): Promise<ApiError> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  async function* bytes() {
    yield new TextEncoder().encode(text);
  }
  return failureOf({ status, header: () => null, body: bytes() });
}
