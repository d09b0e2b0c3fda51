import assert from 'node:assert/strict';
import { says } from '../support/model/scripted.ts';
import { messageEvents, sendsMessage, text } from '../support/model/scripted-messages.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { callOf, create, refuses } from './ask.ts';
import { promise } from './promise.ts';
import { ask, modelInput } from './state-ask.ts';

const user = (content: string) => ({ role: 'user', content });

const TYPES = 'openai 7.57.0 types: ResponseInputItem';

const list = {
  type: 'mcp_list_tools',
  id: 'mcpl_1',
  server_label: 'crm',
  tools: [{ name: 'find', description: 'Finds.', input_schema: { type: 'object' } }],
};
const asked = { type: 'mcp_approval_request', id: 'mcpr_1', server_label: 'crm', name: 'find', arguments: '{"a":1}' };
const answer = { type: 'mcp_approval_response', approval_request_id: 'mcpr_1' };
const called = { type: 'mcp_call', id: 'mcp_1', server_label: 'crm', name: 'find', arguments: '{"a":1}' };

promise(
  'mcp-items.lists',
  {
    says: "a list of an MCP server's tools that a client sends in is taken, and no model is told of it",
    source: TYPES,
  },
  async (door) => {
    const input = [user('Hi'), list, { ...list, id: 'mcpl_2', tools: [], error: 'no' }, user('And now?')];
    const model = door.model.script(says('Fine.'));
    await create(door, { model, input });
    assert.deepEqual(modelInput(door, model), ['user: Hi', 'user: And now?']);
  },
);

promise(
  'mcp-items.pending',
  {
    says: 'an approval request that nobody answers breaks no later turn: the model hears that it is open',
    source: TYPES,
  },
  async (door) => {
    const input = [user('Hi'), asked, user('Never mind.')];
    const models = {
      chat: door.model.script(says('Fine.')),
      native: door.model.native(answers(message('Fine.'))),
      openai: door.model.openai(answers(message('Fine.'))),
      anthropic: door.model.anthropic(sendsMessage(messageEvents([text('Fine.')]))),
    };
    for (const model of Object.values(models)) {
      await create(door, { model, input });
      const body = JSON.stringify(callOf(door, model).body);
      assert.match(body, /mcp_crm__find/);
      assert.match(body, /has not answered/);
      assert.doesNotMatch(body, /mcp_approval/);
    }
  },
);

promise(
  'mcp-items.refused',
  { says: 'a call that was refused is told to the model as one, with the reason', source: TYPES },
  async (door) => {
    const model = door.model.script(says('Then not.'));
    await create(door, { model, input: [user('Hi'), asked, { ...answer, approve: false, reason: 'Too early.' }] });
    assert.deepEqual(modelInput(door, model), [
      'user: Hi',
      'assistant: mcp_crm__find {"a":1} #mcpr_1',
      'tool mcpr_1: Not run: the user refused this call. The reason: Too early.',
    ]);
  },
);

promise(
  'mcp-items.approved-before',
  { says: 'what a history has approved and run is told once, as the call that it was', source: TYPES },
  async (door) => {
    const model = door.model.script(says('Fine.'));
    const ran = { ...called, approval_request_id: 'mcpr_1', output: 'Ann', status: 'completed' };
    await create(door, { model, input: [user('Hi'), asked, { ...answer, approve: true }, ran, user('And now?')] });
    assert.deepEqual(modelInput(door, model), [
      'user: Hi',
      'assistant: mcp_crm__find {"a":1} #mcp_1',
      'tool mcp_1: Ann',
      'user: And now?',
    ]);
  },
);

promise(
  'mcp-items.wrong-answers',
  {
    says: 'an answer to an approval request that was not made, or was answered, or of a server that is not there is a 400 that says so',
    source: 'docs/mcp.md',
  },
  async (door) => {
    const model = door.model.script(says('never'));
    const yes = { ...answer, approve: true };
    for (const [input, says] of [
      [[user('Hi'), yes], /names no approval request of this conversation: send its mcp_approval_request back/],
      [[user('Hi'), asked, { ...answer, approve: false }, yes], /answered before/],
      [[user('Hi'), asked, yes], /not in tools/],
    ] as const) {
      const reply = await ask(door, 'POST', '/v1/responses', { model, input });
      assert.match(await refuses(reply, { status: 400, code: null, param: 'input' }), says);
    }
    assert.equal(door.model.calls(model).length, 0);
  },
);

const blocks = [
  { type: 'text', text: 'A picture:' },
  { type: 'image', data: 'AA==', mimeType: 'image/png' },
  { type: 'resource_link', uri: 'file:///a.txt', name: 'a.txt' },
  { type: 'resource', resource: { uri: 'demo://b', text: 'Inside.' } },
  { type: 'audio', data: 'AA==', mimeType: 'audio/wav' },
];

promise(
  'mcp-items.blocks',
  {
    says: 'a call whose output is blocks shows models its images as images, and its resources in words',
    source: 'docs/mcp.md',
  },
  async (door) => {
    const model = door.model.script(says('Fine.'));
    const output = JSON.stringify(blocks);
    await create(door, { model, input: [user('Hi'), { ...called, output }, user('And now?')] });
    const { messages } = callOf(door, model).body;
    const told = JSON.stringify(messages[2]);
    for (const word of ['A picture:', 'a.txt, file:///a.txt', 'Inside.', 'A sound of audio/wav'])
      assert.ok(told.includes(word), word);
    assert.deepEqual(messages[3].content, [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }]);
    const strange = JSON.stringify([{ type: 'image', data: 'http://a.test/', mimeType: 'image/png' }]);
    for (const text of [strange, '[{"type":"text"', '[{"a":1}]']) {
      const other = door.model.script(says('Fine.'));
      await create(door, { model: other, input: [user('Hi'), { ...called, output: text }, user('And now?')] });
      assert.doesNotMatch(JSON.stringify(callOf(door, other).body), /image_url/);
    }
  },
);
