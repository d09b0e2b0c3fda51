import assert from 'node:assert/strict';
import { refuses } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { ask, contents, conversation, have, nowhere, refusesWithin, requestsTo, turnRefused } from './state-ask.ts';

interface Conversation {
  id: string;
  object: string;
  created_at: number;
  metadata: Record<string, string>;
}

const invalid = { status: 422, code: 422 };
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`key ${n}`, 'v']));
const users = (count: number) => Array.from({ length: count }, (_, n) => ({ role: 'user', content: `${n}` }));

promise(
  'conversation.create',
  { says: 'a conversation can be created from nothing, and retrieved', source: 'docs/state.md' },
  async (door) => {
    for (const body of [{}, undefined, { items: [], metadata: {} }, { items: null, metadata: null }]) {
      const made = await have<Conversation>(door, 'POST', '/v1/conversations', body);
      const { id, created_at, ...rest } = made;
      assert.match(id, /^conv_\w+$/);
      assert.ok(Number.isInteger(created_at) && created_at <= Date.now() / 1000 && created_at > Date.now() / 1000 - 60);
      assert.deepEqual(rest, { object: 'conversation', metadata: {} });
      assert.deepEqual(await have(door, 'GET', `/v1/conversations/${id}`), made);
      assert.deepEqual(await contents(door, id), []);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'conversation.create-with',
  {
    says: 'a conversation can begin with 20 items and 16 pairs of metadata',
    source: 'openai 7.57.0 types: ConversationCreateParams',
  },
  async (door) => {
    const metadata = { ...many(15), ['k'.repeat(64)]: 'v'.repeat(512) };
    const made = await have<Conversation>(door, 'POST', '/v1/conversations', { items: users(20), metadata });
    assert.deepEqual(made.metadata, metadata);
    assert.deepEqual((await have<Conversation>(door, 'GET', `/v1/conversations/${made.id}`)).metadata, metadata);
    assert.deepEqual(
      await contents(door, made.id),
      users(20).map(({ content }) => `user: ${content}`),
    );
  },
  NEEDS_HEADERS,
);

const badMetadata = [many(17), { ['k'.repeat(65)]: 'v' }, { k: 'v'.repeat(513) }, { k: 7 }, { k: null }, [], 'text', 7];

promise(
  'conversation.bad-metadata',
  { says: 'metadata beyond its bounds is 422 and changes nothing', source: 'openai 7.57.0 types: Metadata' },
  async (door) => {
    const id = await conversation(door, { metadata: { kept: 'yes' } });
    for (const metadata of badMetadata) {
      for (const path of ['/v1/conversations', `/v1/conversations/${id}`]) {
        await refusesWithin(await ask(door, 'POST', path, { metadata }), invalid, /^metadata/);
      }
    }
    assert.deepEqual((await have<Conversation>(door, 'GET', `/v1/conversations/${id}`)).metadata, { kept: 'yes' });
  },
  NEEDS_HEADERS,
);

promise(
  'conversation.bad-items',
  {
    says: 'more than 20 items, wrong ones or the same twice are refused',
    source: 'openai 7.57.0 types: ConversationCreateParams',
  },
  async (door) => {
    const create = (items: unknown) => ask(door, 'POST', '/v1/conversations', { items });
    for (const items of [users(21), 'Hi', {}]) {
      await refuses(await create(items), { ...invalid, param: 'items' });
    }
    await refuses(await create([{ role: 'nobody', content: 'Hi' }]), { ...invalid, param: 'items[0].role' });
    await refuses(await create([users(1)[0], { type: 'nothing' }]), { ...invalid, param: 'items[1].type' });
    await refusesWithin(
      await create([
        { ...users(1)[0], id: 'msg_1' },
        { ...users(1)[0], id: 'msg_1' },
      ]),
      { status: 400, code: null },
      /^(items|null)/,
    );
  },
  NEEDS_HEADERS,
);

promise(
  'conversation.update',
  { says: 'an update replaces the metadata; null clears it', source: 'openai 7.57.0 types: ConversationUpdateParams' },
  async (door) => {
    const made = await have<Conversation>(door, 'POST', '/v1/conversations', { metadata: { a: '1', b: '2' } });
    const path = `/v1/conversations/${made.id}`;
    for (const metadata of [{ b: '3', c: '4' }, {}, { d: '5' }, null]) {
      const updated = await have<Conversation>(door, 'POST', path, { metadata });
      assert.deepEqual(updated, { ...made, metadata: metadata ?? {} });
      assert.deepEqual(await have(door, 'GET', path), updated);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'conversation.update-nothing',
  { says: 'an update without metadata is 422', source: 'openai 7.57.0 types: ConversationUpdateParams' },
  async (door) => {
    const id = await conversation(door);
    const reply = await ask(door, 'POST', `/v1/conversations/${id}`, {});
    await refuses(reply, { ...invalid, param: 'metadata', message: 'metadata field is required' });
  },
  NEEDS_HEADERS,
);

promise(
  'conversation.delete',
  { says: 'a deleted conversation is 404 in every way', source: 'openai 7.57.0 types: ConversationDeletedResource' },
  async (door) => {
    const id = await conversation(door, { items: [{ ...users(1)[0], id: 'msg_1' }] });
    assert.deepEqual(await have(door, 'DELETE', `/v1/conversations/${id}`), {
      id,
      object: 'conversation.deleted',
      deleted: true,
    });
    await nowhere(door, ...requestsTo('conversations', id));
    await turnRefused(door, { conversation: id }, { status: 404, code: null, param: 'conversation' });
  },
  NEEDS_HEADERS,
);

promise(
  'conversation.unknown',
  { says: 'an unknown conversation is 404 in every way, however odd its id', source: 'docs/state.md' },
  async (door) => {
    await nowhere(door, ...requestsTo('conversations', 'conv_nobody'));
    for (const id of ['x'.repeat(4000), 'conv_👍%E2%82']) await nowhere(door, ...requestsTo('conversations', id));
  },
  NEEDS_HEADERS,
);

promise(
  'conversation.unknown-turn',
  { says: 'a turn in an unknown conversation is 404', source: 'docs/state.md (agent-framework#6892)' },
  async (door) => {
    const refused = { status: 404, code: null, param: 'conversation' };
    for (const id of ['', 'conv_nobody', 'a/b', 'conv_\u0000', '👍 \ud800']) {
      await turnRefused(door, { conversation: id }, refused);
      await turnRefused(door, { conversation: { id }, stream: true, store: false }, refused);
    }
  },
);

promise(
  'conversation.type',
  {
    says: 'a conversation that is neither an id nor an object with one is 422',
    source: 'openai 7.57.0 types: ResponseCreateParams',
  },
  async (door) => {
    for (const conversation of [7, true]) {
      await turnRefused(door, { conversation }, { ...invalid, param: 'conversation' });
    }
    for (const conversation of [{}, { id: 7 }]) {
      await turnRefused(door, { conversation }, { ...invalid, param: 'conversation.id' });
    }
  },
);

promise(
  'conversation.bad-body',
  { says: 'a body that is no JSON object is refused as everywhere', source: 'docs/errors.md' },
  async (door) => {
    const id = await conversation(door);
    for (const path of ['/v1/conversations', `/v1/conversations/${id}`, `/v1/conversations/${id}/items`]) {
      const send = (body: string, type = 'application/json') =>
        door.fetch(path, { method: 'POST', body, headers: { 'content-type': type } });
      await refuses(await send('{'), { status: 400, code: 400 });
      await refuses(await send('[]'), invalid);
      await refuses(await send('{}', 'text/plain'), { status: 415, code: 'unsupported_media_type' });
    }
  },
  NEEDS_HEADERS,
);
