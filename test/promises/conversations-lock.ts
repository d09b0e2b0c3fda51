import assert from 'node:assert/strict';
import { type Door, post } from '../support/doors/door.ts';
import { hangs, replies, type Script, says } from '../support/model/scripted.ts';
import { create, refuses, stream } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import {
  ask,
  contents,
  conversation,
  have,
  longReply,
  modelInput,
  nowhere,
  refusesWithin,
  stored,
  turnRefused,
  until,
} from './state-ask.ts';

const locked = { status: 400, code: 'conversation_locked', param: 'conversation' };

promise(
  'conversation-lock.second-turn',
  {
    says: 'while a turn runs on a conversation another is 400 conversation_locked, and works afterwards',
    source: 'docs/edge-cases.md: 9 (careme#379)',
  },
  async (door) => {
    const id = await conversation(door);
    for (const streamed of [false, true]) {
      const { script, begun, release } = longReply('one');
      const model = door.model.script(script, says('two'));
      const running = (streamed ? stream : create)(door, { model, input: 'A', conversation: id });
      await begun;
      await turnRefused(door, { conversation: id }, locked);
      await turnRefused(door, { conversation: { id }, stream: true }, locked);
      release();
      await running;
      await create(door, { model, input: 'B', conversation: id });
    }
    assert.deepEqual(
      (await contents(door, id)).map((line) => line.replace(/\.+$/, '')),
      [
        'user: A',
        'assistant: one',
        'user: B',
        'assistant: two',
        'user: A',
        'assistant: one',
        'user: B',
        'assistant: two',
      ],
    );
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-lock.items',
  {
    says: 'while a turn runs on a conversation adding items is 400 conversation_locked, and works afterwards',
    source: 'docs/edge-cases.md: 9 (careme#379)',
  },
  async (door) => {
    const id = await conversation(door);
    const path = `/v1/conversations/${id}/items`;
    const items = [{ role: 'user', content: 'X' }];
    const { script, begun, release } = longReply('one');
    const running = create(door, { model: door.model.script(script), input: 'A', conversation: id });
    await begun;
    const refused = { status: 400, code: 'conversation_locked' };
    await refusesWithin(await ask(door, 'POST', path, { items }), refused, /^(conversation|null)$/);
    assert.deepEqual(await contents(door, id), []);
    release();
    await running;
    await have(door, 'POST', path, { items });
    assert.deepEqual(
      (await contents(door, id)).map((line) => line.replace(/\.+$/, '')),
      ['user: A', 'assistant: one', 'user: X'],
    );
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-lock.other',
  {
    says: "a turn locks no other conversation, nor the conversation's metadata",
    source: 'docs/edge-cases.md: 9 (careme#379)',
  },
  async (door) => {
    const id = await conversation(door);
    const { script, begun, release } = longReply('one');
    const running = create(door, { model: door.model.script(script), input: 'A', conversation: id });
    await begun;
    await create(door, { model: door.model.script(says('two')), input: 'B', conversation: await conversation(door) });
    await have(door, 'POST', `/v1/conversations/${id}`, { metadata: { a: 'b' } });
    release();
    await running;
  },
  NEEDS_HEADERS,
);

const breaksOff: Script = async (turn) => {
  await turn.text('Hel');
  await turn.sleep(5);
  turn.cut();
};

promise(
  'conversation-lock.failed',
  { says: 'a failed turn adds nothing and unlocks the conversation', source: 'docs/state.md' },
  async (door) => {
    const id = await conversation(door, { items: [{ role: 'user', content: 'A' }] });
    const model = door.model.script(replies(500, {}), breaksOff, says('two'));
    await refuses(await post(door, { model, input: 'B', conversation: id }), { status: 500, code: 500 });
    const { final } = await stream(door, { model, input: 'B', conversation: id });
    assert.equal(final.status, 'failed');
    assert.deepEqual(await contents(door, id), ['user: A']);
    await create(door, { model, input: 'C', conversation: id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'user: C']);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-lock.refused',
  { says: 'a refused turn does not lock the conversation', source: 'docs/state.md' },
  async (door) => {
    const id = await conversation(door);
    const tools = [{ type: 'nobody-has-this' }];
    await turnRefused(door, { conversation: id, tools }, { status: 422, code: 422, param: 'tools[0].type' });
    const text = { format: { type: 'json_object' } };
    const reply = await post(door, { model: 'demo', input: 'Hi', conversation: id, text });
    await refuses(reply, { status: 422, code: 422, param: 'text.format' });
    await create(door, { model: door.model.script(says('one')), input: 'A', conversation: id });
    assert.deepEqual(await contents(door, id), ['user: A', 'assistant: one']);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-lock.left',
  { says: 'a turn that its client has left adds nothing and unlocks the conversation', source: 'docs/state.md' },
  async (door) => {
    for (const stream of [true, false]) {
      const id = await conversation(door);
      const { script, begun } = hangs('Hel');
      const leave = leaves(door, { model: door.model.script(script), conversation: id, stream });
      await begun;
      leave();
      await getsThrough(door, id);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-lock.left-at-once',
  { says: 'so does one whose client has left before any reply', source: 'docs/edge-cases.md: 29 (hermes-agent#15392)' },
  async (door) => {
    for (const stream of [true, false]) {
      const id = await conversation(door);
      leaves(door, { model: door.model.script(hangs('Hel').script), conversation: id, stream })();
      await getsThrough(door, id);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-lock.branch',
  { says: 'while a turn runs on a conversation its earlier responses can be continued', source: 'docs/state.md' },
  async (door) => {
    const id = await conversation(door);
    const first = await create(door, { model: door.model.script(says('B')), input: 'A', conversation: id });
    const { script, begun, release } = longReply();
    const running = create(door, { model: door.model.script(script), input: 'C', conversation: id });
    await begun;
    const model = door.model.script(says('E'));
    await create(door, { model, input: 'D', previous_response_id: first.id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: B', 'user: D']);
    release();
    await running;
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-lock.deleted',
  { says: 'a turn whose conversation is deleted under it ends well', source: 'docs/state.md' },
  async (door) => {
    const id = await conversation(door);
    const { script, begun, release } = longReply('one');
    const running = create(door, { model: door.model.script(script), input: 'A', conversation: id });
    await begun;
    await have(door, 'DELETE', `/v1/conversations/${id}`);
    release();
    const response = await running;
    assert.deepEqual(await stored(door, response.id), response);
    await nowhere(door, `GET /v1/conversations/${id}/items`);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-lock.simultaneous',
  {
    says: 'turns that begin at once are refused or come one after the other, never mixed',
    source: 'docs/edge-cases.md: 9 (careme#379)',
  },
  async (door) => {
    const id = await conversation(door);
    const model = door.model.script(async (turn) => {
      await turn.text(`re ${turn.body.messages.at(-1).content}`);
      await turn.finish();
    });
    const statuses = await Promise.all(
      Array.from({ length: 6 }, async (_, n) => {
        const reply = await post(door, { model, input: `${n}`, conversation: id });
        if (reply.status !== 200) await refuses(reply, locked);
        else await reply.text();
        return reply.status;
      }),
    );
    const lines = await contents(door, id);
    assert.ok(statuses.includes(200));
    assert.equal(lines.length, 2 * statuses.filter((status) => status === 200).length);
    for (const [at, line] of lines.entries()) {
      if (at % 2 === 0) assert.equal(lines[at + 1], line.replace('user: ', 'assistant: re '));
    }
  },
  NEEDS_HEADERS,
);

/** Begins a turn whose client leaves on demand. */
function leaves(door: Door, body: object): () => void {
  const leaving = new AbortController();
  post(door, { input: 'A', ...body }, { signal: leaving.signal })
    .then((reply) => reply.text())
    .catch(() => {});
  return () => leaving.abort();
}

/** Waits for the conversation to be free, and holds it to have nothing of the turn that had it. */
async function getsThrough(door: Door, id: string): Promise<void> {
  const model = door.model.script(says('two'));
  await until(async () => {
    const reply = await post(door, { model, input: 'B', conversation: id });
    const text = await reply.text();
    assert.ok(reply.status === 200 || text.includes('conversation_locked'), text);
    return reply.status === 200;
  });
  assert.deepEqual(modelInput(door, model), ['user: B']);
  assert.deepEqual(await contents(door, id), ['user: B', 'assistant: two']);
}

promise(
  'conversation-lock.unread',
  { says: 'a turn that nobody reads ends at its limit, and gives its conversation back', source: 'docs/state.md' },
  async (door) => {
    const id = await conversation(door);
    const model = door.model.script(says('one', 'two'));
    const reply = await post(door, { model, input: 'A', conversation: id, stream: true });
    const reader = reply.body?.getReader();
    await reader?.read();
    // Where a network's buffers swallow the stream, it has come to something.
    const next = door.model.script(says('three'));
    await until(async () => {
      const tried = await post(door, { model: next, input: 'B', conversation: id });
      await tried.text();
      return tried.status === 200;
    });
    await reader?.cancel();
  },
  NEEDS_HEADERS,
);
