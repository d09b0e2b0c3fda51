import assert from 'node:assert/strict';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { hi, message, send, streamed } from './anthropic-ask.ts';
import { create, stream } from './ask.ts';
import { serveHosted } from './hosted-ask.ts';
import { modelInput } from './state-ask.ts';
import { inAnotherWay, SNOW, search, told } from './tool-ways-ask.ts';

inAnotherWay(
  'messages',
  "Anthropic's web search is a search here in the Messages API, streamed or not: its link is in the text, and its uses are counted",
  async (door) => {
    const tools = [{ type: 'web_search_20250305', name: 'web_search', max_uses: 3 }];
    const script = [callsFunctions(search), says('In March【1】.')];
    const whole = await message(door, { model: door.model.script(...script), tools });
    assert.match(whole.content[0].text, SNOW);
    assert.equal(whole.stop_reason, 'end_turn');
    const events = await streamed(door, { model: door.model.script(...script), tools });
    const text = events.flatMap(({ delta }) => delta?.text ?? []).join('');
    assert.match(text, SNOW);
    const uses = { web_search_requests: 1, web_fetch_requests: 0 };
    assert.deepEqual(whole.usage.server_tool_use, uses);
    assert.deepEqual(events.at(-2).usage.server_tool_use, uses);
    const none = await message(door, { model: door.model.script(says('Hi.')), tools });
    assert.equal(none.usage.server_tool_use, null);
    const asked = { allowed_callers: ['direct', 'code_execution_20260120'], defer_loading: false, strict: true };
    const newer = [{ ...tools[0], type: 'web_search_20260318', ...asked, response_inclusion: 'full' }];
    const chosen = door.model.script(...script);
    await message(door, { model: chosen, tools: newer, tool_choice: { type: 'tool', name: 'web_search' } });
    assert.deepEqual(
      door.model.calls(chosen).map(({ body }) => body.tool_choice),
      ['required', 'auto'],
    );
  },
  'docs/messages.md',
);

inAnotherWay(
  'messages-code',
  "Anthropic's code execution is the code interpreter here in the Messages API, by its name as a choice too, and one that the model may not call itself is refused",
  async (door) => {
    serveHosted(door);
    const tools = [{ type: 'code_execution_20260120', name: 'code_execution' }];
    const model = door.model.script(callsFunctions({ name: 'code_interpreter', args: '{"code":"1+1"}' }), says('Two.'));
    const choice = { type: 'tool', name: 'code_execution' };
    const { content } = await message(door, { model, tools, tool_choice: choice });
    assert.deepEqual(content, [{ type: 'text', text: 'Two.', citations: null }]);
    assert.match(modelInput(door, model).at(-1) ?? '', /^tool \w+: 2\n/);
    const others = [{ ...tools[0], allowed_callers: ['code_execution_20260120'] }];
    const reply = await send(door, { model, max_tokens: 10, messages: hi, tools: others });
    assert.equal(reply.status, 400);
    assert.match(await reply.text(), /tools\[0\]\.allowed_callers is not supported without/);
  },
  'docs/messages.md',
);

inAnotherWay(
  'carried',
  'a client that keeps its history itself, drops our member of a call and keeps encrypted reasoning has its model told the call as it was',
  async (door) => {
    serveHosted(door);
    const tools = [{ type: 'web_search' }, { type: 'code_interpreter', container: { type: 'auto' } }];
    const run = { name: 'code_interpreter', args: '{"code":"1+1"}', id: 'c2' };
    const mine = { name: 'mine', args: '{}', id: 'c3' };
    const own = {
      type: 'function',
      name: 'mine',
      description: 'Mine.',
      parameters: { type: 'object', properties: {} },
    };
    const model = door.model.script(callsFunctions(search, run), callsFunctions(mine), says('In March【1】.'));
    const more = { model, tools: [...tools, own], store: false, include: ['reasoning.encrypted_content'] };
    const { final } = await stream(door, more);
    const types = ['web_search_call', 'code_interpreter_call', 'reasoning', 'reasoning', 'function_call'];
    assert.deepEqual(
      final.output.map(({ type }) => type),
      types,
    );
    const read = modelInput(door, model).slice(2);
    const kept = final.output.map((item) => {
      const { function: _, ...bare } = item as typeof item & { function?: object }; // ours
      return bare;
    });
    const answer = { type: 'function_call_output', call_id: 'c3', output: 'Done.' };
    const input = [{ role: 'user', content: 'Hi' }, ...kept, answer];
    const last = await create(door, { ...more, input });
    const later = modelInput(door, model);
    for (const line of read)
      assert.ok(
        later.some((one) => one.replace(/^tool \w+/, '') === line.replace(/^tool \w+/, '')),
        line,
      );
    assert.doesNotMatch(JSON.stringify(later), /antiphon\.\d/, 'no model is told what is sealed');
    assert.match(JSON.stringify(last.output), /\(\[127\.0\.0\.1\]/, 'what was read can be cited');
    const others = final.output.filter(({ type }) => type !== 'reasoning');
    assert.equal(JSON.stringify(others).includes('antiphon.'), false);
    const { output: stored } = await create(door, {
      ...more,
      model: door.model.script(callsFunctions(search), says('Ok.')),
      store: true,
    });
    assert.ok(
      stored.every(({ type }) => type !== 'reasoning'),
      'what is kept here, nobody has to carry',
    );
  },
  'docs/web-search.md',
);

inAnotherWay(
  'messages-carried',
  'in the Messages API, where calls are not shown, thinking that a client sends back carries what they were to the model',
  async (door) => {
    const tools = [{ type: 'web_search_20250305', name: 'web_search' }];
    const thinking = { type: 'adaptive' };
    const model = door.model.script(callsFunctions(search), says('In March【1】.'), says('Sure【1】.'));
    const first = await message(door, { model, tools, thinking });
    assert.deepEqual(
      first.content.map(({ type }: { type: string }) => type),
      ['redacted_thinking', 'text'],
    );
    const messages = [...hi, { role: 'assistant', content: first.content }, { role: 'user', content: 'Sure?' }];
    const { content } = await message(door, { model, tools, thinking, messages });
    assert.match(content[0].text, SNOW);
    assert.deepEqual(
      told(door, model).map((line) => line.replace(/ID$/, '#')),
      [
        'user: Hi',
        'assistant: web_search {"query":"snow"} ##',
        'tool ID: Found',
        'assistant: In March([127.0.0.1](URL)).',
        'user: Sure?',
      ],
    );
  },
  'docs/messages.md',
);
