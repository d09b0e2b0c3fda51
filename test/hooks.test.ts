import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Hooks, PassedOnRequest } from '../handler/hooks/hooks.ts';
import { ApiError, parseConfig } from '../handler/index.ts';
import { ended } from './promises/background.ts';
import { serveHosted } from './promises/hosted-ask.ts';
import { testDatabase } from './support/doors/database.ts';
import { type Door, post, testConfig, testConfigFile } from './support/doors/door.ts';
import { openInProcess } from './support/doors/in-process.ts';
import { openNodeHttp } from './support/doors/node-http.ts';
import { callsFunctions, type Script, says } from './support/model/scripted.ts';
import { LEASE, mortal, takenOver } from './support/processes.ts';
import { openSocket } from './support/socket.ts';
import { parseStream } from './support/sse.ts';

/** A server on plain HTTP with these hooks, for as long as a test. */
async function open(t: TestContext, hooks: Hooks): Promise<Door> {
  const door = await openNodeHttp({ hooks });
  t.after(() => door.close());
  return door;
}

/** A response, as far as it is looked at here. */
interface Said {
  id: string;
  status: string;
  output: { type: string; content?: { text?: string }[] }[];
  metadata?: object;
  error?: { message: string } | null;
}

/** The JSON of a reply. */
const jsonOf = async (reply: Response) => (await reply.json()) as Said;

/** A stream to its end, whose terminal event may have another output than was streamed. */
async function stream(door: Door, body: object) {
  const reply = await post(door, { input: 'Hi', ...body, stream: true });
  const { events } = parseStream(await reply.text());
  return { events, final: (events.at(-1) as { response: Said }).response };
}

/** A response as it is read, once it is there. */
async function readBack(door: Door, id: string): Promise<Said> {
  return jsonOf(await door.fetch(`/v1/responses/${id}`));
}

/** What a response says, in the ways that it is heard of: as JSON, as the end of a stream, over a WebSocket, in the background, and when it is read. */
async function heard(door: Door, body: object): Promise<Record<string, string[]>> {
  const json = await jsonOf(await post(door, { input: 'Hi', ...body }));
  const { final } = await stream(door, body);
  const socket = await openSocket(door);
  socket.send({ type: 'response.create', input: 'Hi', ...body });
  const over = (await socket.events()).at(-1).response;
  socket.close();
  const begun = await jsonOf(await post(door, { input: 'Hi', ...body, background: true }));
  await ended(door, begun.id);
  const texts = ({ output }: Said) => output.flatMap(({ content = [] }) => content.map(({ text = '' }) => text));
  return {
    json: texts(json),
    stream: texts(final),
    socket: texts(over),
    background: texts(await readBack(door, begun.id)),
    read: texts(await readBack(door, json.id)),
    'read after a stream': texts(await readBack(door, final.id)),
  };
}

const inAll = (said: string) => ({
  ...{ json: [said], stream: [said], socket: [said], background: [said] },
  ...{ read: [said], 'read after a stream': [said] },
});

describe('before', () => {
  test('changes a request, however it comes, but not whether it is a stream or in the background', async (t) => {
    const seen: string[] = [];
    const door = await open(t, {
      before(request, { caller }) {
        seen.push(`${caller.tenant ?? 'default'} ${request.instructions ?? null}`);
        return { ...request, instructions: 'Be kind.', stream: null, background: null };
      },
    });
    const model = door.model.script(says('Hello'));
    assert.deepEqual(await heard(door, { model, instructions: 'Be rude.' }), inAll('Hello'));
    assert.deepEqual(seen, Array(4).fill('default Be rude.'));
    for (const { body } of door.model.calls(model)) assert.equal(body.messages[0].content, 'Be kind.');
  });

  test('what it does not return it has not changed', async (t) => {
    const door = await open(t, {
      before(request) {
        request.instructions = 'Be rude.';
        return undefined;
      },
    });
    const model = door.model.script(says('Hello'));
    await heard(door, { model });
    for (const { body } of door.model.calls(model)) assert.equal(body.messages[0].role, 'user');
  });

  test('refuses one with an error of its own: of creates, sockets, messages, chats that are translated, counts and compactions', async (t) => {
    const door = await open(t, {
      before({ input }) {
        if (JSON.stringify(input).includes('bomb'))
          throw new ApiError('permissions', 'We do not speak of that.', { param: 'input' });
        return undefined;
      },
    });
    const model = door.model.anthropic(says('never'));
    const headers = { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' };
    const messages = [{ role: 'user', content: 'a bomb' }];
    const paths: [path: string, body: object][] = [
      ['/v1/responses', { input: 'a bomb' }],
      ['/v1/responses', { input: 'a bomb', stream: true }],
      ['/v1/responses', { input: [{ role: 'user', content: 'a bomb' }], background: true }],
      ['/v1/responses/input_tokens', { input: 'a bomb' }],
      ['/v1/responses/compact', { input: 'a bomb' }],
      ['/v1/messages', { messages, max_tokens: 10 }],
      ['/v1/chat/completions', { messages }],
    ];
    for (const [path, body] of paths) {
      const reply = await door.fetch(path, { method: 'POST', headers, body: JSON.stringify({ model, ...body }) });
      const text = await reply.text();
      assert.equal(reply.status, 403, `${path} ${text}`);
      assert.match(text, /We do not speak of that\./);
    }
    const socket = await openSocket(door);
    socket.send({ type: 'response.create', model, input: 'a bomb' });
    assert.partialDeepStrictEqual(await socket.next(), { type: 'error', status: 403 });
    socket.close();
    assert.equal(door.model.calls(model).length, 0);
  });

  test('sees what is put into a conversation, and changes or refuses it', async (t) => {
    const seen: unknown[] = [];
    const door = await open(t, {
      before({ input, model }) {
        seen.push(model);
        if (JSON.stringify(input).includes('bomb')) throw new ApiError('permissions', 'We do not speak of that.');
        return { input: JSON.parse(JSON.stringify(input).replaceAll('rude', 'kind')) };
      },
    });
    const send = (path: string, body: object) =>
      door.fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    const items = (text: string) => [{ role: 'user', content: text }];
    const made = await send('/v1/conversations', { items: items('Be rude.') });
    const { id } = (await made.json()) as Said;
    assert.equal((await send(`/v1/conversations/${id}/items`, { items: items('Very rude.') })).status, 200);
    for (const path of ['/v1/conversations', `/v1/conversations/${id}/items`])
      assert.equal((await send(path, { items: items('a bomb') })).status, 403, path);
    assert.equal((await send('/v1/conversations', {})).status, 200);
    assert.deepEqual(seen, Array(4).fill(undefined));
    const listed = await (await door.fetch(`/v1/conversations/${id}/items`)).text();
    assert.match(listed, /Be kind\..*|Very kind\./);
    assert.doesNotMatch(listed, /rude|bomb/);
  });

  for (const [name, before] of [
    ['throws', () => assert.fail('a secret of ours')],
    ['returns no request', () => ({ input: 5 }) as never],
    ['hangs', () => new Promise<undefined>(() => {})],
  ] satisfies [string, NonNullable<Hooks['before']>][]) {
    test(`one that ${name} is a 500 that tells nothing`, async (t) => {
      const short = await openShort(t, { before });
      const model = short.model.script(says('never'));
      const reply = await post(short, { model, input: 'Hi' });
      const text = await reply.text();
      assert.equal(reply.status, 500);
      assert.doesNotMatch(text, /secret|hook/);
      assert.equal(short.model.calls(model).length, 0);
    });
  }
});

/** The same in process, with hooks that may take no time. */
async function openShort(t: TestContext, hooks: Hooks): Promise<Door> {
  const first = await openInProcess();
  const config = parseConfig({ ...testConfigFile(first.model), limits: { hook: '100ms' } });
  const door = await openInProcess({ hooks, config });
  t.after(() => Promise.all([first.close(), door.close()]));
  return { ...door, model: first.model };
}

/** The item, which has itself as a member. */
function asCircle<T extends object>(item: T): T {
  return Object.assign(item, { self: item });
}

describe('after', () => {
  const rewriting: Hooks = {
    after: (response) => ({
      ...response,
      id: 'resp_other',
      status: 'failed',
      metadata: { seen: 'yes' },
      output: response.output.map((item) =>
        item.type === 'message'
          ? { ...item, content: [{ type: 'output_text', text: 'Hidden.', annotations: [], logprobs: [] }] }
          : item,
      ),
    }),
  };

  test('changes the output and the metadata of a response before it is told and stored, and nothing else', async (t) => {
    const door = await open(t, rewriting);
    const model = door.model.script(says('A secret.'));
    assert.deepEqual(await heard(door, { model }), inAll('Hidden.'));
    const { events, final } = await stream(door, { model, metadata: { mine: '1' } });
    assert.equal(final.status, 'completed');
    assert.deepEqual(final.metadata, { seen: 'yes' });
    assert.ok(
      events.some((event) => event.type === 'response.output_text.delta' && event.delta === 'A secret.'),
      'what was streamed stays',
    );
    const next = door.model.script(says('Done.'));
    await post(door, { model: next, input: 'And?', previous_response_id: final.id });
    assert.equal(door.model.calls(next)[0]?.body.messages[1].content, 'Hidden.');
  });

  test('changes items of earlier rounds, in the foreground and the background', async (t) => {
    const door = await open(t, {
      after: (response) => ({ ...response, output: response.output.filter(({ type }) => type === 'message') }),
    });
    const call = callsFunctions({ name: 'weather', args: '{"city":"Rome"}' });
    for (const more of [{}, { stream: true }, { background: true }]) {
      const model = door.model.script(call, says('Mild.'));
      const reply = await post(door, { model, input: 'Hi', tools: [{ type: 'function', name: 'weather' }], ...more });
      const text = await reply.text();
      const id = /resp_\w+/.exec(text)?.[0] ?? '';
      if ('background' in more) await ended(door, id);
      const { status, output } = await readBack(door, id);
      assert.deepEqual([status, output.map(({ type }) => type)], ['completed', ['message']], JSON.stringify(more));
    }
  });

  const refusing: Hooks = {
    after({ output }) {
      if (JSON.stringify(output).includes('secret')) throw new ApiError('refused', 'That is not to be said.');
      return undefined;
    },
  };

  test('refuses one: its reply is the error, its stream fails, and nothing of it is stored', async (t) => {
    const door = await open(t, refusing);
    const model = door.model.script(says('A secret.'));
    const reply = await post(door, { model, input: 'Hi' });
    assert.deepEqual([reply.status, (await jsonOf(reply)).error?.message], [400, 'That is not to be said.']);
    const { events, final } = await stream(door, { model });
    assert.equal(events.at(-1)?.type, 'response.failed');
    assert.deepEqual([final.status, final.output, final.error?.message], ['failed', [], 'That is not to be said.']);
    assert.deepEqual((await readBack(door, final.id)).output, []);
    const begun = await jsonOf(await post(door, { model, input: 'Hi', background: true }));
    await ended(door, begun.id);
    const background = await readBack(door, begun.id);
    assert.deepEqual([background.status, background.output], ['failed', []]);
    const fine = door.model.script(says('Nothing.'));
    assert.deepEqual(await heard(door, { model: fine }), inAll('Nothing.'));
  });

  test('changes messages and chats that come in one piece, whatever server has the model', async (t) => {
    const door = await open(t, rewriting);
    const headers = { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' };
    const messages = [{ role: 'user', content: 'Hi' }];
    for (const path of ['/v1/messages', '/v1/chat/completions']) {
      const model = door.model.script(says('A secret.'));
      const body = JSON.stringify({ model, messages, max_tokens: 100 });
      const reply = await door.fetch(path, { method: 'POST', headers, body });
      const text = await reply.text();
      assert.equal(reply.status, 200, text);
      assert.match(text, /Hidden\./);
      assert.doesNotMatch(text, /secret/);
      const refusal = JSON.stringify({ model: door.model.script(() => {}), messages, max_tokens: 100 });
      assert.ok((await door.fetch(path, { method: 'POST', headers, body: refusal })).status >= 500, 'one that fails');
    }
  });

  test('sees what a turn had made that failed, or whose client left: what it refuses of that is not kept', async (t) => {
    const statuses: string[] = [];
    const begun = Promise.withResolvers<void>();
    const breaks = (turn: { text(text: string): Promise<void>; cut(): void }) =>
      turn.text('A secret.').then(() => turn.cut());
    const hides = await open(t, {
      after(response) {
        statuses.push(response.status);
        return rewriting.after?.(response, {} as never);
      },
    });
    const { final } = await stream(hides, { model: hides.model.script(breaks) });
    assert.equal(final.status, 'failed');
    assert.doesNotMatch(JSON.stringify(final) + JSON.stringify(await readBack(hides, final.id)), /secret/);
    assert.match(JSON.stringify(await readBack(hides, final.id)), /Hidden\./);

    const refuses = await open(t, refusing);
    const failed = await stream(refuses, { model: refuses.model.script(breaks) });
    const { status, output, error } = await readBack(refuses, failed.final.id);
    assert.deepEqual([status, output, error?.message === 'That is not to be said.'], ['failed', [], false]);

    const left = new AbortController();
    const model = hides.model.script(async (turn) => {
      await turn.text('A secret.');
      begun.resolve();
      await turn.closed;
    });
    const asked = post(hides, { model, input: 'Hi', metadata: { of: 'left' } }, { signal: left.signal });
    await begun.promise;
    left.abort();
    await asked.catch(() => {});
    const id = await until(async () => {
      const { data } = (await (await hides.fetch('/v1/responses?limit=1')).json()) as { data: Said[] };
      return data[0]?.status === 'cancelled' ? data[0].id : undefined;
    });
    assert.doesNotMatch(JSON.stringify(await readBack(hides, id)), /secret/);
    assert.deepEqual(statuses, ['failed', 'cancelled']);
  });

  test('leaves nothing sealed beside calls that it may change, where a client keeps the history', async (t) => {
    const call = callsFunctions({ name: 'code_interpreter', args: '{"code":"1+1"}' });
    const types: string[][] = [];
    for (const hooks of [{}, { after: () => undefined }]) {
      const door = await openInProcess({ hooks, hosted: true });
      t.after(() => door.close());
      serveHosted(door);
      const body = { model: door.model.script(call, says('Two.')), input: 'Hi', store: false };
      const tools = [{ type: 'code_interpreter', container: { type: 'auto' } }];
      const reply = await post(door, { ...body, tools, include: ['reasoning.encrypted_content'] });
      types.push((await jsonOf(reply)).output.map(({ type }) => type));
    }
    assert.deepEqual(types, [
      ['code_interpreter_call', 'reasoning', 'message'],
      ['code_interpreter_call', 'message'],
    ]);
  });

  test('sees what is not stored as well, and what ends as incomplete', async (t) => {
    const statuses: string[] = [];
    const door = await open(t, {
      after({ status }) {
        statuses.push(status);
        return undefined;
      },
    });
    await stream(door, { model: door.model.script(says('a')), store: false });
    const cut = door.model.script(async (turn) => {
      await turn.text('a');
      await turn.finish('length');
    });
    await stream(door, { model: cut });
    assert.deepEqual(statuses, ['completed', 'incomplete']);
  });

  for (const [name, after] of [
    ['throws', () => assert.fail('a secret of ours')],
    ['returns items that are none', (response) => ({ ...response, output: [{ type: 'message' }] as never })],
    ['returns what is no JSON', (response) => ({ ...response, output: response.output.map(asCircle) })],
    ['hangs', () => new Promise<undefined>(() => {})],
  ] satisfies [string, NonNullable<Hooks['after']>][]) {
    test(`one that ${name} fails its response, without output, and tells nothing`, async (t) => {
      const door = await openShort(t, { after });
      const begun = await jsonOf(
        await post(door, { model: door.model.script(says('Hi')), input: 'Hi', background: true }),
      );
      await ended(door, begun.id);
      assert.equal((await readBack(door, begun.id)).status, 'failed');
      const { final } = await stream(door, { model: door.model.script(says('Hello')) });
      assert.deepEqual([final.status, final.output], ['failed', []]);
      assert.doesNotMatch(JSON.stringify(final), /secret|hook/);
      assert.deepEqual((await readBack(door, final.id)).output, []);
    });
  }

  test('sees the response of a turn that another process has begun', async (t) => {
    const whole = await testDatabase();
    const { database, dieAfter } = mortal(whole);
    const first = await openInProcess({ database, lease: LEASE });
    const config = testConfig(first.model);
    const second = await openInProcess({ database: whole, lease: LEASE, config, hooks: rewriting });
    t.after(() => Promise.all([first.close(), second.close()]));
    dieAfter(/^UPDATE jobs SET progress/);
    const model = first.model.script(callsFunctions({ name: 'weather', args: '{}' }), says('A secret.'));
    const begun = await jsonOf(
      await post(first, { model, input: 'Hi', background: true, tools: [{ type: 'function', name: 'weather' }] }),
    );
    const { status, output } = await takenOver(second, begun.id);
    assert.equal(status, 'completed', JSON.stringify(output));
    assert.partialDeepStrictEqual(output.at(-1), { type: 'message', content: [{ text: 'Hidden.' }] });
  });
});

/** What a look gives, once it gives something. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise(setImmediate);
  }
}

describe('passOn', () => {
  const headers = { 'content-type': 'application/json' };
  const embeds = (door: Door, model: string, input: string) =>
    door.fetch('/v1/embeddings', {
      method: 'POST',
      headers,
      body: JSON.stringify({ model, input, encoding_format: 'float' }),
    });
  const answers: Script = (turn) => turn.reply(200, { object: 'list', model: 'm', data: [], usage: {} });
  const speech = (door: Door, model: string) => {
    const form = new FormData();
    form.set('model', model);
    form.set('file', new Blob(['sound']), 'a.wav');
    return door.fetch('/v1/audio/transcriptions', { method: 'POST', body: form });
  };

  test('sees requests that are passed on as they are, and changes or refuses them', async (t) => {
    const seen: PassedOnRequest[] = [];
    const door = await open(t, {
      passOn(request) {
        seen.push(structuredClone(request));
        const { body } = request;
        if (JSON.stringify(body ?? '').includes('bomb')) throw new ApiError('permissions', 'We do not speak of that.');
        return body && { ...body, input: 'kind', model: 'other', encoding_format: undefined };
      },
    });
    const model = door.model.counting('scripted', { '/v1/embeddings': answers, '/v1/audio/transcriptions': answers });
    assert.equal((await embeds(door, model, 'rude')).status, 200);
    assert.equal((await embeds(door, model, 'a bomb')).status, 403);
    assert.equal((await speech(door, model)).status, 200);
    const [call, form] = door.model.calls(model);
    assert.deepEqual(call?.body, { model, input: 'kind' });
    assert.equal(form?.path, '/v1/audio/transcriptions');
    assert.partialDeepStrictEqual(seen, [
      { path: '/v1/embeddings', model, body: { input: 'rude' } },
      { path: '/v1/embeddings', model },
      { path: '/v1/audio/transcriptions', model, body: undefined },
    ]);
    const chat = { model: door.model.script(says('Hi')), messages: [{ role: 'user', content: 'a bomb' }] };
    const said = await door.fetch('/v1/chat/completions', { method: 'POST', headers, body: JSON.stringify(chat) });
    assert.equal(said.status, 403);
  });

  for (const hooks of [{ before: () => undefined }, { after: () => undefined }] satisfies Hooks[])
    test(`where there is none, what ${Object.keys(hooks)} would not see is not passed on`, async (t) => {
      const door = await open(t, hooks);
      const model = door.model.counting('scripted', { '/v1/embeddings': answers });
      for (const reply of [await embeds(door, model, 'Hi'), await speech(door, model)]) {
        assert.equal(reply.status, 403);
        assert.match(
          await reply.text(),
          /unseen by the hooks of this server: only its hook `passOn` lets them through/,
        );
      }
      assert.equal(door.model.calls(model).length, 0);
    });

  for (const [name, passOn] of [
    ['throws', () => assert.fail('a secret of ours')],
    ['returns no request', () => ({ messages: 5 })],
    ['returns none', () => 5 as never],
    ['hangs', () => new Promise<undefined>(() => {})],
  ] satisfies [string, NonNullable<Hooks['passOn']>][])
    test(`one that ${name} is a 500 that tells nothing`, async (t) => {
      const door = await openShort(t, { passOn });
      const model = door.model.script(says('never'));
      const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }] });
      const reply = await door.fetch('/v1/chat/completions', { method: 'POST', headers, body });
      assert.equal(reply.status, 500, name);
      assert.doesNotMatch(await reply.text(), /secret|hook/);
      assert.equal(door.model.calls(model).length, 0);
    });
});
