import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chatCompletions } from '../../handler/backend/chat/index.ts';
import { demo } from '../../handler/backend/demo.ts';
import { openServer } from '../../handler/backend/server/server.ts';
import { HINTS } from '../../handler/backend/server/servers.ts';
import { anyServer, modelCall, scriptedSubject, tryBackend, userMessage } from '../support/backend-contract.ts';
import { chatScripts } from '../support/model/chat-scripts.ts';

for (const isOpenAI of [false, true]) {
  tryBackend(isOpenAI ? "chat, to OpenAI's own server," : 'chat', async () => ({
    ...(await scriptedSubject((url, transport) => chatCompletions(openServer(url, 'key', transport)), chatScripts, {
      ...anyServer,
      isOpenAI,
    })),
    withoutHints: isOpenAI ? [] : HINTS,
  }));
}

tryBackend('demo', async () => ({
  backend: demo,
  profile: anyServer,
  good: [modelCall({ input: [userMessage('')] })],
  talkative: modelCall(),
  endless: modelCall({ input: [userMessage('on and on '.repeat(1_000))] }),
  excessive: [],
  failing: null,
  brokenOff: null,
  cut: modelCall({ max_output_tokens: 3 }),
  counted: {
    call: modelCall({ max_output_tokens: 3 }),
    usage: {
      input_tokens: 1,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: 3,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 4,
    },
  },
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
