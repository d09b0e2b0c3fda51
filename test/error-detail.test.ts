import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configureLog } from '../handler/index.ts';
import { testConfig } from './support/doors/door.ts';
import { testHandler } from './support/doors/in-process.ts';
import { late, replies, startScriptedModel } from './support/model/scripted.ts';
import { parseStream } from './support/sse.ts';

const KEY = 'sk-proj-abcDEF0123456789_-xyz';
const SAID = `Unsupported value: 'temperature'. Bearer ${KEY} said "my daughter is called Rosalind"\n`;

test('errorDetail: true tells what the server said: cut, on one line, without secrets, and never to the log', async (t) => {
  const model = await startScriptedModel();
  const lines: string[] = [];
  configureLog('info', (line) => lines.push(line));
  const { fetch, close } = await testHandler(model, { config: { ...testConfig(model), errorDetail: true } });
  t.after(async () => {
    configureLog('error', () => {});
    await close();
    await model.close();
  });
  const ask = async (body: object) => {
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify({ input: 'Hi', ...body }) };
    return (await fetch(new Request('http://test/v1/responses', init))).text();
  };
  // It takes a while, in which the others are asked.
  const begun = ask({ model: model.script(late(replies(400, { error: { message: SAID, type: 'x' } }))), stream: true });
  const long = `${SAID}${'"字'.repeat(2_000)}`;
  for (const protocol of ['script', 'native', 'anthropic'] as const) {
    for (const [message, status] of [
      [SAID, 400],
      [long, 503],
    ] as const) {
      const name = model[protocol](replies(status, { error: { message, type: 'x' } }));
      const whole = await ask({ model: name });
      assert.equal(await ask({ model: name, stream: true }), whole);
      const { message: told } = JSON.parse(whole).error;
      const [own, detail = ''] = told.split(' It says: ');
      assert.match(own, /^The model backend .*\.$/);
      assert.match(
        detail,
        /^Unsupported value: 'temperature'\. Bearer \[redacted\] said "my daughter is called Rosalind"/,
      );
      assert.ok(detail.length <= 300 && !/\n/.test(detail), protocol);
      assert.ok(new TextEncoder().encode(whole).length < 1024);
    }
  }
  const { final } = parseStream(await begun);
  assert.match(final.error?.message ?? '', / It says: Unsupported value/);
  const garbled = model.script((turn) => turn.cut());
  assert.doesNotMatch(await ask({ model: garbled }), /It says/);
  assert.ok(lines.length >= 12);
  assert.doesNotMatch(lines.join(''), /Rosalind|Unsupported value|abcDEF/);
});
