import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chatCompletions } from '../../handler/backend/chat/index.ts';
import { demo } from '../../handler/backend/demo.ts';
import { openServer } from '../../handler/backend/server/server.ts';
import {
  anyServer,
  modelCall,
  type SubjectScripts,
  scriptedSubject,
  tryBackend,
  userMessage,
} from '../support/backend-contract.ts';
import { callsFunctions, type Script, says } from '../support/model/scripted.ts';

const thinks: Script = async (turn) => {
  await turn.delta({ reasoning_content: 'Hm.' });
  await turn.text('Yes');
  await turn.delta({ refusal: 'No.' });
  await turn.delta({ reasoning: 'Hm!' });
  await turn.delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{' } }] });
  await turn.delta({ tool_calls: [{ index: 1, id: 'b', function: { name: 'g', arguments: '{}' } }] });
  await turn.delta({ tool_calls: [{ index: 0, function: { arguments: '}' } }] });
  await turn.finish('tool_calls');
};

const chatScripts = {
  good: [
    says('Hello', ' world'),
    callsFunctions({ name: 'f', args: '{"a":1}' }, { name: 'g', args: '' }),
    async (turn) => {
      await turn.text('cut');
      await turn.finish('length');
    },
    (turn) => turn.finish(),
  ] satisfies Script[],
  talkative: thinks,
  endless: async (turn) => {
    await turn.text('Well');
    await turn.closed;
  },
  failing: async (turn) => {
    await turn.text('Well');
    turn.cut();
  },
  manyCalls: callsFunctions(...Array.from({ length: 600 }, (_, n) => ({ name: 'f', args: '{}', id: `c${n}` }))),
} satisfies SubjectScripts;

for (const isOpenAI of [false, true]) {
  tryBackend(isOpenAI ? "chat, to OpenAI's own server," : 'chat', () =>
    scriptedSubject((url, transport) => chatCompletions(openServer(url, 'key', transport)), chatScripts, {
      ...anyServer,
      isOpenAI,
    }),
  );
}

tryBackend('demo', async () => ({
  backend: demo,
  profile: anyServer,
  good: [modelCall({ max_output_tokens: 3 }), modelCall({ input: [userMessage('')] })],
  talkative: modelCall(),
  endless: modelCall({ input: [userMessage('on and on '.repeat(1_000))] }),
  excessive: [],
  failing: null,
  models: [],
  server: null,
  close: async () => {},
}));

test('the demo model says what it is', async () => {
  let text = '';
  for await (const event of demo.prepare(modelCall(), anyServer).stream(new AbortController().signal)) {
    if (event.type === 'response.output_text.delta') text += event.delta;
  }
  assert.match(text, /Antiphon's built-in demo model.*Hello/);
});
