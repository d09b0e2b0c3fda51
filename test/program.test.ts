import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as v from 'valibot';
import { ApiError, type ConfigError, parseConfig } from '../handler/index.ts';
import { defineConfig } from '../handler/program/define-config.ts';
import { defineTool } from '../handler/program/define-tool.ts';
import { check } from '../shim/check.ts';
import { readProgram } from '../shim/program-file.ts';
import { testConfigFile } from './support/doors/door.ts';
import { testHandler } from './support/doors/in-process.ts';
import { newFolder } from './support/folder.ts';
import { callsFunctions, says, startScriptedModel } from './support/model/scripted.ts';
import { startCommand } from './support/product.ts';

const context = { caller: { id: 'c', tenant: 't' }, input: [], include: [] };
const never = new AbortController().signal;

describe('defineTool', () => {
  const tool = defineTool({
    name: 'greet',
    description: 'Greets.',
    schema: { type: 'object', properties: { name: { type: 'string' } } },
    run: ({ name }, { caller }) => (name === 'all' ? { greeted: caller.tenant } : `Hello ${name}`),
  });

  test('makes a function whose answer is a text, or JSON', async () => {
    assert.partialDeepStrictEqual(tool, {
      offer: 'named',
      definition: { type: 'function', name: 'greet', strict: false },
    });
    assert.deepEqual(await tool.run('{"name":"a"}', never, context), { output: 'Hello a' });
    assert.deepEqual(await tool.run('{"name":"all"}', never, context), { output: '{"greeted":"t"}' });
    const silent = defineTool({ name: 'a', description: 'b', run() {} });
    assert.deepEqual(await silent.run('', never, context), { output: 'Done.' });
    assert.deepEqual(silent.definition.parameters, { type: 'object', properties: {} });
  });

  test('tells the model what is wrong with arguments, and of errors only what is meant to be told', async () => {
    const says = (text: string) => ({ error: { type: 'mcp_tool_execution_error', content: [{ type: 'text', text }] } });
    assert.deepEqual(await tool.run('["a"]', never, context), says('The arguments are not a JSON object.'));
    const refusing = defineTool({
      name: 'a',
      description: 'b',
      run({ secret }) {
        if (secret) throw new Error('a secret of ours');
        throw new ApiError('refused', 'Not today.');
      },
    });
    assert.deepEqual(await refusing.run('{}', never, context), says('Not today.'));
    await assert.rejects(refusing.run('{"secret":1}', never, context), /a secret of ours/); // of which the model hears nothing
  });

  test('checks arguments by the schema of a library, which may tell the model of them', async () => {
    const schema = v.object({ city: v.string('must be a text'), days: v.optional(v.pipe(v.number(), v.integer()), 3) });
    const typed = defineTool({
      name: 'weather',
      description: 'The weather.',
      schema,
      parameters: { type: 'object', properties: { city: { type: 'string' } } },
      run: ({ city, days }) => `${city.toUpperCase()} ${days.toFixed(0)}`,
    });
    assert.deepEqual(await typed.run('{"city":"Rome"}', never, context), { output: 'ROME 3' });
    const wrong = await typed.run('{"city":5}', never, context);
    assert.match(JSON.stringify(wrong), /The arguments do not fit\. city: must be a text/);
    const jsonSchema = { input: () => ({ $schema: 'x', type: 'object', properties: { city: {} } }) };
    const telling = defineTool({
      name: 'a',
      description: 'b',
      schema: { '~standard': { ...schema['~standard'], jsonSchema } },
      run: ({ city }) => city,
    });
    assert.deepEqual(telling.definition.parameters, { type: 'object', properties: { city: {} } });
    assert.throws(
      () => defineTool({ name: 'a', description: 'b', schema, run: () => '' }),
      /tools\.a\.schema tells no JSON Schema/,
    );
  });

  test('names every mistake at once', () => {
    const wrong = { name: 'mcp_a', descripton: 'b', schema: { type: 'array' }, offer: 'allways', tenants: [], run: 5 };
    assert.throws(
      () => defineTool(wrong as never),
      ({ problems }: ConfigError) => {
        assert.deepEqual(
          problems.map(({ path, says }) => `${path.join('.')} ${says}`),
          [
            'tools.mcp_a.descripton is not a key that is known: did you mean description?',
            'tools.mcp_a.name must be 1 to 64 letters, digits, underscores or dashes, and not begin with mcp_',
            'tools.mcp_a.description must say what the function does, for the model',
            'tools.mcp_a.schema must be of an object, since arguments are one',
            'tools.mcp_a.offer must be always or named',
            'tools.mcp_a.tenants must be a list of names',
            'tools.mcp_a.run must be a function',
          ],
        );
        return true;
      },
    );
  });
});

test('defineConfig names every mistake at once', () => {
  const tool = defineTool({ name: 'a', description: 'b', run: () => '' });
  const wrong = { tools: [tool, tool, {}], identify: 'a', hook: {}, hooks: { befor: () => {}, after: 5 } };
  assert.throws(
    () => defineConfig(wrong as never),
    ({ problems }: ConfigError) => {
      assert.deepEqual(
        problems.map(({ path, says }) => `${path.join('.')} ${says}`),
        [
          'hook is not a key that is known: did you mean hooks?',
          'tools.1 has the name of another',
          'tools.2 must be of defineTool',
          'identify must be a function',
          'hooks.befor is not a key that is known: did you mean before?',
          'hooks.after must be a function',
        ],
      );
      return true;
    },
  );
});

test('a function of the configuration may not have the name of one of the program', async (t) => {
  const model = await startScriptedModel();
  t.after(() => model.close());
  const functions = [defineTool({ name: 'a', description: 'b', run: () => '' })];
  const tools = [{ http: { name: 'a', description: 'b', url: 'http://x/' } }];
  const config = parseConfig({ tools });
  await assert.rejects(
    testHandler(model, { functions, config }),
    /tools\.0\.http\.name is the name of a function of the program/,
  );
});

/** A folder with a configuration and a program's file beside it. */
async function folderWith(program: string, name = 'antiphon.config.ts', config: object = {}): Promise<string> {
  const folder = newFolder();
  await writeFile(join(folder, name), program);
  const file = join(folder, 'antiphon.yaml');
  await writeFile(file, JSON.stringify({ models: [{ match: '*', backend: 'demo' }], ...config }));
  return file;
}

describe('antiphon.config.ts', () => {
  test('is found beside the configuration, in TypeScript or not, and what it imports of us is what runs', async () => {
    const program = (types: boolean) => `
      import { ApiError, defineConfig, defineTool } from 'antiphon';
      import { unsupported } from 'antiphon/tool';
      const name${types ? ': string' : ''} = 'a';
      export default defineConfig({
        tools: [defineTool({ name, description: 'b', run: () => { throw unsupported('c'); } })],
        hooks: { before() { throw new ApiError('refused', 'No.'); } },
      });`;
    for (const [name, types] of [
      ['antiphon.config.ts', true],
      ['antiphon.config.mts', true],
      ['antiphon.config.mjs', false],
    ] as const) {
      const { functions, hooks, identify } = await readProgram(await folderWith(program(types), name));
      assert.deepEqual([functions?.length, identify], [1, undefined]);
      assert.throws(() => hooks?.before?.({}, { caller: { id: 'c' }, signal: never }), ApiError);
      assert.deepEqual(await functions?.[0]?.run('{}', never, context), {
        error: { type: 'mcp_tool_execution_error', content: [{ type: 'text', text: 'c is not supported' }] },
      });
    }
    assert.deepEqual(await readProgram(undefined), {});
    assert.deepEqual(await readProgram(join(newFolder(), 'antiphon.yaml')), {});
  });

  const wrong: [program: string, says: RegExp][] = [
    ['export const a = 1;', /antiphon\.config\.ts: default must be what is exported/],
    ['export default { tols: [] };', /antiphon\.config\.ts: tols is not a key that is known: did you mean tools\?/],
    [
      "import { defineTool } from 'antiphon'; defineTool({ name: 'a', run() {} });",
      /antiphon\.config\.ts: tools\.a\.description must say/,
    ],
    ["throw new Error('no key');", /antiphon\.config\.ts: no key/],
    ['export default {\n  a: ,\n};', /antiphon\.config\.ts: .*Expression expected/],
    ["import 'antiphon/nothing';", /antiphon\.config\.ts: .*antiphon/],
  ];
  for (const [program, says] of wrong) {
    test(`its mistakes are told by \`check\`: ${program.slice(0, 40)}`, async () => {
      const lines: string[] = [];
      assert.equal(await check(await folderWith(program), {}, (line) => lines.push(line)), 1);
      assert.match(lines.join('\n'), says);
    });
  }

  test('`check` says what it has, and that it does not go with a list as auth', async () => {
    const program = `
      import { defineConfig } from 'antiphon';
      export default defineConfig({ identify: () => ({ id: 'a' }), hooks: { after() {} } });`;
    const lines: string[] = [];
    await check(await folderWith(program), {}, (line) => lines.push(line));
    assert.match(lines.join('\n'), /antiphon\.config\.ts: no mistakes/);
    const listed = await folderWith(program, undefined, { auth: [{ keys: [] }] });
    const told: string[] = [];
    assert.equal(await check(listed, {}, (line) => told.push(line)), 1);
    assert.match(told.join('\n'), /auth is a list, and the program identifies callers itself/);
  });

  test('the command runs it: its functions, its hooks, its callers', async (t) => {
    const model = await startScriptedModel();
    t.after(() => model.close());
    const program = `
      import { ApiError, defineConfig, defineTool } from 'antiphon';
      export default defineConfig({
        identify(request) {
          const user = request.headers.get('x-user');
          if (!user) throw new ApiError('credentials', 'Who are you?');
          return { id: user, user };
        },
        tools: [defineTool({ name: 'who', description: 'Who asks.', offer: 'always', run: (_, { caller }) => caller.user })],
        hooks: { before: (request) => ({ ...request, instructions: 'Be kind.' }) },
      });`;
    const file = await folderWith(program, undefined, { ...testConfigFile(model), tools: [] });
    const product = await startCommand(['-config', file, '-no-envoy']);
    t.after(async () => {
      product.kill('SIGTERM');
      await product.exited;
    });
    const name = model.script(callsFunctions({ name: 'who', args: '{}' }), says('You.'));
    const ask = (headers: object) =>
      fetch(`${product.http}/v1/responses`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ model: name, input: 'Who am I?' }),
      });
    assert.equal((await ask({})).status, 401);
    const reply = await ask({ 'x-user': 'eve' });
    const { output } = (await reply.json()) as { output: { type: string; output?: string }[] };
    assert.partialDeepStrictEqual(output, [{ type: 'mcp_call', output: 'eve' }, { type: 'message' }]);
    assert.equal(model.calls(name)[0]?.body.messages[0].content, 'Be kind.');
  });
});
