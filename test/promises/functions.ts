import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { outline } from '../support/sse.ts';
import { create, refuses, stream } from './ask.ts';
import { promise } from './promise.ts';

const SOURCE = 'docs/functions.md';

const weather = { type: 'function', name: 'weather' };
const call = { name: 'weather', args: '{"city":"Rome"}', id: 'c1' };

/** What the function tells that it was asked, by POST. */
// The function says what it was asked; only the very credential that it has to be sent is redacted.
const asked = { method: 'POST', name: 'weather', body: call.args, authorization: '<redacted>' };

promise(
  'functions.run',
  { says: 'a function of the configuration that a request names is run by this server', source: SOURCE },
  async (door) => {
    const model = door.model.script(callsFunctions(call), says('Mild.'));
    const response = await create(door, { model, tools: [weather] });
    assert.equal(response.status, 'completed');
    const [shown, message] = response.output;
    assert.partialDeepStrictEqual(shown, {
      ...{ type: 'mcp_call', server_label: 'antiphon.functions', name: 'weather', arguments: call.args },
      ...{ status: 'completed', error: null },
    });
    const output = shown?.type === 'mcp_call' ? (shown.output ?? '') : '';
    assert.partialDeepStrictEqual(JSON.parse(output), { ...asked, type: 'application/json' });
    assert.partialDeepStrictEqual(message, { type: 'message', content: [{ text: 'Mild.' }] });
    const [first, second] = door.model.calls(model);
    assert.deepEqual(first?.body.tools, [
      {
        type: 'function',
        function: {
          name: 'weather',
          description: 'The weather of a city.',
          parameters: { type: 'object', properties: { city: { type: 'string' } } },
          strict: false,
        },
      },
    ]);
    assert.deepEqual(second?.body.messages.slice(-2), [
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: call.args } }],
      },
      { role: 'tool', tool_call_id: 'c1', content: output },
    ]);
  },
);

promise(
  'functions.stream',
  { says: 'its call is streamed as an mcp_call, and no client is asked to run it', source: SOURCE },
  async (door) => {
    const model = door.model.script(callsFunctions(call), says('Mild.'));
    const { events, final } = await stream(door, { model, tools: [weather] });
    assert.deepEqual(outline(events).slice(0, 8), [
      'created',
      'in_progress',
      'output_item.added 0 mcp_call in_progress',
      'mcp_call.in_progress 0',
      `mcp_call_arguments.delta 0 ${call.args}`,
      `mcp_call_arguments.done 0 ${call.args}`,
      'mcp_call.completed 0',
      'output_item.done 0 mcp_call completed',
    ]);
    assert.deepEqual(final.tools, [{ ...weather, description: null, parameters: null, strict: false }]);
  },
);

promise(
  'functions.query',
  { says: 'by GET its arguments are in the query, and none takes the place of what the URL has there', source: SOURCE },
  async (door) => {
    const args = JSON.stringify({ city: 'New York', units: 'imperial', days: [1, 2], deep: { a: true }, none: null });
    const model = door.model.script(callsFunctions({ name: 'look_up', args }), says('Mild.'));
    const { output } = await create(door, { model, tools: [{ type: 'function', name: 'look_up' }] });
    const told = JSON.parse(output[0]?.type === 'mcp_call' ? (output[0].output ?? '') : '');
    const query = 'units=metric&city=New+York&days=1&days=2&deep=%7B%22a%22%3Atrue%7D';
    assert.deepEqual(told, { method: 'GET', name: `look_up?${query}`, body: '' });
  },
);

promise(
  'functions.own',
  {
    says: "a function that the client describes is the client's, whatever the configuration has of its name",
    source: SOURCE,
  },
  async (door) => {
    for (const more of [{ parameters: { type: 'object', properties: {} } }, { description: 'Mine.' }]) {
      const model = door.model.script(callsFunctions(call), says('never'));
      const { output } = await create(door, { model, tools: [{ ...weather, ...more }] });
      assert.deepEqual(
        output.map(({ type }) => type),
        ['function_call'],
      );
      assert.equal(door.model.calls(model).length, 1);
    }
    const model = door.model.script(callsFunctions({ ...call, name: 'unknown' }), says('never'));
    const { output } = await create(door, { model, tools: [{ type: 'function', name: 'unknown' }] });
    assert.equal(output[0]?.type, 'function_call', 'and so is one that the configuration has not');
  },
);

promise(
  'functions.beside',
  { says: "a round with a client's call runs the server's function and ends the turn", source: SOURCE },
  async (door) => {
    const model = door.model.script(callsFunctions(call, { name: 'mine', args: '{}', id: 'c2' }), says('Both.'));
    const tools = [weather, { type: 'function', name: 'mine', parameters: { type: 'object', properties: {} } }];
    const first = await create(door, { model, tools });
    assert.deepEqual(first.output.map(({ type }) => type).sort(), ['function_call', 'mcp_call']);
    const input = [{ type: 'function_call_output', call_id: 'c2', output: 'done' }];
    const next = await create(door, { model, tools, input, previous_response_id: first.id });
    assert.equal(next.status, 'completed');
  },
);

promise(
  'functions.failure',
  { says: 'a function that fails, is not there or gets no JSON is a failed call that the model reads', source: SOURCE },
  async (door) => {
    const cases = [
      { name: 'is_down', args: '{}', code: 503, says: /^The call failed: HTTP 503: \{"method":"POST"/ },
      { name: 'is_away', args: '{}', code: 502, says: /^The call failed: The server could not be reached\.$/ },
      {
        name: 'weather',
        args: '["Rome"]',
        code: 400,
        says: /The call failed: The arguments are not a JSON object\.$/,
      },
    ];
    for (const { name, args, code, says: words } of cases) {
      const model = door.model.script(callsFunctions({ name, args }), says('Sorry.'));
      const { events, final } = await stream(door, { model, tools: [{ type: 'function', name }] });
      assert.equal(final.status, 'completed');
      assert.ok(events.some(({ type }) => type === 'response.mcp_call.failed'));
      assert.partialDeepStrictEqual(final.output[0], {
        type: 'mcp_call',
        status: 'failed',
        output: null,
        error: { type: 'http_error', code },
      });
      assert.match(door.model.calls(model)[1]?.body.messages.at(-1).content, words);
    }
  },
);

promise(
  'functions.choice',
  { says: 'tool_choice may name it, or allow it: once it has run the model is free', source: SOURCE },
  async (door) => {
    for (const tool_choice of [weather, { type: 'allowed_tools', mode: 'required', tools: [weather] }, 'required']) {
      const model = door.model.script(callsFunctions(call), says('Mild.'));
      const { output } = await create(door, {
        model,
        tool_choice,
        tools: [weather, { type: 'function', name: 'look_up' }],
      });
      assert.deepEqual(
        output.map(({ type }) => type),
        ['mcp_call', 'message'],
      );
      const [first, second] = door.model.calls(model);
      assert.notEqual(first?.body.tool_choice ?? 'auto', 'auto');
      assert.equal(second?.body.tool_choice ?? 'auto', 'auto');
    }
    const model = door.model.script(says('never'));
    const reply = await post(door, {
      model,
      input: 'Hi',
      tool_choice: { type: 'function', name: 'look_up' },
      tools: [weather],
    });
    await refuses(reply, { status: 422, code: 422, param: 'tool_choice' });
  },
);

promise(
  'functions.history',
  {
    says: 'the next turn goes on from its call, by its id or by its items, and the model is told the same',
    source: SOURCE,
  },
  async (door) => {
    const model = door.model.script(callsFunctions(call), says('Mild.'), says('Still.'));
    const first = await create(door, { model, tools: [weather] });
    const again = [{ role: 'user', content: 'Hi' }, ...first.output, { role: 'user', content: 'And now?' }];
    await create(door, { model, input: 'And now?', previous_response_id: first.id });
    await create(door, { model, input: again, tools: [weather] });
    // As the Agents SDK for JavaScript sends it back.
    const bare = again.map((item) =>
      'type' in item && item.type === 'mcp_call' ? { ...item, output: undefined } : item,
    );
    await create(door, { model, input: bare, tools: [weather] });
    const [, told, byId, byItems, byBareItems] = door.model
      .calls(model)
      .map(({ body }) => JSON.stringify(body.messages));
    const calls = (text: string | undefined) =>
      JSON.parse(text ?? '').filter(({ role }: { role: string }) => role === 'tool');
    const names = (text: string | undefined) =>
      JSON.parse(text ?? '').flatMap(
        (one: { tool_calls?: { function: object }[] }) => one.tool_calls?.map((made) => made.function) ?? [],
      );
    for (const later of [byId, byItems, byBareItems]) {
      assert.deepEqual(names(later), names(told));
      assert.deepEqual(
        calls(later).map(({ content }: { content: string }) => content),
        calls(told).map(({ content }: { content: string }) => content),
      );
    }
  },
);

promise('functions.background', { says: 'it runs in a background turn as well', source: SOURCE }, async (door) => {
  const model = door.model.script(callsFunctions(call), says('Mild.'));
  let response = await create(door, { model, tools: [weather], background: true });
  while (response.status === 'queued' || response.status === 'in_progress') {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const reply = await door.fetch(`/v1/responses/${response.id}`);
    response = (await reply.json()) as typeof response;
  }
  assert.deepEqual(
    response.output.map(({ type }) => type),
    ['mcp_call', 'message'],
  );
});

promise('functions.max-calls', { says: 'max_tool_calls counts its calls', source: SOURCE }, async (door) => {
  const model = door.model.script(callsFunctions(call, { ...call, id: 'c2' }), says('Mild.'));
  const { output } = await create(door, { model, tools: [weather], max_tool_calls: 1 });
  assert.deepEqual(
    output.map(({ type }) => type),
    ['mcp_call', 'message'],
  );
});

promise(
  'functions.refused',
  { says: 'what a client cannot ask of it is 422: to be deferred, or not awaited', source: SOURCE },
  async (door) => {
    const model = door.model.script(says('never'));
    for (const member of ['defer_loading', 'async']) {
      const reply = await post(door, {
        model,
        input: 'Hi',
        tools: [{ ...weather, [member]: true }, { type: 'tool_search' }],
      });
      await refuses(reply, { status: 422, code: 422, param: `tools[0].${member}` });
    }
  },
);

promise(
  'functions.count',
  { says: 'its definition is counted with the tokens of an input', source: SOURCE },
  async (door) => {
    const model = door.model.script(says('never'));
    const count = async (tools: object[]) => {
      const reply = await door.fetch('/v1/responses/input_tokens', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model, input: 'Hi', tools }),
      });
      const { input_tokens } = (await reply.json()) as { input_tokens: number };
      return input_tokens;
    };
    const [without, named] = [await count([]), await count([weather])];
    assert.ok(named > without + 10, `${named} > ${without}`);
  },
);
