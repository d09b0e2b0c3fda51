import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { check } from '../../shim/check.ts';
import { newFolder } from '../support/folder.ts';
import { listOf, serve } from '../support/list-servers.ts';
import { callsFunctions, replies, type Script, says, startScriptedModel } from '../support/model/scripted.ts';
import { text as block, tells } from '../support/model/scripted-messages.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { UNREACHABLE } from '../support/ports.ts';
import { writeConfig } from '../support/product.ts';

const MAIN = new URL('../../shim/main.ts', import.meta.url).pathname;

/** What the command prints of a configuration of these models, and its exit code. */
async function checked(models: object[]) {
  const file = await writeConfig(newFolder(), { models });
  let text = '';
  const code = await check(file, {}, (lines) => {
    text += `${lines}\n`;
  });
  const lines = text.replaceAll(file, 'FILE').trimEnd().split('\n');
  const at = lines.findIndex((line) => line.startsWith('  match'));
  return {
    code,
    head: lines.slice(0, at).filter((line) => line !== ''),
    rows: lines
      .slice(at + 1)
      .filter((line) => line.startsWith('  '))
      .map((line) => line.trim().split(/ {2,}/)),
    wrong: lines.slice(at).filter((line) => line.startsWith('!')),
    text,
  };
}

async function scripted(t: TestContext) {
  const model = await startScriptedModel();
  t.after(model.close);
  return model;
}

const WEATHER = { name: 'get_weather', args: '{"city":"Paris","unit":"celsius"}' };
const JSON_ANSWER = '{"answer": true}';
const GOOD: Script[] = [says('Hello'), says('1, ', '2'), callsFunctions(WEATHER), says(JSON_ANSWER)];

test('a model that makes embeddings, and has no chats, is well', async (t) => {
  const model = await scripted(t);
  const noChat = replies(404, { error: { message: 'The model does not support Chat Completions API' } });
  const embeds = model.counting('scripted', { '/v1/embeddings': replies(200, { data: [] }) }, noChat);
  const neither = model.script(noChat);
  const entry = (match: string) => ({ match, backend: 'chat', url: model.url });
  const { code, rows, wrong } = await checked([entry(embeds), entry(neither)]);
  assert.deepEqual(rows[0]?.slice(4, 8), ['-', '-', '-', '-']);
  assert.equal(rows[1]?.[4], 'no');
  assert.equal(wrong.length, 1);
  assert.match(wrong[0] ?? '', /does not support Chat Completions/);
  assert.equal(code, 2);
});

test('a model that does all of it is well, on each protocol', async (t) => {
  const model = await scripted(t);
  const chat = model.script(...GOOD);
  const called = answers({ type: 'function_call', call_id: 'c', name: WEATHER.name, arguments: WEATHER.args });
  const count = answers(message('1, 2, 3'));
  const native = model.script(answers(message('Hi')), count, called, answers(message(JSON_ANSWER)));
  const use = { type: 'tool_use' as const, id: 'c', name: WEATHER.name, input: WEATHER.args };
  const claude = model.script(tells(block('Hi')), tells(block('1, 2, 3')), tells(use), tells(block(JSON_ANSWER)));
  const { code, head, rows, wrong } = await checked([
    { match: chat, backend: 'chat', url: model.url },
    { match: native, backend: 'responses', url: model.url },
    { match: claude, backend: 'anthropic', url: model.url },
    { match: 'demo', backend: 'demo' },
  ]);
  const five = ['yes', 'yes', 'yes', 'yes', 'yes', model.url];
  assert.deepEqual(wrong, []);
  assert.deepEqual(head, ['FILE: no mistakes']);
  assert.deepEqual(rows, [
    [chat, 'chat', chat, ...five],
    [native, 'responses', native, ...five],
    [claude, 'anthropic', claude, ...five],
    ['demo', 'demo', 'demo', '-', '-', '-', '-', '-', 'built in'],
  ]);
  assert.equal(code, 0);
  const [asked, counted, tools, schema] = model.calls(chat).filter(({ path }) => path.endsWith('/completions'));
  assert.deepEqual([asked?.body.max_tokens, counted?.body.stream], [16, true]);
  assert.deepEqual([tools?.body.tool_choice, schema?.body.response_format.type], ['auto', 'json_schema']);
});

test('vLLM that was not started for tools is told so, and how to start it', async (t) => {
  const model = await scripted(t);
  const said = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set';
  const refuses = replies(400, { error: { message: said, type: 'BadRequestError', code: 400 } });
  const name = model.script(says('Hello'), says('1', '2'), refuses, says(JSON_ANSWER));
  const { code, rows, wrong } = await checked([{ match: name, backend: 'chat', url: model.url }]);
  assert.deepEqual(rows[0]?.slice(3, 8), ['yes', 'yes', 'yes', 'no', 'yes']);
  const cure = 'start vLLM with --enable-auto-tool-choice and --tool-call-parser';
  assert.deepEqual(wrong, [`! ${model.url} ${name}: tools: 400: ${said}; ${cure}`]);
  assert.equal(code, 2);
});

test('a model that calls only when forced does call', async (t) => {
  const model = await scripted(t);
  const name = model.script(says('Hello'), says('1', '2'), says('Sunny'), callsFunctions(WEATHER), says(JSON_ANSWER));
  assert.equal((await checked([{ match: name, backend: 'chat', url: model.url }])).code, 0);
  const choices = model.calls(name).map(({ body }) => body.tool_choice?.function?.name ?? body.tool_choice);
  assert.deepEqual(choices.slice(2, 4), ['auto', 'required']);
});

test('what a model does not do is told in words', async (t) => {
  const model = await scripted(t);
  const whole = replies(200, { choices: [{ message: { role: 'assistant', content: '1, 2' }, finish_reason: 'stop' }] });
  const name = model.script(says('Hello'), whole, says('Sunny'), says('Sunny'), says('Yes,\u001b[31m it is'));
  const { code, wrong } = await checked([{ match: name, backend: 'chat', url: model.url }]);
  const it = `! ${model.url} ${name}:`;
  assert.deepEqual(wrong, [
    `${it} stream: the text came in one piece (application/json)`,
    `${it} tools: it answered without a call, though one was forced`,
    `${it} schema: its answer is not of the schema: Yes, [31m it is`,
  ]);
  assert.equal(code, 2);
});

test('of a model that is refused nothing more is asked, and no key is shown', async (t) => {
  const model = await scripted(t);
  const name = model.script((turn) =>
    turn.reply(401, { error: { message: `Wrong key ${String(turn.headers.authorization).slice(7)}` } }),
  );
  const { code, rows, wrong } = await checked([{ match: name, backend: 'chat', url: model.url, key: 'hush-hush' }]);
  assert.deepEqual(rows[0]?.slice(3, 8), ['yes', 'no', '-', '-', '-']);
  assert.deepEqual(wrong, [`! ${model.url} ${name}: answer: 401: Wrong key [redacted]`]);
  assert.equal(model.calls(name).length, 1);
  assert.equal(code, 2);
});

test('nobody there is asked no more, and what hangs is not waited for', { timeout: 60_000 }, async (t) => {
  const hangs = await serve(t, () => {});
  let calls = 0;
  const lists = await serve(t, ({ method }, res) => {
    if (method === 'GET') res.end(listOf('a', 'b'));
    else calls++;
  });
  const { code, rows, wrong } = await checked([
    { match: 'dead', backend: 'chat', url: `http://127.0.0.1:${UNREACHABLE}/v1` },
    { match: 'hangs', backend: 'chat', url: `${hangs}/v1` },
    { match: 'a', backend: 'chat', url: `${lists}/v1` },
    { match: 'b', backend: 'chat', url: `${lists}/v1` },
  ]);
  assert.deepEqual(
    rows.map((row) => row.slice(3, 8).join(' ')),
    ['no - - - -', 'no - - - -', 'yes no - - -', 'yes no - - -'],
  );
  assert.equal(calls, 1);
  assert.deepEqual(wrong.slice(2), [
    `! ${lists}/v1 a: answer: no answer after 10 s`,
    `! ${lists}/v1 b: answer: not tried, since its server did not answer another model in time`,
  ]);
  assert.equal(code, 2);
});

test('a pattern is tried with a listed model; one whose names others take is well', async (t) => {
  const model = await scripted(t);
  const name = model.script(...GOOD);
  const { code, rows } = await checked([
    { match: 'scripted-*', backend: 'chat', url: model.url },
    { match: '*', backend: 'chat', url: model.url },
  ]);
  assert.deepEqual(
    rows.map(([match, , tried]) => [match, tried]),
    [
      ['scripted-*', name],
      ['*', '-'],
    ],
  );
  assert.equal(code, 0);
});

test('an entry that is never reached is a mistake, and all are tried even so', async (t) => {
  const model = await scripted(t);
  const name = model.script(...GOOD);
  const { code, head, rows } = await checked([
    { match: 'demo*', backend: 'demo' },
    { match: 'demo', backend: 'demo' },
    { match: name, backend: 'chat', url: model.url },
  ]);
  assert.equal(head.length, 1);
  assert.match(head[0] ?? '', /^FILE:1:\d+: models\.1\.match is never reached: models\.0\.match, demo\*, takes all/);
  assert.equal(rows[2]?.[4], 'yes');
  assert.equal(code, 1);
});

test('expressions of costs and entries that are never reached are told beside mistakes of any other kind', async () => {
  const file = await writeConfig(newFolder(), {
    models: [{ match: '*', backend: 'demo' }, { match: 'a', backend: 'demo' }, { match: 5, backend: 'demo' }, 8],
    costs: [{ match: '*', cel: '4 *' }, { match: 5, cel: '1u' }, 8],
    foo: 1,
  });
  const printed: string[] = [];
  assert.equal(await check(file, {}, (text) => printed.push(text)), 1);
  const mistakes = printed
    .join('\n')
    .split('\n')
    .map((line) =>
      line
        .replace(/^\S+:\d+:\d+: /, '')
        .split(' ')
        .slice(0, 3)
        .join(' '),
    );
  assert.deepEqual(mistakes, [
    'models.1.match is never',
    'models.2.match must be',
    'models.3 must be',
    'costs.0.cel Unexpected token:',
    'costs.1.match must be',
    'costs.2 must be',
    'foo is not',
  ]);
});

test('the command exits with its code, prints to stdout, and leaves nothing', async () => {
  const run = promisify(execFile);
  // The compile cache of the tests is named relative to a folder.
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  const cwd = newFolder();
  const file = await writeConfig(newFolder(), 'models: [{ match: a, backend: demo }]\nfoo: 1\nbar: 2\n');
  const failed = await run(process.execPath, [MAIN, 'check', '-config', file], { cwd, env }).catch((error) => error);
  assert.deepEqual(
    [failed.code, failed.stdout.replaceAll(file, 'FILE'), failed.stderr],
    [1, 'FILE:2:1: foo is not a key that is known\nFILE:3:1: bar is not a key that is known\n', ''],
  );
  const good = await writeConfig(newFolder(), { models: [{ match: 'a', backend: 'demo' }] });
  const { stdout } = await run(process.execPath, [MAIN, 'check', '--config', good], { cwd, env });
  assert.match(stdout, /no mistakes/);
  for (const args of [['-h'], ['serve', '--help'], ['check', '-help'], ['vacuum', '-h']]) {
    assert.match((await run(process.execPath, [MAIN, ...args], { cwd, env })).stdout, /^usage: npm start -- /);
  }
  const { version } = (await import('../../package.json', { with: { type: 'json' } })).default;
  for (const args of [['-version'], ['check', '--version']]) {
    assert.equal((await run(process.execPath, [MAIN, ...args], { cwd, env })).stdout, `antiphon ${version}\n`);
  }
  const missing = await run(process.execPath, [MAIN, 'check', '-config', '/no/such.yaml'], { cwd, env }).catch(
    (error) => error,
  );
  assert.match(missing.stdout, /^cannot read \/no\/such\.yaml: ENOENT/);
  assert.equal(missing.code, 1);
  assert.deepEqual(await readdir(cwd), []);
});
