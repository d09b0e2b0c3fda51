import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chatCompletions } from '../../handler/backend/chat/index.ts';
import { demo } from '../../handler/backend/demo.ts';
import { openServer } from '../../handler/backend/server/server.ts';
import { createTransport } from '../../shim/transport.ts';
import { anyServer, backendContract, modelCall, userMessage } from '../support/backend-contract.ts';
import { callsFunctions, says, startScriptedModel } from '../support/model/scripted.ts';

backendContract('chat', async () => {
  const scripted = await startScriptedModel();
  const backends = createTransport();
  const call = (...scripts: Parameters<typeof scripted.script>) => modelCall({ model: scripted.script(...scripts) });
  const thinks = call(async (turn) => {
    await turn.delta({ reasoning_content: 'Hm.' });
    await turn.text('Yes');
    await turn.delta({ refusal: 'No.' });
    await turn.delta({ reasoning: 'Hm!' });
    await turn.delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{' } }] });
    await turn.delta({ tool_calls: [{ index: 1, id: 'b', function: { name: 'g', arguments: '{}' } }] });
    await turn.delta({ tool_calls: [{ index: 0, function: { arguments: '}' } }] });
    await turn.finish('tool_calls');
  });
  const two = callsFunctions({ name: 'f', args: '{"a":1}' }, { name: 'g', args: '' });
  const cut = call(async (turn) => {
    await turn.text('cut');
    await turn.finish('length');
  });
  const good = [call(says('Hello', ' world')), thinks, call(two), cut, call((turn) => turn.finish())];
  const endless = call(async (turn) => {
    await turn.text('Well');
    await turn.closed;
  });
  const failing = call(async (turn) => {
    await turn.text('Well');
    turn.cut();
  });
  return {
    backend: chatCompletions(openServer(scripted.url, 'key', backends.transport)),
    good,
    endless,
    refused: [],
    failing,
    models: ['scripted-0', 'scripted-1', 'scripted-2'], // as many as the scripted server lists
    server: {
      calls: ({ model }) => scripted.calls(model).length,
      closed: async ({ model }) => scripted.calls(model).at(-1)?.closed,
    },
    async close() {
      await backends.close();
      await scripted.close();
    },
  };
});

backendContract('demo', async () => ({
  backend: demo,
  good: [modelCall({ max_output_tokens: 3 }), modelCall({ input: [userMessage('')] })],
  endless: modelCall({ input: [userMessage('on and on '.repeat(1_000))] }),
  refused: [
    modelCall({ tool_choice: 'required' }),
    modelCall({ text: { format: { type: 'json_object' }, verbosity: null } }),
  ],
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
