import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AddItems } from '../../handler/protocol/conversation.ts';
import { type Example, itemGroups } from '../bad-input/examples.ts';
import { nameOf, type Site, sitesOf } from '../bad-input/sites.ts';
import { bodyWith, send } from '../bad-input/try.ts';
import { deep, ofEachType } from '../bad-input/values.ts';
import { ask, have } from '../promises/state-ask.ts';
import { testSecrets } from '../support/doors/door.ts';
import { type InProcess, openInProcess } from '../support/doors/in-process.ts';
import { LONG } from '../support/long.ts';
import { says } from '../support/model/scripted.ts';
import { tells, text } from '../support/model/scripted-messages.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { look } from '../support/schema.ts';
import { sealVersion1 } from '../support/version-1-seal.ts';

let door: InProcess;
let models: string[];
before(async () => {
  door = await openInProcess();
  models = [
    door.model.script(says('ok')),
    door.model.native(answers(message('ok'))),
    door.model.openai(answers(message('ok'))),
    door.model.anthropic(tells(text('ok'))),
  ];
});
after(() => door.close());

const schema = look(AddItems);
const [secret = assert.fail('the tests have a secret')] = testSecrets;

/** Adds items to a new conversation and returns its id; undefined if they are refused, which must be a 400 or 422. */
async function addItems(body: string): Promise<string | undefined> {
  const { id } = await have<{ id: string }>(door, 'POST', '/v1/conversations');
  const example: Example = { name: 'add', path: `/v1/conversations/${id}/items`, schema, body: {} };
  const reply = await send(door, example, body);
  const answer = await reply.text();
  if (reply.status === 200) return id;
  assert.ok([400, 422].includes(reply.status), `added: ${reply.status} ${answer}`);
  return undefined;
}

/** Asserts that a conversation can be read, and that no turn on it fails because of its items. */
async function serves(conversation: string, what: string, asked = models): Promise<number[]> {
  const statuses: number[] = [];
  for (const model of asked) {
    const reply = await ask(door, 'POST', '/v1/responses', { model, conversation, input: 'Hi' });
    const answer = await reply.text();
    assert.ok([200, 400, 422].includes(reply.status), `${what}: a turn of ${model}: ${reply.status} ${answer}`);
    assert.doesNotMatch(answer, /invalid_encrypted_content/, `${what}: what nobody can read was kept`);
    statuses.push(reply.status);
  }
  const counted = await ask(door, 'POST', '/v1/responses/input_tokens', { model: asked[0], conversation });
  assert.ok([200, 400, 422].includes(counted.status), `${what}: counted: ${counted.status}`);
  await have(door, 'GET', `/v1/conversations/${conversation}`);
  await have(door, 'GET', `/v1/conversations/${conversation}/items?limit=100`);
  return statuses;
}

test('items of every type are kept, and turns go on from them', async () => {
  for (const [name, items] of itemGroups) {
    const id = await addItems(JSON.stringify({ items }));
    assert.ok(id, name);
    // What Chat Completions cannot say is 422; the item is a good one all the same.
    assert.ok((await serves(id, name)).includes(200), name);
  }
});

/** `npm test` tries one of so many: prime to the number of values, so that each place and each value comes. */
const EVERY = LONG ? 1 : 5;

test('whatever is taken as an item, no turn on it is a 500', async (t) => {
  let tried = 0;
  let accepted = 0;
  for (const [name, items] of itemGroups) {
    const example: Example = { name, path: '', schema, body: { items } };
    const sites = sitesOf(schema, example.body, () => {}).filter(({ path }: Site) => path.length > 2);
    for (const site of sites) {
      for (const value of [...ofEachType, 'null', '[]', '{}', deep(90)]) {
        if (tried++ % EVERY > 0) continue;
        const id = await addItems(bodyWith(example, [site], value));
        if (!id) continue;
        accepted++;
        const model = models[accepted % models.length] ?? '';
        await serves(id, `${name}: ${nameOf(site.path)} = ${value.slice(0, 60)}`, [model]);
      }
    }
  }
  t.diagnostic(`${accepted} were taken`);
  assert.ok(accepted > 200 / EVERY);
});

/** Texts that open, but are not of the kind that they are sealed as. */
const sealedTexts: unknown[] = [
  { text: 'x', instructions: [1, null, 'x'] },
  { text: 'x', instructions: [{ role: 'system' }] },
  { text: 'x', instructions: [{ role: 'system', content: 'x' }] },
  { text: 'x', instructions: [{ role: 'user', content: [] }] },
  { text: 'x', instructions: [{ role: 'system', content: [null] }] },
  { text: 'x', instructions: [{ role: 'system', content: [{ type: 'nothing' }] }] },
  { text: 'x', instructions: [{ role: 'developer', content: [{ type: 'input_image', image_url: {} }] }] },
  { text: 7, instructions: [] },
  { text: 'x', instructions: {} },
  { text: 'x' },
  { instructions: [] },
  [],
  null,
  'Said, when summaries were plain texts.',
];

test('what opens and is no summary is refused, and is kept nowhere', async () => {
  for (const opened of sealedTexts) {
    const encrypted_content = await sealVersion1(secret, JSON.stringify(opened));
    const what = JSON.stringify(opened);
    const items = [
      { type: 'compaction', encrypted_content },
      { role: 'user', content: 'Hi' },
    ];
    const id = await addItems(JSON.stringify({ items }));
    if (id) await serves(id, what);
    for (const model of models) {
      const reply = await ask(door, 'POST', '/v1/responses', { model, input: items });
      assert.ok([200, 400].includes(reply.status), `${what}: ${reply.status} ${await reply.text()}`);
    }
  }
});

test('a tool of a type that is not known, and what nobody can open, is not added', async () => {
  const refused: [object, string, RegExp][] = [
    [{ type: 'additional_tools', tools: [{ type: 'file_search' }] }, 'items[0].tools[0].type', /not a type of tool/],
    [
      { type: 'tool_search_output', call_id: 'c', tools: [{ type: 'function', name: 'f' }, { type: 'file_search' }] },
      'items[0].tools[1].type',
      /not a type of tool/,
    ],
    [{ type: 'compaction', encrypted_content: 'antiphon.1.other.AA==.AA==' }, 'items', /another deployment/],
    [{ type: 'reasoning', encrypted_content: 'antiphon.1.other.AA==.AA==' }, 'items', /another deployment/],
  ];
  for (const path of ['/v1/conversations', undefined]) {
    const { id } = await have<{ id: string }>(door, 'POST', '/v1/conversations');
    for (const [item, param, said] of refused) {
      const reply = await ask(door, 'POST', path ?? `/v1/conversations/${id}/items`, { items: [item] });
      const { error } = (await reply.json()) as { error: { param: string; message: string } };
      assert.ok([400, 422].includes(reply.status), JSON.stringify(item));
      assert.equal(error.param, param);
      assert.match(error.message, said);
    }
  }
});

test('an item that a server ran breaks no turn, whatever its members are', async () => {
  const odd = [{ toString: 1, valueOf: 1 }, [null, 5], 5];
  const called = { type: 'mcp_call', id: 'mcp_1', server_label: 'crm', name: 'find', arguments: '{}' };
  const items = [
    ...odd.map((message) => ({ ...called, error: { type: 'http_error', code: 500, message } })),
    ...odd.map((content) => ({ ...called, error: { type: 'mcp_tool_execution_error', content } })),
    ...odd.map((text) => ({ ...called, output: JSON.stringify([{ type: 'text', text }, { type: 'image' }]) })),
    ...odd.map((url) => ({ type: 'web_search_call', id: 'ws_1', action: { type: 'find_in_page', url, pattern: 'x' } })),
  ];
  for (const item of items) {
    const id = await addItems(JSON.stringify({ items: [item] }));
    assert.deepEqual(await serves(id ?? assert.fail('it is taken'), JSON.stringify(item)), [200, 200, 200, 200]);
  }
});
