import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import pg from 'pg';
import { startProduct } from '../../shim/product.ts';
import { decisions } from '../support/encrypted-columns.ts';
import { newFolder } from '../support/folder.ts';
import { type Script, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { openSocket } from '../support/socket.ts';
import { testTool } from '../support/test-tool.ts';

/** Words that stand in one field each, so that one that is found says which. */
const said = new Set<string>();
function canary(field: string): string {
  const word = `canary-${field}-quokka`;
  said.add(word);
  return word;
}

const tools = [
  {
    type: 'function',
    name: canary('function'),
    description: canary('description'),
    parameters: { type: 'object', properties: { [canary('property')]: { type: 'string' } } },
  },
];

const speak: Script = async (turn) => {
  const last = JSON.stringify(turn.body.messages.at(-1));
  await turn.delta({ reasoning_content: canary('reasoning') });
  if (last.includes('Call.')) {
    const f = { name: canary('function'), arguments: JSON.stringify({ [canary('property')]: canary('argument') }) };
    await turn.delta({ tool_calls: [{ index: 0, id: 'call_0', type: 'function', function: f }] });
    return turn.finish('tool_calls');
  }
  if (last.includes('Add.')) {
    const f = { name: 'add', arguments: '{"a":1,"b":2}' };
    await turn.delta({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: f }] });
    return turn.finish('tool_calls');
  }
  await turn.text(canary('output'));
  if (last.includes('Large.')) await turn.text(canary('large-output').repeat(20_000));
  await turn.finish();
};

/** The product on a database in a file, with what sends to it. */
async function start(t: TestContext, encryptAtRest: boolean, { url }: Place) {
  const model = await startScriptedModel();
  const name = model.script(speak);
  const port = await freePort();
  const product = await startProduct({
    config: {
      listen: { grpc: 'off', http: `127.0.0.1:${port}`, envoy: 'off', admin: 'off' },
      models: [{ match: '*', backend: 'chat', url: model.url, send: { keep: ['reasoning_content'] } }],
      database: url,
      secrets: [{ id: 'k1', key: 'a secret of tests that has 32 bytes' }],
      encryptAtRest,
      webhooks: [{ url: `${model.hooksUrl}/w`, secret: 'a secret of 16 bytes' }],
      attributes: [{ header: 'x-team', as: 'team', on: ['log'], values: 100 }],
    },
    env: {},
    tools: [testTool],
  });
  t.after(async () => {
    socket.raw.terminate();
    await product.stop();
    await model.close();
  });
  const base = `http://127.0.0.1:${port}/v1`;
  const ask = async (method: string, at: string, body?: object) => {
    const headers = { 'content-type': 'application/json', 'x-team': canary('attribute') };
    const reply = await fetch(`${base}${at}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    const text = await reply.text();
    assert.ok(reply.ok, `${method} ${at}: ${reply.status} ${text}`);
    return text.startsWith('{') ? JSON.parse(text) : text;
  };
  const ended = async (id: string) => {
    for (;;) {
      const response = await ask('GET', `/responses/${id}`);
      if (response.status !== 'queued' && response.status !== 'in_progress') return response;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const socket = await openSocket({ client: { baseURL: base } } as Parameters<typeof openSocket>[0]);
  return { model, name, ask, ended, socket };
}

/** Does all by which a client leaves texts, and reads them again. */
async function leaveTexts({ model, name, ask, ended, socket }: Awaited<ReturnType<typeof start>>) {
  const turn = {
    model: name,
    instructions: canary('instructions'),
    input: [{ role: 'user', content: canary('input') }],
    metadata: { 'plain-key': 'plain-value' },
    tools,
    user: canary('user'),
    safety_identifier: canary('safety'),
    prompt_cache_key: canary('cache'),
    include: ['reasoning.encrypted_content'],
  };
  const first = await ask('POST', '/responses', turn);
  assert.ok(JSON.stringify(first).includes(canary('output')));
  const called = await ask('POST', '/responses', { ...turn, input: 'Call.', previous_response_id: first.id });
  const answer = { type: 'function_call_output', call_id: 'call_0', output: canary('answer') };
  const after = await ask('POST', '/responses', { ...turn, input: [answer], previous_response_id: called.id });
  await ask('POST', '/responses', { ...turn, stream: true, previous_response_id: after.id });
  const large = `Large. ${canary('large-input').repeat(20_000)}`;
  const big = await ask('POST', '/responses', { ...turn, input: large, instructions: large });
  assert.ok(JSON.stringify(await ask('GET', `/responses/${big.id}`)).includes(canary('large-output')));
  await ask('POST', '/responses', { ...turn, input: 'Go on.', previous_response_id: big.id });

  const conversation = await ask('POST', '/conversations', {
    metadata: { 'plain-key': 'plain-value' },
    items: [{ role: 'user', content: canary('added') }],
  });
  const within = { ...turn, conversation: conversation.id };
  await ask('POST', '/responses', within);
  await ask('POST', `/conversations/${conversation.id}/items`, {
    items: [{ role: 'user', content: canary('added-later') }],
  });
  await ask('POST', `/conversations/${conversation.id}`, { metadata: { 'plain-key': 'plain-value' } });
  await ask('POST', '/responses', {
    ...within,
    input: [{ role: 'user', content: 'x' }, { type: 'compaction_trigger' }],
  });
  const items = await ask('GET', `/conversations/${conversation.id}/items?limit=100&order=asc`);
  assert.ok(JSON.stringify(items).includes(canary('added')));
  assert.equal((await ask('GET', `/conversations/${conversation.id}`)).metadata['plain-key'], 'plain-value');

  const background = { ...turn, background: true };
  const add = { ...background, input: `Add. ${canary('background')}`, tools: [{ type: 'test_tool' }] };
  const { id } = await ask('POST', '/responses', add);
  assert.equal((await ended(id)).status, 'completed');
  assert.match(await ask('GET', `/responses/${id}?stream=true`), new RegExp(canary('output')));
  const { id: long } = await ask('POST', '/responses', { ...background, input: large });
  await ended(long);
  socket.send({ type: 'response.create', ...turn, input: canary('socket') });
  await socket.events();
  const list = await ask('GET', '/responses?metadata[plain-key]=plain-value&limit=100');
  assert.ok(JSON.stringify(list).includes(canary('instructions')));
  assert.ok(list.data.length >= 10);
  while (model.hooks.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));

  // A turn whose model is silent, and a receiver that is away: their jobs and deliveries stay.
  const held = model.script(async (turn) => {
    await turn.text(canary('held'));
    await turn.closed;
  });
  const { id: open } = await ask('POST', '/responses', { ...background, model: held, input: canary('held-input') });
  const reader = fetchUntil(`${socket.raw.url.replace('ws', 'http')}/${open}?stream=true`, canary('held'));
  await reader;
  model.answerHooks(500, 500, 500, 500);
  await ended((await ask('POST', '/responses', background)).id);
  while (model.hooks.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  return open;
}

/** Reads until a word has come. */
async function fetchUntil(url: string, word: string): Promise<void> {
  const leave = new AbortController();
  const reader = (await fetch(url, { signal: leave.signal })).body?.getReader();
  for (let text = ''; !text.includes(word); ) text += new TextDecoder().decode((await reader?.read())?.value);
  leave.abort();
}

/** A database, as whoever has its files sees it. */
interface Place {
  url: string;
  query(sql: string): Promise<Record<string, unknown>[]>;
  /** Its files as they are, whatever is in them. */
  files(): Promise<string[]>;
}

async function sqlitePlace(): Promise<Place> {
  const path = join(newFolder(), 'a.db');
  return {
    url: `sqlite:${path}`,
    async query(sql) {
      const connection = new DatabaseSync(path, { readOnly: true });
      try {
        return connection.prepare(sql).all();
      } finally {
        connection.close();
      }
    },
    files: async () => ['', '-wal', '-shm', '-journal'].map((suffix) => `${path}${suffix}`).filter(existsSync),
  };
}

async function postgresPlace(t: TestContext): Promise<Place> {
  const server = await startPostgres();
  t.after(() => server.stop());
  const url = await server.newDatabase();
  const query = async (sql: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };
  return {
    url,
    query,
    async files() {
      await query('CHECKPOINT');
      const folder = String((await query('SHOW data_directory'))[0]?.data_directory);
      const all = readdirSync(folder, { recursive: true, withFileTypes: true });
      return all.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    },
  };
}

/** The values of each column with texts that begin as what is encrypted, and those that do not. */
async function valuesOf({ query }: Place) {
  const values = new Map<string, { encrypted: number; plain: string[] }>();
  for (const place of decisions().keys()) {
    const [table, column] = place.split('.');
    const rows = await query(`SELECT ${column} AS value FROM ${table} WHERE ${column} <> ''`);
    const all = rows.map(({ value }) => String(value));
    const plain = all.filter((value) => value.charCodeAt(0) !== 1);
    values.set(place, { encrypted: all.length - plain.length, plain });
  }
  return values;
}

/** Words of clients in the raw bytes of the files of a database. */
async function wordsIn({ files }: Place): Promise<string[]> {
  const found = new Set<string>();
  for (const file of await files()) {
    const bytes = readFileSync(file);
    for (const word of said) if (bytes.includes(word)) found.add(word);
  }
  return [...found].sort();
}

for (const [kind, open] of Object.entries({ SQLite: sqlitePlace, PostgreSQL: postgresPlace })) {
  test(`no word of a client is in the files of an encrypted ${kind}, and each column is as the page says`, async (t) => {
    const place = await open(t);
    const product = await start(t, true, place);
    const held = await leaveTexts(product);
    assert.deepEqual(await wordsIn(place), []);
    for (const [column, { encrypted, plain }] of await valuesOf(place)) {
      if (decisions().get(column)?.encrypted) {
        assert.ok(encrypted > 0, `${column} has nothing encrypted, so this shows nothing of it`);
        assert.deepEqual(plain, [], column);
      } else assert.equal(encrypted, 0, column);
    }
    await product.ask('POST', `/responses/${held}/cancel`);
  });

  test(`and all of them are in the files of a ${kind} that is not`, async (t) => {
    const place = await open(t);
    const product = await start(t, false, place);
    const held = await leaveTexts(product);
    // PostgreSQL compresses what is large.
    const shown = kind === 'SQLite' ? [...said] : [...said].filter((word) => !word.includes('large'));
    assert.deepEqual(await wordsIn(place), shown.sort());
    await product.ask('POST', `/responses/${held}/cancel`);
  });
}
