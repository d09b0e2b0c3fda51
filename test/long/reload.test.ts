import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import OpenAI from 'openai';
import { ended } from '../promises/background.ts';
import { callOf } from '../promises/mcp-ask.ts';
import { until } from '../promises/state-ask.ts';
import { doorAt } from '../support/doors/door.ts';
import { newFolder } from '../support/folder.ts';
import { gives } from '../support/mcp-server.ts';
import { callsFunctions, type Script, says, startScriptedModel, type Turn } from '../support/model/scripted.ts';
import { startCommand } from '../support/product.ts';
import { openSocket } from '../support/socket.ts';
import { parseStream } from '../support/sse.ts';

/** How often the configuration changes. */
const RELOADS = Number(process.env.RELOADS ?? 50);

/** Clients that ask one thing after another, half of them through Envoy. */
const CLIENTS = 8;

/** The text of a response with one message. */
const textOf = ({ output }: { output: unknown }): string =>
  /"text":("(?:[^"\\]|\\.)*")/.exec(JSON.stringify(output))?.[1] ?? '';

/** The number of the configuration that a text names. */
const numberIn = (text: string, word: string) => Number(new RegExp(`${word}-(\\d+)`).exec(text)?.[1] ?? Number.NaN);

test('while the configuration changes 50 times no request fails, and each answer is of one configuration as a whole', async (t) => {
  const dir = newFolder();
  const model = await startScriptedModel();
  t.after(() => model.close());
  const file = join(dir, 'antiphon.yaml');
  const keyFile = join(dir, 'key');
  let newest = 0;

  /** What a model's server was sent of a configuration: its key, and the instructions of its prompt. It takes no other key. */
  const told = ({ headers, body }: Turn) => {
    const key = numberIn(String(headers.authorization), 'Bearer key');
    const taken = key >= 0 && key <= newest;
    return { taken, text: `key-${key} ${JSON.stringify(body.messages[0])}` };
  };
  const answers: Script = async (turn) => {
    const { taken, text } = told(turn);
    if (!taken) return turn.reply(401, { error: { message: 'wrong key' } });
    await turn.text(text);
    await turn.sleep(20);
    await turn.text(' end');
    await turn.finish();
  };
  const name = model.script(answers);
  /** What a server of MCP was sent of a configuration: its credential. It takes no other. */
  const who = model.mcp.serve([
    {
      name: 'who',
      run: async (_, { headers }) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return gives(`mcp-${numberIn(String(headers.authorization), 'Bearer credential')}`);
      },
    },
  ]);
  const calls: Script = async (turn) => {
    const { taken, text } = told(turn);
    const got = turn.body.messages.filter(({ role }: { role: string }) => role === 'tool');
    if (!taken) return turn.reply(401, { error: { message: 'wrong key' } });
    if (got.length < 2)
      return callsFunctions(callOf({ label: 'who' }, { name: 'who', args: {}, id: `c${got.length}` }))(turn);
    await says(`${text} ${JSON.stringify(got.map(({ content }: { content: string }) => content))} end`)(turn);
  };
  const calling = model.script(calls);
  const lasts = Promise.withResolvers<void>();
  const lasting: Script = async (turn) => {
    await turn.text(told(turn).text);
    for (let over = false; !over; ) {
      over = await Promise.race([lasts.promise.then(() => true), turn.sleep(200).then(() => false)]);
      await turn.text('.');
    }
    await turn.finish();
  };

  /** Writes one part at once, so that the file in two parts is never of two configurations. */
  const write = (n: number) => {
    newest = n;
    const models = [
      { match: `c-${n}`, backend: 'demo' },
      { match: 'other-*', backend: 'chat', url: model.url, key: { file: keyFile } },
      { match: '*', backend: 'chat', url: model.url, key: `key-${n}` },
    ];
    const prompts = [{ id: 'which', version: '1', instructions: `prompt-${n}` }];
    const limits = { turns: 100 + (n % 7), inFlight: `${256 + (n % 5)}MiB`, backgroundTurns: 2 + (n % 3) };
    const headers = { authorization: `Bearer credential-${n}` };
    const mcp = [{ label: 'who', url: who.url, headers, requireApproval: 'never' }];
    const text = JSON.stringify({ models, prompts, mcp, database: `sqlite:${join(dir, 'a.db')}`, limits });
    if (n % 3 === 0) writeFileSync(keyFile, `other-${n}`);
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  write(0);
  writeFileSync(keyFile, 'other');
  const product = await startCommand(['-log-level', 'info', '-config', file]);
  t.after(async () => {
    product.kill('SIGKILL');
    await product.exited;
  });
  assert.match(product.stderr(), /is ready/, product.stderr());

  /** Checks an answer, which was asked for when this configuration was the newest. A turn in the background has the prompt of then, and begins later. */
  const check = (text: string, since: number, isLater = false) => {
    const [key, prompt] = [numberIn(text, 'key'), numberIn(text, 'prompt')];
    if (isLater) assert.ok(prompt <= key, `begun before it was asked for: ${text}`);
    else assert.equal(key, prompt, `of two configurations: ${text}`);
    assert.ok(prompt >= since && key <= newest, `of ${key}, and not of ${since} to ${newest}: ${text}`);
    assert.match(text, / end"$/);
  };
  const headers = { 'content-type': 'application/json' };
  /** The number of the newest configuration that is certain to be in use. */
  let inUse = 0;
  const body = { model: name, input: 'Hi', prompt: { id: 'which' } };
  const ask = async (origin: string, stream: boolean) => {
    const since = inUse;
    const init = { method: 'POST', headers, body: JSON.stringify({ ...body, stream }) };
    const reply = await fetch(`${origin}/v1/responses`, init);
    const said = await reply.text();
    assert.equal(reply.status, 200, said);
    const response = stream ? parseStream(said).final : JSON.parse(said);
    assert.equal(response.status, 'completed', said);
    check(textOf(response), since);
  };

  const askCalling = async (origin: string, stream: boolean) => {
    const since = inUse;
    const given = { ...body, model: calling, tools: [{ type: 'mcp', server_label: 'who' }] };
    const reply = await fetch(`${origin}/v1/responses`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ ...given, stream }),
    });
    const said = await reply.text();
    assert.equal(reply.status, 200, said);
    const text = textOf(stream ? parseStream(said).final : JSON.parse(said));
    check(text, since);
    assert.deepEqual(
      [...text.matchAll(/mcp-(\d+)/g)].map(([, n]) => Number(n)),
      [numberIn(text, 'key'), numberIn(text, 'key')],
      text,
    );
  };

  const client = new OpenAI({ baseURL: `${product.http}/v1`, apiKey: 'unused', maxRetries: 0 });
  const door = doorAt('node-http', product.http, model, async () => {});
  const background = await client.responses.create({ ...body, model: model.script(lasting), background: true });
  const [busy, open] = [await openSocket({ client }), await openSocket({ client })];
  busy.send({ type: 'response.create', ...body, model: model.script(lasting) });
  const busyEvents = busy.events();
  const lastingStream = fetch(`${product.envoy}/v1/responses`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ ...body, model: model.script(lasting), stream: true }),
  }).then((reply) => reply.text());

  let running = true;
  const counts = { requests: 0, toolTurns: 0, socketTurns: 0, background: 0 };
  const clients = Array.from({ length: CLIENTS }, async (_, index) => {
    for (let n = index; running; n++) {
      await ask(n % 2 === 0 ? product.http : product.envoy, n % 3 === 0);
      counts.requests++;
    }
  });
  const toolClients = [product.http, product.envoy].map(async (origin, index) => {
    for (let n = index; running; n++) {
      await askCalling(origin, n % 2 === 0);
      counts.toolTurns++;
    }
  });
  const socketClient = (async () => {
    for (; running; counts.socketTurns++) {
      const since = inUse;
      const { final } = await open.create(body);
      check(textOf(final), since);
    }
  })();
  const backgroundClient = (async () => {
    for (; running; counts.background++) {
      const since = inUse;
      const { id } = await client.responses.create({ ...body, background: true });
      const response = await ended(door, id);
      assert.equal(response.status, 'completed');
      check(textOf(response), since, true);
    }
  })();
  const all = Promise.all([...clients, ...toolClients, socketClient, backgroundClient]);
  all.catch(() => {
    running = false;
  });

  for (let n = 1; n <= RELOADS && running; n++) {
    write(n);
    if (n % 5 === 0) product.kill('SIGHUP');
    await until(async () => (await fetch(`${product.http}/v1/models/c-${n}`)).status === 200);
    inUse = n;
    const before = counts.requests;
    await until(() => !running || counts.requests > before + CLIENTS);
  }
  running = false;
  lasts.resolve();
  await all;
  t.diagnostic(JSON.stringify({ reloads: RELOADS, ...counts, inUse }));

  const whole = [
    (await ended(door, background.id)).output,
    (await busyEvents).at(-1).response.output,
    parseStream(await lastingStream).final.output,
  ];
  for (const output of whole) {
    const text = JSON.stringify(output);
    assert.deepEqual([numberIn(text, 'key'), numberIn(text, 'prompt')], [0, 0], 'it ended as it began');
  }
  busy.close();
  open.close();
  assert.ok(counts.toolTurns > RELOADS / 10, `${counts.toolTurns} turns with tools`);
  await until(() => who.sessions.size === 0);
  const log = product.stdout();
  assert.doesNotMatch(log, /"level":"ERROR"|needs a restart/);
  assert.ok(!/(key|credential)-\d/.test(log), 'no key is in the log');
  assert.equal((await fetch(`${product.http}/readyz`)).status, 200);
});
