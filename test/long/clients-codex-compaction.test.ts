import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { callsTool } from '../clients/client-tools.ts';
import { type CodexSettings, openCodex } from '../clients/codex.ts';
import { type ClientsDoor, openForClients } from '../clients/door.ts';
import { heard } from '../clients/heard.ts';
import { callsFunctions, type Script, says, sends } from '../support/model/scripted.ts';

// Codex compacts what has grown beyond `model_auto_compact_token_limit`, before the next turn or in the middle of one. Of a
// provider called OpenAI or Azure, and of its own, Codex 0.169.0 asks it: what was said, with a `compaction_trigger` at its
// end, and with all else as in any turn; over a WebSocket only what is new, with `previous_response_id`. It wants exactly one
// `compaction` among the items, and goes on from what the user said, that item, and its own instructions, sent anew. Codex
// 0.128.0 asks `POST /v1/responses/compact`, with `tools`, `parallel_tool_calls`, `reasoning` and `text`, which no type of
// OpenAI's lists. For all other providers it has the model sum up by a turn like any other, and sends the summary as a
// user's message.

const LIMIT = 50_000;
const FULL = { prompt_tokens: 2 * LIMIT, completion_tokens: 10, total_tokens: 2 * LIMIT + 10 };

/** A script after which the conversation is said to have grown beyond the limit. */
function grown(script: Script): Script {
  return (turn) => script({ ...turn, finish: (reason) => turn.finish(reason, FULL) });
}

const summary = (text: string) => `user: Summary of the conversation so far:\n\n${text}`;

describe('Codex compacts', { timeout: 600_000 }, () => {
  let door: ClientsDoor;
  before(async () => {
    door = await openForClients();
  });
  after(() => door?.close());

  /** A Codex whose model plays these scripts. */
  async function start(t: TestContext, settings: Omit<CodexSettings, 'model'>, ...scripts: Script[]) {
    const model = door.model.script(...scripts);
    const config = `model_auto_compact_token_limit = ${LIMIT}`;
    const codex = await openCodex(door, { model, config, ...settings });
    t.after(() => codex.close());
    const said = async (...args: string[]) => {
      const { message, output } = await codex.exec(...args).done;
      assert.ok(message, output);
      return message;
    };
    // What Codex says of where it runs is a user's message, too.
    const told = (call = -1) =>
      heard(door, model, call).filter((line) => !line.startsWith('user: <environment_context>'));
    const asked = () =>
      door.sent(model).map(({ method, path, body }) => `${method} ${path} ${body.input?.at(-1)?.type ?? ''}`);
    return { model, said, told, asked };
  }

  const MESSAGE = 'POST /v1/responses message';
  const TRIGGER = 'POST /v1/responses compaction_trigger';
  const shell = (cmd: string) => callsFunctions({ name: 'exec_command', args: JSON.stringify({ cmd }), id: 'call_a' });

  test('by a compaction_trigger, and again when it has grown again', async (t) => {
    const scripts = [grown(says('one')), says('FIRST'), grown(says('two')), says('SECOND'), says('three')];
    const { said, told, asked } = await start(t, { provider: 'OpenAI' }, ...scripts);
    assert.equal(await said('A'), 'one');
    assert.equal(await said('resume', '--last', 'B'), 'two');
    assert.deepEqual(told(), ['user: A', summary('FIRST'), 'user: B']);
    assert.equal(await said('resume', '--last', 'C'), 'three');
    assert.deepEqual(told(3).slice(0, -1), ['user: A', summary('FIRST'), 'user: B', 'assistant: two']);
    assert.deepEqual(told(), ['user: A', 'user: B', summary('SECOND'), 'user: C']);
    assert.deepEqual(asked(), [MESSAGE, TRIGGER, MESSAGE, TRIGGER, MESSAGE]);
  });

  test('by a compaction_trigger over a WebSocket, in the middle of a turn', async (t) => {
    const { model, said, told } = await start(
      t,
      { builtIn: true },
      grown(shell('echo hi')),
      says('SUM'),
      says('Done.'),
    );
    assert.equal(await said('Go.'), 'Done.');
    assert.match(told(1).at(-2) ?? '', /^tool call_a: .*hi/s);
    assert.deepEqual(told(), ['user: Go.', summary('SUM')]);
    const [, , compacting] = door.sent(model);
    assert.equal(compacting?.method, 'WebSocket');
    assert.ok(compacting.body.previous_response_id);
    assert.deepEqual(
      compacting.body.input.map(({ type }: { type: string }) => type),
      ['function_call_output', 'compaction_trigger'],
    );
  });

  test('as gpt-6.1-sol, whose tools are items of the input: it has them afterwards', async (t) => {
    const run = (word: string) => {
      const code = `const r = await tools.exec_command({ cmd: 'echo ${word}' }); text(r.output);`;
      return callsTool('exec', { input: code });
    };
    const scripts = [grown(run('before')), says('SUM'), run('afterwards'), says('Done.')];
    const { said, told } = await start(t, { provider: 'OpenAI', as: 'gpt-6.1-sol' }, ...scripts);
    assert.equal(await said('Go.'), 'Done.');
    assert.deepEqual(told(2), ['user: Go.', summary('SUM')]);
    assert.match(told().at(-1) ?? '', /^tool call_a: .*afterwards/s);
  });

  test('a summary that came to no end is asked for again', async (t) => {
    const cut = sends([{ content: 'SU' }], 'length');
    const { said, told, asked } = await start(
      t,
      { provider: 'OpenAI' },
      grown(says('one')),
      cut,
      says('SUM'),
      says('two'),
    );
    assert.equal(await said('A'), 'one');
    assert.equal(await said('resume', '--last', 'B'), 'two');
    assert.deepEqual(told(), ['user: A', summary('SUM'), 'user: B']);
    assert.deepEqual(asked(), [MESSAGE, TRIGGER, TRIGGER, MESSAGE]);
  });

  test('0.128.0: by the compact endpoint, before a turn and in the middle of one', async (t) => {
    const scripts = [grown(says('one')), says('FIRST'), grown(shell('echo hi')), says('SECOND'), says('two')];
    const { said, told, asked } = await start(t, { provider: 'OpenAI', earlier: true }, ...scripts);
    assert.equal(await said('A'), 'one');
    assert.equal(await said('resume', '--last', 'B'), 'two');
    assert.deepEqual(told(2), ['user: A', summary('FIRST'), 'user: B']);
    assert.match(told(3).at(-2) ?? '', /^tool call_a: .*hi/s);
    assert.deepEqual(told(), ['user: A', 'user: B', summary('SECOND')]);
    const endpoint = 'POST /v1/responses/compact';
    assert.deepEqual(
      asked().filter((line) => line.startsWith(endpoint)),
      [`${endpoint} message`, `${endpoint} function_call_output`],
    );
  });

  test('for a provider of another name: by a turn of its own', async (t) => {
    const { said, told, asked } = await start(t, {}, grown(says('one')), says('SUM'), says('two'));
    assert.equal(await said('A'), 'one');
    assert.equal(await said('resume', '--last', 'B'), 'two');
    const [a, sum = '', b] = told();
    assert.deepEqual([a, b], ['user: A', 'user: B']);
    assert.match(sum, /^user: .*SUM$/s);
    assert.deepEqual(asked(), [MESSAGE, MESSAGE, MESSAGE]);
  });
});
