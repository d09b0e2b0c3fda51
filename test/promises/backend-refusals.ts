import assert from 'node:assert/strict';
import { type Door, post } from '../support/doors/door.ts';
import { heads, late, replies, type Script, says } from '../support/model/scripted.ts';
import { fails, type Refusal, refuses, stream } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';

/** The same model server behind each of the protocols. */
const protocols: Record<string, (door: Door, script: Script) => string> = {
  chat: (door, script) => door.model.script(script),
  responses: (door, script) => door.model.native(script),
  anthropic: (door, script) => door.model.anthropic(script),
};

const tooLong = { status: 400, code: 'context_length_exceeded', param: 'input' };
const noModel = { status: 404, code: 'model_not_found', param: 'model' };
const noMoney = { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' };

const nested = (message: string, more: object = {}) => ({ error: { message, ...more } });

/** Refusals as seven servers word and wrap them. */
const worded: [who: string, status: number, body: object, expected: Refusal][] = [
  ['Bedrock', 400, { message: 'Input is too long for requested model.' }, tooLong],
  [
    'Gemini',
    400,
    [
      nested('The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).', {
        code: 400,
        status: 'INVALID_ARGUMENT',
      }),
    ],
    tooLong,
  ],
  [
    'Kimi',
    400,
    nested('Invalid request: Your request exceeded model token limit: 262144 (requested: 300000)', {
      type: 'invalid_request_error',
    }),
    tooLong,
  ],
  [
    'LiteLLM',
    400,
    nested(
      'litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - too big',
      { type: null, param: null, code: '400' },
    ),
    tooLong,
  ],
  [
    'xAI',
    400,
    {
      code: 'Client specified an invalid argument',
      error: "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    },
    tooLong,
  ],
  [
    'DeepSeek',
    400,
    nested('Model Not Exist', { type: 'invalid_request_error', param: null, code: 'invalid_request_error' }),
    noModel,
  ],
  ['OpenRouter', 400, nested('foo/bar is not a valid model ID', { code: 400 }), noModel],
  ['DeepSeek, broke', 402, nested('Insufficient Balance', { code: 'invalid_request_error' }), noMoney],
  ['OpenAI, broke', 429, nested('m', { type: 'insufficient_quota', code: 'insufficient_quota' }), noMoney],
];

promise(
  'backend.words',
  {
    says: 'an overflow, an unknown model and a spent quota are known by the words of each server, on every backend',
    source: 'docs/errors.md',
  },
  async (door) => {
    for (const [who, status, body, expected] of worded) {
      for (const [protocol, model] of Object.entries(protocols)) {
        const name = model(door, replies(status, body));
        const reply = await post(door, { model: name, input: 'Hi' });
        assert.equal(reply.headers.get('x-should-retry'), 'false', `${who}, ${protocol}`);
        await refuses(reply, expected);
      }
    }
    // A stream that has begun says it in its events.
    const begun = worded.map(async ([who, status, body, expected]) => {
      const { streamed } = await fails(door, late(replies(status, body)), expected);
      const code = String(streamed.final.error?.code);
      assert.equal(code, expected === noModel ? 'server_error' : expected.code, who);
    });
    await Promise.all(begun);
  },
);

promise(
  'backend.refused',
  {
    says: "a backend's refusal of what the client sent is 400, with the client's own field and OpenAI's code where it has them",
    source: 'docs/errors.md',
  },
  async (door) => {
    const cases: [status: number, error: object, param: string | null, code: string | null][] = [
      [400, { param: 'temperature', code: 'unsupported_value' }, 'temperature', 'unsupported_value'],
      [400, { param: 'max_tokens', code: 'integer_above_max_value' }, 'max_output_tokens', 'integer_above_max_value'],
      [422, { param: 'messages[0].content', code: 'SECRET' }, 'input', null],
      [400, {}, null, null],
    ];
    for (const [status, more, param, code] of cases) {
      for (const [protocol, model] of Object.entries(protocols)) {
        const name = model(door, replies(status, nested('SECRET of the backend', more)));
        const reply = await post(door, { model: name, input: 'Hi' });
        assert.equal(reply.headers.get('x-should-retry'), 'false', protocol);
        assert.doesNotMatch(await refuses(reply, { status: 400, code, param }), /SECRET/);
        const streamed = await post(door, { model: name, input: 'Hi', stream: true });
        assert.doesNotMatch(await refuses(streamed, { status: 400, code, param }), /SECRET/);
      }
    }
    const { final } = await stream(door, { model: door.model.script(late(replies(400, nested('m', {})))) });
    assert.equal(final.error?.code, 'invalid_prompt');
    const ours = door.model.script(replies(400, nested('m', { param: 'stream_options' })));
    await refuses(await post(door, { model: ours, input: 'Hi' }), { status: 500, code: 500 });
  },
);

promise(
  'backend.rate-limits',
  {
    says: "what a model's server says of its rate limits reaches the client, in OpenAI's headers",
    source:
      'https://developers.openai.com/api/docs/guides/rate-limits, https://platform.claude.com/docs/en/api/rate-limits',
  },
  async (door) => {
    const openai = {
      'x-ratelimit-remaining-tokens': '149984',
      'x-ratelimit-reset-requests': '1m30.5s',
      'x-other': 'a',
    };
    const anthropic = {
      'anthropic-ratelimit-tokens-remaining': '7',
      'anthropic-ratelimit-requests-reset': new Date(Date.now() + 3_600_000).toISOString(),
    };
    const body = { model: door.model.script(heads(openai, says('Hi'))), input: 'Hi' };
    const limited = { model: door.model.script(replies(429, nested('m'), openai)), input: 'Hi' };
    for (const stream of [false, true]) {
      for (const asked of [body, limited]) {
        const reply = await post(door, { ...asked, stream });
        const { headers } = reply;
        assert.equal(headers.get('x-ratelimit-remaining-tokens'), '149984');
        assert.equal(headers.get('x-ratelimit-reset-requests'), '1m30.5s');
        assert.equal(headers.get('x-other'), null);
        assert.equal(headers.get('x-ratelimit-limit-tokens'), null);
        await reply.body?.cancel();
      }
    }
    const claude = { model: door.model.anthropic(replies(429, nested('m'), anthropic)), input: 'Hi' };
    const { headers } = await post(door, claude);
    assert.equal(headers.get('x-ratelimit-remaining-tokens'), '7');
    assert.match(headers.get('x-ratelimit-reset-requests') ?? '', /^3[56]\d\ds$/);
  },
  NEEDS_HEADERS,
);
