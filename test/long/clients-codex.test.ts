import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { callsTool } from '../clients/client-tools.ts';
import { type CodexRun, type CodexSettings, openCodex } from '../clients/codex.ts';
import { type ClientsDoor, openForClients } from '../clients/door.ts';
import { heard } from '../clients/heard.ts';
import {
  callsFunctions,
  hangs,
  replies,
  type Script,
  says,
  sends,
  startScriptedModel,
  type Turn,
} from '../support/model/scripted.ts';
import { startCommand } from '../support/product.ts';

// What Codex 0.169.0 sends for a model that it does not know, as those behind this product are: `POST /v1/responses`,
// `stream: true`, `store: false`, `include: ["reasoning.encrypted_content"]`, `tool_choice: "auto"`,
// `parallel_tool_calls: true`, `reasoning: {summary: "auto"}`, `prompt_cache_key`, and `client_metadata`, which no schema
// lists. Its instructions are a developer's message; items that it makes have ids of its own; bodies are not compressed,
// and there is no Idempotency-Key. Over a WebSocket (`supports_websockets`, and with its own provider always) it sends the
// same as `response.create`, after a warm-up with `generate: false`, and goes on by `previous_response_id`. Tools: seven functions, among them `exec_command` and `view_image`; `multi_agent_v1`,
// a namespace of five functions; and `web_search`, which the product leaves out where nobody can run it. Of a search it keeps the id and the action, and reasoning as it is.
// For gpt-5.5 there are `apply_patch`, a custom tool with a grammar (the model is told of it, and Codex checks it), and `tool_search` that the client runs in place of
// the namespace; for gpt-5.6 and later no `tools`, but an item `additional_tools` with namespaces, where `exec`, a custom
// tool with a grammar, runs code that calls all others, and `reasoning.context: "all_turns"`. With `multi_agent_v2` its agents
// write to one another in items `agent_message`: a task in `encrypted_content`, as the model wrote it, a result as text.

const cut = async (turn: Turn) => {
  await turn.text('Hel');
  turn.cut();
};

/** What went wrong for the user, but for its not knowing the model. */
function errorsOf(events: CodexRun['events']): string[] {
  const errors = events.filter(({ type, item }) => type === 'error' || item?.type === 'error');
  const told = errors.map(({ message, item }) => message ?? item.message);
  return told.filter((text: string) => !text.startsWith('Model metadata'));
}

describe('Codex', { timeout: 600_000 }, () => {
  let door: ClientsDoor;
  before(async () => {
    door = await openForClients();
  });
  after(() => door?.close());

  /** A Codex whose model plays these scripts. */
  async function start(t: TestContext, settings: Omit<CodexSettings, 'model'>, ...scripts: Script[]) {
    const model = door.model.script(...scripts);
    const codex = await openCodex(door, { model, ...settings });
    t.after(() => codex.close());
    return { model, codex, tail: (count: number) => heard(door, model).slice(-count) };
  }

  const shell = (cmd: string, id = 'call_a') => ({ name: 'exec_command', args: JSON.stringify({ cmd }), id });

  test('a question, and the answer on stdout', async (t) => {
    const { model, codex, tail } = await start(t, {}, says('Hel', 'lo'));
    const { code, message, output } = await codex.exec('Say hello.').done;
    assert.deepEqual([code, message], [0, 'Hello'], output);
    assert.deepEqual(tail(1), ['user: Say hello.']);
    const [sent] = door.sent(model);
    assert.equal(sent?.headers['content-encoding'], undefined);
    const { stream, store, include } = sent?.body ?? {};
    assert.deepEqual(
      { stream, store, include },
      { stream: true, store: false, include: ['reasoning.encrypted_content'] },
    );
  });

  for (const sockets of [false, true]) {
    test(`its search of the web is one here, ${sockets ? 'over a WebSocket' : 'over HTTP'}, and what it sends later tells of it`, async (t) => {
      const search = callsFunctions({ name: 'web_search', args: '{"query":"snow"}', id: 'c1' });
      const script = [search, callsFunctions(shell('true')), says('In March【1】.'), says('Sure.')];
      const { model, codex, tail } = await start(t, { sockets }, ...script);
      const { code, message, events, output } = await codex.exec('When did it snow?').done;
      const said = `In March([127.0.0.1](${new URL('/snow', door.web.origin).href})).`;
      assert.deepEqual([code, message], [0, said], output);
      const found = events.findLast(({ item }) => item?.type === 'web_search');
      assert.partialDeepStrictEqual(found, { type: 'item.completed', item: { query: 'snow' } });
      const entries = door.sent(model)[0]?.body.tools.filter(({ type }: { type: string }) => /^web_/.test(type));
      assert.deepEqual(entries, [{ type: 'web_search', external_web_access: true }]);
      const told = /^tool \w+: Found on .*Snow fell on 12 March 2031/s;
      assert.match(tail(3)[0] ?? '', told);
      const next = await codex.exec('resume', '--last', 'Sure?').done;
      assert.equal(next.message, 'Sure.', next.output);
      assert.match(tail(5)[0] ?? '', told, 'what it kept of the search, sealed');
    });
  }

  for (const as of [undefined, 'gpt-5.5']) {
    test(`its first prompt to a product without a configuration, as ${as ?? 'a model it does not know'}`, async (t) => {
      const server = await startScriptedModel();
      t.after(() => server.close());
      const product = await startCommand([], { OPENAI_BASE_URL: server.url });
      t.after(async () => {
        product.kill('SIGTERM');
        await product.exited;
      });
      const model = server.script(says('Hel', 'lo'));
      const codex = await openCodex({ baseUrl: `${product.envoy}/v1` }, { model, ...(as && { as }) });
      t.after(() => codex.close());
      const { code, message, output } = await codex.exec('Say hello.').done;
      assert.deepEqual([code, message], [0, 'Hello'], output);
      const [call] = server.calls(model);
      assert.ok(!JSON.stringify(call?.body.tools).includes('web_search'));
      assert.match(product.stdout(), /"dropped_tools":\["web_search"\]/);
      if (as) assert.match(JSON.stringify(call?.body.tools), /"name":"apply_patch".*Begin Patch/);
    });
  }

  test('with a key that a command gives it asks for the models, and knows ours by what they are said to be', async (t) => {
    const told = await openForClients({ models: [{ match: 'known', backend: 'demo', context: 50_000 }] });
    t.after(() => told.close());
    const codex = await openCodex(told, { model: 'known', keyCommand: true });
    t.after(() => codex.close());
    const { code, events, output } = await codex.exec('Say hello.').done;
    assert.equal(code, 0, output);
    assert.ok(!events.some(({ item }) => item?.type === 'error'), output); // "Model metadata for ... not found"
    const [sent] = told.sent('known');
    assert.equal(sent?.headers.authorization, 'Bearer a-key');
    assert.match(JSON.stringify(sent?.body.input), /You share a folder and a terminal/);
    const { models } = JSON.parse(await readFile(join(codex.work, '../.codex/models_cache.json'), 'utf8'));
    assert.equal(models.find(({ slug }: { slug: string }) => slug === 'known')?.context_window, 50_000);
  });

  test('its shell tool: the output reaches the model', async (t) => {
    const { codex, tail } = await start(t, {}, callsFunctions(shell('cat note.txt')), says('Read.'));
    await writeFile(join(codex.work, 'note.txt'), 'the secret word');
    const { message, events, output } = await codex.exec('Read the note.').done;
    assert.equal(message, 'Read.', output);
    const [command] = events.filter(({ type, item }) => type === 'item.completed' && item.type === 'command_execution');
    assert.equal(command?.item.aggregated_output, 'the secret word');
    const [user, call, result = ''] = tail(3);
    assert.equal(user, 'user: Read the note.');
    assert.equal(call, 'assistant: exec_command {"cmd":"cat note.txt"} #call_a');
    assert.match(result, /^tool call_a: .*the secret word/s);
  });

  test('two commands at once, after reasoning, which the model hears again', async (t) => {
    const tool_calls = [shell('echo one', 'call_a'), shell('echo two', 'call_b')].map(({ name, args, id }, index) => ({
      index,
      id,
      type: 'function',
      function: { name, arguments: args },
    }));
    const thinks = sends([{ reasoning_content: 'Hm.' }, { tool_calls }], 'tool_calls');
    const { codex, tail } = await start(t, {}, thinks, says('Done.'));
    const { events, message, output } = await codex.exec('Go.').done;
    assert.equal(message, 'Done.', output);
    const [shown] = events.filter(({ item }) => item?.type === 'reasoning');
    assert.equal(shown?.item.text, 'Hm.', output);
    const [call = '', one = '', two = ''] = tail(3);
    assert.match(call, /^assistant: \(Hm\.\) exec_command .* #call_a exec_command .* #call_b$/);
    assert.match(one, /^tool call_a: .*one/s);
    assert.match(two, /^tool call_b: .*two/s);
  });

  test('a picture that it views reaches the model', async (t) => {
    const look = { name: 'view_image', args: '{"path":"pixel.png"}', id: 'call_a' };
    const { codex, model } = await start(t, {}, callsFunctions(look), says('Red.'));
    await writeFile(join(codex.work, 'pixel.png'), Buffer.from(PIXEL, 'base64'));
    const { message, output } = await codex.exec('Look.').done;
    assert.equal(message, 'Red.', output);
    assert.ok(JSON.stringify(door.model.calls(model)[1]?.body.messages).includes(`data:image/png;base64,${PIXEL}`));
  });

  test('a session that is resumed goes on where it ended', async (t) => {
    const { codex, tail } = await start(t, {}, says('one'), says('two'));
    assert.equal((await codex.exec('A').done).message, 'one');
    const { message, output } = await codex.exec('resume', '--last', 'B').done;
    assert.equal(message, 'two', output);
    assert.deepEqual(tail(3), ['user: A', 'assistant: one', 'user: B']);
  });

  test('an answer by a schema', async (t) => {
    const { codex, model } = await start(t, {}, says('{"city":"Rome"}'));
    const properties = { city: { type: 'string' } };
    const schema = { type: 'object', properties, required: ['city'], additionalProperties: false };
    await writeFile(join(codex.work, 'schema.json'), JSON.stringify(schema));
    const { message, output } = await codex.exec('--output-schema', 'schema.json', 'Where?').done;
    assert.equal(message, '{"city":"Rome"}', output);
    assert.deepEqual(door.model.calls(model)[0]?.body.response_format.json_schema.schema, schema);
  });

  test('a model that is busy, and one whose stream breaks, are asked again', async (t) => {
    const { codex, model } = await start(t, {}, replies(429, {}, { 'retry-after': '0' }), cut, says('Hello'));
    const { message, output } = await codex.exec('Hi').done;
    assert.equal(message, 'Hello', output);
    assert.equal(door.model.calls(model).length, 3);
  });

  for (const settings of [{ sockets: true }, { builtIn: true }]) {
    const provider = settings.builtIn ? 'its own provider' : 'a provider that is said to have them';
    test(`over WebSockets, with ${provider}: a command whose output goes on from what was said`, async (t) => {
      const { codex, model, tail } = await start(t, settings, callsFunctions(shell('cat note.txt')), says('Read.'));
      await writeFile(join(codex.work, 'note.txt'), 'the secret word');
      const { message, events, output } = await codex.exec('Read the note.').done;
      assert.equal(message, 'Read.', output);
      assert.deepEqual(errorsOf(events), []);
      const [user, call, result = ''] = tail(3);
      assert.deepEqual(
        [user, call],
        ['user: Read the note.', 'assistant: exec_command {"cmd":"cat note.txt"} #call_a'],
      );
      assert.match(result, /^tool call_a: .*the secret word/s);
      const sent = door.sent(model);
      assert.deepEqual(
        sent.map(({ method, body }) => `${method} ${body.store} ${body.generate ?? true}`),
        ['WebSocket false false', 'WebSocket false true', 'WebSocket false true'],
      );
      const [warm, first, second] = sent.map(({ body }) => body);
      assert.ok(!warm.previous_response_id && first.previous_response_id && second.previous_response_id);
      assert.deepEqual(
        second.input.map(({ type }: { type: string }) => type),
        ['function_call_output'],
        'it sends what is new, and nothing again',
      );
    });
  }

  test('over WebSockets: a stream that breaks is asked for again, and what is refused is told', async (t) => {
    const { codex, model } = await start(t, { sockets: true }, cut, says('Hello'));
    const { message, output } = await codex.exec('Hi').done;
    assert.equal(message, 'Hello', output);
    assert.equal(door.model.calls(model).length, 2);
    const refused = await openCodex(door, { model: 'nobody-hears', sockets: true });
    t.after(() => refused.close());
    const { code, events } = await refused.exec('Hi').done;
    assert.notEqual(code, 0);
    assert.match(events.at(-1)?.error.message, /not one that this server offers/);
  });

  test('over WebSockets, interrupted: it leaves, and the model call ends', async (t) => {
    const { script, begun } = hangs();
    const { codex, model } = await start(t, { sockets: true }, script);
    const run = codex.exec('Hi');
    await Promise.race([begun, run.done]);
    run.interrupt();
    await door.model.calls(model)[0]?.closed;
    await run.done;
  });

  test('with its own provider, through an Envoy that has no route for WebSockets: it goes on over HTTP', async (t) => {
    const without = await openForClients({}, false);
    t.after(() => without.close());
    const model = without.model.script(says('Hello'));
    const codex = await openCodex(without, { model, builtIn: true });
    t.after(() => codex.close());
    const { message, events, output } = await codex.exec('Hi').done;
    assert.equal(message, 'Hello', output);
    assert.deepEqual(errorsOf(events), []);
    assert.deepEqual(
      without.sent(model).map(({ method }) => method),
      ['POST'],
    );
  });

  test('what is refused is told, and not asked again', async (t) => {
    const codex = await openCodex(door, { model: 'nobody-knows' });
    t.after(() => codex.close());
    const { code, events } = await codex.exec('Hi').done;
    assert.notEqual(code, 0);
    assert.match(events.at(-1)?.error.message, /not one that this server offers/);
    assert.equal(door.sent('nobody-knows').length, 1);
  });

  test('interrupted, it leaves, and the model call ends', async (t) => {
    const { script, begun } = hangs();
    const { codex, model } = await start(t, {}, script);
    const run = codex.exec('Hi');
    await Promise.race([begun, run.done]);
    run.interrupt();
    await door.model.calls(model)[0]?.closed;
    await run.done;
  });

  test('a function of a namespace', async (t) => {
    const { codex, tail } = await start(t, {}, callsTool('close_agent', { target: 'nobody' }), says('Done.'));
    const { message, output } = await codex.exec('Go.').done;
    assert.equal(message, 'Done.', output);
    assert.match(tail(1)[0] ?? '', /^tool call_a: .*invalid agent id nobody/);
  });

  test('a sub-agent gets its task, and its answer gets back', async (t) => {
    const plays: Script = (turn) => {
      const told = JSON.stringify(turn.body.messages);
      if (told.includes('NEW_TASK')) return says('Ten.')(turn);
      const task = { task_name: 'counter', message: 'Count to ten, child.' };
      const rounds = [callsTool('spawn_agent', task), callsTool('wait_agent', { timeout_ms: 30_000 })];
      return (rounds[told.split('"tool_calls"').length - 1] ?? says('Done.'))(turn);
    };
    const { model, codex } = await start(t, { config: 'features.multi_agent_v2 = true' }, plays);
    const { message, output } = await codex.exec('Go.').done;
    assert.equal(message, 'Done.', output);
    const last = door.model.calls(model).map((_, call) => heard(door, model, call).at(-1) ?? '');
    const messages = [
      /^user: .*NEW_TASK.*Payload:\nCount to ten, child\.$/s,
      /^user: .*FINAL_ANSWER.*Payload:\nTen\.$/s,
    ];
    for (const told of messages)
      assert.ok(
        last.some((line) => told.test(line)),
        last.join('\n'),
      );
  });

  test('as gpt-5.5: a patch by its custom tool', async (t) => {
    const patch = '*** Begin Patch\n*** Add File: hello.txt\n+Hello\n*** End Patch';
    const { codex, tail } = await start(
      t,
      { as: 'gpt-5.5' },
      callsTool('apply_patch', { input: patch }),
      says('Done.'),
    );
    const { message, output } = await codex.exec('Write it.').done;
    assert.equal(message, 'Done.', output);
    assert.equal(await readFile(join(codex.work, 'hello.txt'), 'utf8'), 'Hello\n');
    assert.match(tail(1)[0] ?? '', /^tool call_a: .*Success/s);
  });

  test('as gpt-6.1-sol: its tools come as an item of the input, and it runs code', async (t) => {
    const code = "const r = await tools.exec_command({ cmd: 'echo the word' }); text(r.output);";
    const { codex, tail } = await start(t, { as: 'gpt-6.1-sol' }, callsTool('exec', { input: code }), says('Done.'));
    const { message, output } = await codex.exec('Go.').done;
    assert.equal(message, 'Done.', output);
    assert.match(tail(1)[0] ?? '', /^tool call_a: .*the word/s);
  });
});

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
