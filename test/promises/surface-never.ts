import assert from 'node:assert/strict';
import { calls } from '../coverage/example-items.ts';
import { rowsOf } from '../coverage/rows-of.ts';
import { rowsShownBy } from '../coverage/table.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { create, modelRequest, refuses } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { ask, conversation } from './state-ask.ts';
import { listAll } from './surface-ask.ts';
import { scenes } from './surface-scenes.ts';

const screenshot = { type: 'computer_screenshot', image_url: 'data:image/png;base64,AA==' };

/** What the types of lists know and no request may say, with the field that is then named. */
const unsaid: [param: string, item: object][] = [
  ...['unknown', 'critic', 'discriminator', 'tool'].map((role): [string, object] => ['role', { role, content: 'Hi' }]),
  ...[
    { type: 'text', text: 'a' },
    { type: 'summary_text', text: 'a' },
    { type: 'reasoning_text', text: 'a' },
    screenshot,
  ].map((part): [string, object] => ['content[0].type', { role: 'user', content: [part] }]),
  ['status', { type: 'computer_call_output', call_id: 'c', output: screenshot, status: 'failed' }],
  ...['unknown', 'assistant', 'critic', 'discriminator', 'tool'].map((role): [string, object] => [
    'role',
    { type: 'additional_tools', role, tools: [] },
  ]),
];

promise(
  'surface.never-listed',
  {
    says: 'what only the types of lists know is refused in requests, and so never listed',
    source: 'openai 7.57.0 types: ConversationItem',
  },
  async (door) => {
    const path = `/v1/conversations/${await conversation(door)}/items`;
    for (const [param, item] of unsaid) {
      const reply = await ask(door, 'POST', path, { items: [item] });
      await refuses(reply, { status: 422, code: 422, param: `items[0].${param}` });
    }
    assert.deepEqual(await listAll(door, path), []);
  },
  NEEDS_HEADERS,
);

promise(
  'surface.answers-are-input',
  {
    says: "a client's answers and settings are listed as input, and are in no output",
    source: 'openai 7.57.0 types: ResponseOutputItem',
  },
  async (door) => {
    const input = [...calls.flat(), { type: 'additional_tools', role: 'developer', tools: [] }];
    const { id, output } = await create(door, { model: door.model.openai(answers(message('ok'))), input });
    assert.deepEqual(
      output.map(({ type }) => type),
      ['message'],
    );
    const kinds = (await listAll(door, `/v1/responses/${id}/input_items`)).map(({ type }) => type);
    assert.deepEqual(
      kinds,
      input.map(({ type }) => type),
    );
  },
  NEEDS_HEADERS,
);

promise(
  'surface.left-out',
  {
    says: 'optional members and values that nothing here makes are left out of replies',
    source: 'openai 7.57.0 types: Response, ResponseItem',
  },
  async (door) => {
    const responses = (await scenes(door)).map(({ final }) => final);
    const id = await conversation(door, { items: calls.flat().slice(0, 20) });
    const items = await listAll(door, `/v1/conversations/${id}/items`);
    const seen = new Set([
      ...responses.flatMap(({ output, ...response }) => [
        ...rowsOf('response', response),
        ...rowsOf('usage', response.usage),
        ...rowsOf('errors', response.error),
        ...output.flatMap((item) => [...rowsOf('output items', item)]),
      ]),
      ...items.flatMap((item) => [...rowsOf('listed items', item), ...rowsOf('conversation items', item)]),
    ]);
    assert.deepEqual(
      rowsShownBy('surface.left-out').filter((row) => seen.has(row)),
      [],
    );
  },
  NEEDS_HEADERS,
);

promise(
  'surface.reasoning-alone',
  {
    says: 'reasoning that nothing follows is taken, since models other than those of OpenAI do not mind',
    source: 'docs/errors.md: reasoning without follower (continue#8933)',
  },
  async (door) => {
    const reasoning = { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'Hm.' }] };
    const { messages } = await modelRequest(door, { input: [{ role: 'user', content: 'Hi' }, reasoning] });
    assert.partialDeepStrictEqual(messages, [{ role: 'user' }, { role: 'assistant', reasoning_content: 'Hm.' }]);
  },
);
