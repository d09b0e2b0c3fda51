import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { messagesRecordings as recordings } from '../support/recorded.ts';
import { recordedBackend } from '../support/recorded-backend.ts';

const { ask, recorded } = recordedBackend('anthropic', recordings);

describe('errors of /v1/messages', () => {
  /** Status, code and field of the error reply, and whether it says that a retry is useless. */
  const errors: Record<string, [status: number, code: number | string | null, param: string | null, vain: boolean]> = {
    'llama.cpp/err-overflow': [400, 'context_length_exceeded', 'input', true],
    'llama.cpp/err-image': [400, null, null, true],
    'made/err-overflow': [400, 'context_length_exceeded', 'input', true],
    'made/err-overflow-with-output': [400, 'context_length_exceeded', 'input', true],
    'made/err-model': [404, 'model_not_found', 'model', true],
    'made/err-path': [500, 500, null, true],
    'made/err-key': [500, 500, null, true],
    'made/err-permission': [500, 500, null, true],
    'made/err-billing': [429, 'insufficient_quota', null, true],
    'made/err-too-large': [413, 'request_too_large', null, true],
    'made/err-rate-limit': [429, 'rate_limit_exceeded', null, false],
    'made/err-overloaded': [500, 500, null, false],
    'made/err-api': [500, 500, null, false],
    'made/err-temperature': [400, null, 'temperature', true],
    'made/err-max-tokens': [400, null, 'max_output_tokens', true],
    'made/err-thinking-disabled': [400, null, 'reasoning.effort', true],
  };

  test('each one has its expectation', () => {
    const names = [...recordings].filter(([, { isStream }]) => !isStream).map(([name]) => name);
    assert.deepEqual(
      names.sort(),
      Object.keys(errors)
        .map((name) => `anthropic/${name}`)
        .sort(),
    );
  });

  for (const [short, [status, code, param, vain]] of Object.entries(errors)) {
    test(short, async () => {
      const name = `anthropic/${short}`;
      const whole = await ask(name);
      assert.equal(whole.status, status);
      assert.equal(whole.headers.get('x-should-retry'), vain ? 'false' : null);
      assert.equal(whole.headers.get('retry-after'), code === 'rate_limit_exceeded' ? '7' : null);
      const text = await whole.text();
      const { error } = JSON.parse(text);
      assert.deepEqual([error.code, error.param], [code, param]);
      assert.ok(!text.includes(JSON.parse(recorded(name).body).error.message), 'says nothing of what the backend said');
      const streamed = await ask(name, { stream: true });
      assert.equal(streamed.status, status);
      assert.equal(await streamed.text(), text);
    });
  }
});
