import assert from 'node:assert/strict';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { callOf, create, modelRequest } from './ask.ts';
import { promise } from './promise.ts';

const tools = [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} } }];

promise(
  'servers.unknown',
  {
    says: 'a server that is not known gets one bound of tokens, by its older name, no hints, and nothing of parallel calls that nobody has asked for',
    source: 'https://github.com/openai/openai-python/issues/1492',
  },
  async (door) => {
    const asked = { max_output_tokens: 100, tools, user: 'u', prompt_cache_key: 'k', service_tier: 'auto' };
    const { model, messages, ...chat } = await modelRequest(door, asked);
    assert.deepEqual(Object.keys(chat).sort(), ['max_tokens', 'stream', 'stream_options', 'tool_choice', 'tools']);
    const native = door.model.native(answers(message('ok')));
    await create(door, { model: native, ...asked });
    assert.deepEqual(Object.keys(callOf(door, native).body).sort(), [
      'input',
      'max_output_tokens',
      'model',
      'store',
      'stream',
      'tool_choice',
      'tools',
    ]);
    for (const parallel_tool_calls of [true, false]) {
      assert.equal((await modelRequest(door, { tools, parallel_tool_calls })).parallel_tool_calls, parallel_tool_calls);
    }
  },
);

promise(
  'servers.send',
  {
    says: '`send` in the configuration leaves members out, keeps and renames them, over what is known of the server',
    source: 'docs/configuration.md',
  },
  async (door) => {
    const model = door.model.ruled(says('ok'));
    const input = [
      { role: 'user', content: 'Hi' },
      { role: 'developer', content: 'Be brief.' },
      { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'Hm.' }] },
      { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c', output: 'ok' },
    ];
    const hints = { user: 'u', safety_identifier: 's', prompt_cache_key: 'k', service_tier: 'auto' };
    await create(door, { model, input, tools, max_output_tokens: 20, text: { verbosity: 'low' }, ...hints });
    const { messages, tools: _, ...sent } = callOf(door, model).body;
    assert.deepEqual(sent, {
      model,
      stream: true,
      stream_options: { include_usage: true },
      max_new_tokens: 20,
      end_user: 's',
      prompt_cache_key: 'k',
      tool_choice: 'auto',
      parallel_tool_calls: true,
    });
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };
    assert.deepEqual(messages, [
      { role: 'user', content: 'Hi' },
      { role: 'system', content: 'Be brief.' },
      { role: 'assistant', content: '', reasoning_content: 'Hm.', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c', content: 'ok' },
    ]);
  },
);

promise(
  'servers.cache-key',
  {
    says: 'a prompt_cache_key above the 64 characters that servers read reaches them shortened, another one as another, and comes back whole',
    source: 'clients: VS Code builds such keys',
  },
  async (door) => {
    const keys = ['a', 'b'].map((end) => 'k'.repeat(100) + end);
    const sent: string[] = [];
    for (const prompt_cache_key of keys) {
      const model = door.model.ruled(says('ok'));
      const response = await create(door, { model, prompt_cache_key });
      assert.equal(response.prompt_cache_key, prompt_cache_key);
      sent.push(callOf(door, model).body.prompt_cache_key);
    }
    assert.notEqual(sent[0], sent[1]);
    for (const key of sent) assert.match(key, /^k{50,}_\w+$/);
    for (const key of sent) assert.ok(key.length <= 64);
  },
);

promise(
  'servers.long-names',
  {
    says: 'names of functions have up to 128 characters; servers that take 64 get a shorter one, and clients their own',
    source: 'Codex, as it names the functions of MCP servers',
  },
  async (door) => {
    const name = 'mcp__codex_apps__hyperdrive_config_edit_and_search_documentation_for_platform_two';
    const other = `${name}s`;
    const long = [name, other].map((each) => ({ type: 'function', name: each }));
    const wire = async (body: object) => {
      const { tools: sent } = await modelRequest(door, { tools: long, ...body });
      return sent.map(({ function: { name } }: { function: { name: string } }) => name);
    };
    const [first, second] = await wire({});
    assert.ok(first.length === 64 && second.length === 64 && first !== second, `${first} ${second}`);
    assert.deepEqual(await wire({ tool_choice: { type: 'function', name: other } }), [second]);
    const model = door.model.script(callsFunctions({ name: second, args: '{}' }), says('ok'));
    const { id, output } = await create(door, { model, tools: long });
    const [call] = output;
    assert.ok(call?.type === 'function_call' && call.name === other, 'the client gets its own name');
    const answer = { type: 'function_call_output', call_id: call.call_id, output: 'ok' };
    await create(door, { model, tools: long, previous_response_id: id, input: [answer] });
    const again = door.model.calls(model)[1]?.body.messages;
    assert.equal(again[1].tool_calls[0].function.name, second, 'the model sees the name that it called');
    const native = door.model.native(answers({ type: 'function_call', call_id: 'c', name: first, arguments: '{}' }));
    const [same] = (await create(door, { model: native, tools: long })).output;
    assert.ok(same?.type === 'function_call' && same.name === name);
    const openai = door.model.openai(answers(message('ok')));
    await create(door, { model: openai, tools: long });
    assert.equal(callOf(door, openai).body.tools[0].name, name, 'OpenAI takes it as it is');
  },
);
