import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testConfig } from '../support/doors/door.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { startScriptedModel } from '../support/model/scripted.ts';

/** Requests, with the status and code that `errors: openai` gives them. */
const cases: [body: string, status: number, code: string | null][] = [
  ['{', 400, 'invalid_json'],
  ['{"input":"Hi"}', 400, 'missing_required_parameter'],
  ['{"model":"demo","input":"Hi","temperature":"1"}', 400, 'invalid_type'],
  ['{"model":"demo","input":"Hi","temperature":3}', 400, 'decimal_above_max_value'],
  ['{"model":"demo","input":"Hi","moderation":{}}', 400, 'unsupported_parameter'],
  ['{"model":"nobody-knows","input":"Hi"}', 400, 'model_not_found'],
  ['{"model":"down","input":"Hi"}', 500, 'server_error'],
];

test("errors: openai gives OpenAI's own statuses and codes", async (t) => {
  const model = await startScriptedModel();
  const { fetch, close } = await testHandler(model, { config: { ...testConfig(model), errors: 'openai' } });
  t.after(async () => {
    await close();
    await model.close();
  });
  const headers = { 'content-type': 'application/json' };
  for (const [body, status, code] of cases) {
    const reply = await fetch(new Request('http://test/v1/responses', { method: 'POST', body, headers }));
    assert.equal(reply.status, status, body);
    const { error } = (await reply.json()) as { error: { code: unknown } };
    assert.equal(error.code, code, body);
  }
});
