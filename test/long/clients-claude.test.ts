import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { type ClientsDoor, openForClients } from '../clients/door.ts';
import { heard } from '../clients/heard.ts';
import { installNodeClients } from '../clients/install.ts';
import { newFolder } from '../support/folder.ts';
import { callsFunctions, replies, type Script, says, sends } from '../support/model/scripted.ts';

// What Claude Code 2.1.328 sends for a model that it does not know: `POST /v1/messages?beta=true`, streamed, with `system` in blocks, a
// message of the system behind the user's, `thinking: {type: "adaptive", display: "omitted"}`, `output_config: {effort: "high"}`,
// `context_management` that keeps all thinking, some thirty tools with `input_schema`, of which some are deferred until its own
// ToolSearch gives a `tool_reference`, and `cache_control` on texts and results.

/** What a `claude -p` came to. */
interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

describe('Claude Code', { timeout: 600_000 }, () => {
  let door: ClientsDoor;
  let program: string;
  before(async () => {
    program = join(await installNodeClients(), '..', '@anthropic-ai/claude-code/cli-wrapper.cjs');
    door = await openForClients();
  });
  after(() => door?.close());

  /** Starts a Claude Code of its own, whose model plays these scripts. */
  function open(...scripts: Script[]) {
    const model = door.model.script(...scripts);
    const [home, work] = [newFolder(), newFolder()];
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: home,
      ANTHROPIC_BASE_URL: door.baseUrl.replace(/\/v1$/, ''),
      ANTHROPIC_API_KEY: 'test',
      ANTHROPIC_MODEL: model,
      ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
    };
    const ask = async (t: TestContext, ...args: string[]): Promise<Run> => {
      const child = spawn(process.execPath, [program, '-p', ...args], {
        cwd: work,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      t.after(() => child.kill('SIGKILL'));
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (chunk) => (stdout += chunk));
      child.stderr.on('data', (chunk) => (stderr += chunk));
      const [code] = await once(child, 'close');
      return { code, stdout: stdout.trim(), stderr };
    };
    return { model, work, ask };
  }

  test('a question, and the answer on stdout', async (t) => {
    const { model, ask } = open(says('Hel', 'lo'));
    const { code, stdout, stderr } = await ask(t, 'Say hello.');
    assert.deepEqual([code, stdout], [0, 'Hello'], stderr);
    const [sent] = door.sent(model);
    assert.deepEqual([sent?.path, sent?.body.stream, sent?.headers['x-api-key']], ['/v1/messages', true, 'test']);
    assert.match(heard(door, model).at(-1) ?? '', /^user: .*Say hello\.$/s);
  });

  test('its tools: the output reaches the model, and thinking comes back', async (t) => {
    const call = (name: string, args: object, id: string) => ({ name, args: JSON.stringify(args), id });
    const reads = callsFunctions(call('Bash', { command: 'cat note.txt', description: 'Reads' }, 'call_a'));
    const thinks: Script = async (turn) => {
      await turn.delta({ reasoning_content: 'I have to read it.' });
      await reads(turn);
    };
    const { model, work, ask } = open(thinks, says('Read.'));
    await writeFile(join(work, 'note.txt'), 'the secret word');
    const { code, stdout, stderr } = await ask(t, 'Read the note.', '--allowedTools', 'Bash');
    assert.deepEqual([code, stdout], [0, 'Read.'], stderr);
    const [said, result] = heard(door, model).slice(-2);
    assert.match(said ?? '', /^assistant: \(I have to read it\.\) Bash \{.*"cat note\.txt".*\} #call_a$/);
    assert.equal(result, 'tool call_a: the secret word');
  });

  test('its deferred tools: a search offers them to the model', async (t) => {
    const search = { name: 'ToolSearch', args: '{"query":"select:WebFetch","max_results":5}', id: 'call_a' };
    const { model, ask } = open(callsFunctions(search), says('Found.'));
    const { code, stdout, stderr } = await ask(t, 'Look for a tool.');
    assert.deepEqual([code, stdout], [0, 'Found.'], stderr);
    const names = door.model
      .calls(model)
      .map(({ body }) => body.tools.map(({ function: fn }: { function: { name: string } }) => fn.name));
    assert.deepEqual(
      names.map((list) => [list.includes('WebFetch'), list.includes('ToolSearch')]),
      [
        [false, true],
        [true, true],
      ],
    );
  });

  test('its search of the web is a search here, and its model reads what was found', async (t) => {
    const find = { name: 'ToolSearch', args: '{"query":"select:WebSearch"}', id: 'call_a' };
    const search = { name: 'WebSearch', args: '{"query":"snow","blocked_domains":["a.test"]}', id: 'call_b' };
    const hosted = { name: 'web_search', args: '{"query":"snow"}', id: 'call_c' };
    const inner = [callsFunctions(hosted), says('In March【1】.')];
    const { model, ask } = open(callsFunctions(find), callsFunctions(search), ...inner, says('Done.'));
    const { code, stdout, stderr } = await ask(t, 'Search.', '--allowedTools', 'WebSearch');
    assert.deepEqual([code, stdout], [0, 'Done.'], stderr);
    const told = heard(door, model).at(-1) ?? '';
    assert.match(
      told,
      /^tool call_b: Web search results for query: "snow"\s+In March\(\[127\.0\.0\.1\]\(http:.*\/snow\)\)\./,
    );
  });

  test('a refusal of the model’s server is shown, once it has been tried without betas', async (t) => {
    const { model, ask } = open(replies(400, { error: { message: 'no such thing', type: 'invalid_request_error' } }));
    const { code, stdout } = await ask(t, 'Say hello.');
    assert.notEqual(code, 0);
    assert.match(stdout, /API Error: 400/);
    const again = door.sent(model).filter(({ headers }) => headers['x-stainless-retry-count'] !== '0');
    assert.deepEqual(again, [], 'nothing is sent again as it was');
  });

  test('a server that is busy for a moment', async (t) => {
    const { ask } = open(replies(429, {}, { 'retry-after': '0' }), replies(503, {}), says('Hello'));
    const { code, stdout, stderr } = await ask(t, 'Say hello.');
    assert.deepEqual([code, stdout], [0, 'Hello'], stderr);
  });

  test('an answer that is cut is gone on with', async (t) => {
    const { ask } = open(sends([{ content: 'Once upon' }], 'length'), says(' a time.'));
    const { stdout, stderr } = await ask(t, 'Tell a story.');
    assert.match(stdout, /a time\./, stderr);
  });
});
