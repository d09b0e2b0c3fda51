import assert from 'node:assert/strict';
import { replies, says } from '../support/model/scripted.ts';
import { tells, text } from '../support/model/scripted-messages.ts';
import { answers } from '../support/model/scripted-responses.ts';
import { type Any, hi, message, refusal, refused, send, VERSION } from './anthropic-ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';

const SOURCE = 'docs/messages.md';
const MESSAGES = 'https://platform.claude.com/docs/en/api/messages';
const schema = { type: 'object', properties: { city: { type: 'string' } } };
const tool = { name: 'weather', description: 'The weather.', input_schema: schema };
const PNG = 'iVBORw0KGgo=';
const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } };
const link = { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } };
const use = { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Oslo' } };
const ephemeral = { type: 'ephemeral' };
const back = (content: unknown) => [
  ...hi,
  { role: 'assistant', content: [{ type: 'text', text: 'Let me look.' }, use] },
  {
    role: 'user',
    content: [
      { type: 'tool_result', tool_use_id: 'toolu_1', content },
      { type: 'text', text: 'So?' },
    ],
  },
];

promise(
  'anthropic-api.request',
  {
    says: 'system, texts, images, calls, results, tools and settings reach any model',
    source: MESSAGES,
  },
  async (door) => {
    const model = door.model.script(says('ok'));
    await message(door, {
      model,
      system: [
        { type: 'text', text: 'Be brief.', cache_control: ephemeral },
        { type: 'text', text: 'Be kind.' },
      ],
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Look:' }, image, link] },
        { role: 'assistant', content: [{ type: 'text', text: 'Let me look.' }, use] },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: 'Snow.' }] },
            { type: 'text', text: 'So?' },
          ],
        },
        { role: 'system', content: 'Now in verse.' },
      ],
      tools: [
        { ...tool, strict: true },
        { ...tool, name: 'other' },
      ],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      temperature: 0.5,
      top_p: 0.9,
      max_tokens: 1,
      metadata: { user_id: 'u_1' },
      output_config: { effort: 'low', format: { type: 'json_schema', schema } },
    });
    const { body } = door.model.calls(model)[0] ?? assert.fail();
    const [system, shown, said, result, asked] = body.messages;
    assert.deepEqual(system, { role: 'system', content: 'Be brief.\n\nBe kind.\n\nNow in verse.' });
    assert.deepEqual(shown.content, [
      { type: 'text', text: 'Look:' },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } },
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
    ]);
    assert.deepEqual([said.content, said.tool_calls[0].id], ['Let me look.', 'toolu_1']);
    assert.deepEqual(said.tool_calls[0].function, { name: 'weather', arguments: '{"city":"Oslo"}' });
    assert.deepEqual(result, { role: 'tool', tool_call_id: 'toolu_1', content: 'Snow.' });
    assert.deepEqual(asked, { role: 'user', content: 'So?' });
    assert.deepEqual(
      body.tools.map(({ function: fn }: Any) => [fn.name, fn.description, fn.parameters, fn.strict ?? false]),
      [
        ['weather', 'The weather.', schema, true],
        ['other', 'The weather.', schema, false],
      ],
    );
    const { tool_choice, parallel_tool_calls, temperature, top_p, max_tokens, reasoning_effort, response_format } =
      body;
    assert.deepEqual(
      { tool_choice, parallel_tool_calls, temperature, top_p, max_tokens, reasoning_effort },
      {
        tool_choice: 'required',
        parallel_tool_calls: false,
        temperature: 0.5,
        top_p: 0.9,
        max_tokens: 1,
        reasoning_effort: 'low',
      },
    );
    assert.deepEqual(response_format.json_schema.schema, schema);
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.choices',
  { says: 'a choice of tools is the same choice for any model', source: MESSAGES },
  async (door) => {
    const model = door.model.script(says('ok'));
    for (const [tool_choice, told] of [
      [{ type: 'auto' }, 'auto'],
      [{ type: 'none' }, undefined], // then the model is offered none
      [{ type: 'tool', name: 'weather' }, 'required'], // of that one alone
    ]) {
      await message(door, { model, tools: [tool, { ...tool, name: 'other' }], tool_choice });
      assert.deepEqual(door.model.calls(model).at(-1)?.body.tool_choice, told);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.effort',
  {
    says: 'a budget or an effort of thinking becomes an effort; `high` is the default, and asks for nothing',
    source: SOURCE,
  },
  async (door) => {
    const model = door.model.script(says('ok'));
    for (const [body, effort] of [
      [{}, undefined],
      [{ thinking: { type: 'adaptive' }, output_config: { effort: 'high' } }, undefined],
      [{ output_config: { effort: 'max' } }, 'max'],
      [{ thinking: { type: 'enabled', budget_tokens: 1024 } }, 'low'],
      [{ thinking: { type: 'enabled', budget_tokens: 8192 } }, 'medium'],
      [{ thinking: { type: 'enabled', budget_tokens: 31_999 } }, 'high'],
      [{ thinking: { type: 'disabled' } }, 'none'],
      [{ messages: [...hi, { role: 'system', output_config: { effort: 'medium' } }] }, 'medium'],
    ] as const) {
      await message(door, { model, max_tokens: 40_000, ...body });
      assert.equal(door.model.calls(model).at(-1)?.body.reasoning_effort, effort, JSON.stringify(body));
    }
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.cache',
  { says: "cache_control reaches Anthropic's own server, and is never refused elsewhere", source: SOURCE },
  async (door) => {
    const marked = { type: 'text', text: 'Long.', cache_control: { type: 'ephemeral', ttl: '1h' } };
    const body = {
      system: [marked],
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi', cache_control: ephemeral }] }],
      tools: [{ ...tool, cache_control: ephemeral }],
    };
    const own = door.model.anthropic(tells(text('ok')));
    await message(door, { model: own, ...body });
    const sent = door.model.calls(own)[0]?.body;
    assert.deepEqual(
      [sent.system[0].cache_control.type, sent.messages[0].content[0].cache_control.type],
      ['ephemeral', 'ephemeral'],
    );
    await message(door, {
      model: own,
      ...body,
      messages: back('Snow.')
        .slice(0, -1)
        .concat({
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'Snow.', cache_control: ephemeral }],
        } as Any),
    });
    assert.match(JSON.stringify(door.model.calls(own)[1]?.body.messages[2]), /"cache_control":\{"type":"ephemeral"/);
    for (const model of [
      door.model.script(says('ok')),
      door.model.native(answers({ type: 'message', content: [{ type: 'output_text', text: 'ok' }] })),
    ]) {
      await message(door, { model, ...body, cache_control: ephemeral });
      assert.doesNotMatch(JSON.stringify(door.model.calls(model)[0]?.body), /cache_control|cache_breakpoint/);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.results',
  { says: 'results of tools may hold texts, images, documents and what a search found', source: MESSAGES },
  async (door) => {
    const model = door.model.script(says('ok'));
    const document = {
      type: 'document',
      title: 'Notes',
      source: { type: 'text', media_type: 'text/plain', data: 'Snow.' },
    };
    const found = {
      type: 'search_result',
      source: 'https://w.example',
      title: 'W',
      content: [{ type: 'text', text: 'Ice.' }],
    };
    const listed = { type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'Rain.' }] } };
    for (const [content, told] of [
      [undefined, ''],
      [[], ''],
      ['Snow.', 'Snow.'],
      [
        [
          { type: 'text', text: 'Snow.' },
          { type: 'text', text: 'Ice.' },
        ],
        'Snow.Ice.',
      ],
      [[document], 'NotesSnow.'],
      [[found], 'W\nhttps://w.example\nIce.'],
      [[listed], 'Rain.'],
    ] as const) {
      await message(door, { model, messages: back(content) });
      const result = door.model.calls(model).at(-1)?.body.messages[2].content;
      assert.equal(typeof result === 'string' ? result : result.map((part: Any) => part.text).join(''), told);
    }
    await message(door, { model, messages: back([{ type: 'text', text: 'Look:' }, image]) });
    assert.match(JSON.stringify(door.model.calls(model).at(-1)?.body.messages), /data:image\/png/);
    const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' } };
    await message(door, { model, messages: [{ role: 'user', content: [pdf, { type: 'text', text: 'What?' }] }] });
    assert.match(
      JSON.stringify(door.model.calls(model).at(-1)?.body.messages),
      /data:application\/pdf;base64,JVBERi0=/,
    );
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.deferred',
  {
    says: 'a deferred tool is offered once a result, or a message of the system, names it; one that is withdrawn is not',
    source: 'https://platform.claude.com/docs/en/agents-and-tools/tool-use/tool-search-tool',
  },
  async (door) => {
    const model = door.model.script(says('ok'));
    const tools = [tool, { ...tool, name: 'later', defer_loading: true }];
    const names = () =>
      door.model
        .calls(model)
        .at(-1)
        ?.body.tools.map(({ function: fn }: Any) => fn.name);
    await message(door, { model, tools });
    assert.deepEqual(names(), ['weather']);
    const reference = { type: 'tool_reference', name: 'later' };
    await message(door, { model, tools, messages: back([{ type: 'tool_reference', tool_name: 'later' }]) });
    assert.deepEqual(names(), ['weather', 'later']);
    const system = (...content: object[]) => [...hi, { role: 'system', content }];
    await message(door, { model, tools, messages: system({ type: 'tool_addition', tool: reference }) });
    assert.deepEqual(names(), ['weather', 'later']);
    const definition = { ...tool, name: 'new' };
    await message(door, {
      model,
      tools,
      messages: system(
        { type: 'tool_removal', tool: { type: 'tool_reference', name: 'weather' } },
        { type: 'tool_addition', tool: { type: 'tool_definition', definition } },
      ),
    });
    assert.deepEqual(names(), ['new']);
    await refused(
      door,
      { tools, messages: back([{ type: 'tool_reference', tool_name: 'nobody' }]) },
      'messages[2].content[0].content[0].tool_name names "nobody"',
    );
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.hosted',
  { says: 'tools that Anthropic runs are left out as `dropTools` says, and named, or refused', source: SOURCE },
  async (door) => {
    const model = door.model.script(says('ok'));
    const search = { type: 'web_search_20250305', name: 'web_search', max_uses: 8 };
    const reply = await send(door, {
      model,
      max_tokens: 10,
      messages: hi,
      tools: [tool, search],
      tool_choice: { type: 'auto' },
    });
    await reply.text();
    assert.deepEqual([reply.status, reply.headers.get('x-antiphon-dropped-tools')], [200, 'web_search']);
    assert.equal(door.model.calls(model)[0]?.body.tools.length, 1);
    for (const [type, said] of [
      ['code_execution_20250825', 'tools[1].type is not a type of tool that this server supports'],
      ['bash_20250124', 'tools[1].type is not supported: "bash_20250124" is known to Anthropic alone'],
      ['text_editor_20250728', 'tools[1].type is not supported'],
      ['web_fetch_20250910', 'tools[1].type is not supported'],
      ['tool_search_tool_regex_20251119', 'tools[1].type is not supported'],
      ['shell', 'tools[1].type is not supported'],
      ['nobody_knows', 'tools[1].type is not a type of tool that this server supports'],
    ] as const) {
      await refused(door, { tools: [tool, { type, name: 'x' }] }, said);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.count',
  {
    says: 'POST /v1/messages/count_tokens counts the same request, and runs no model',
    source: 'https://platform.claude.com/docs/en/api/messages-count-tokens',
  },
  async (door) => {
    const path = '/v1/messages/count_tokens';
    const model = door.model.counting('anthropic-count', { [path]: replies(200, { input_tokens: 42 }) });
    const reply = await send(door, { model, messages: hi, system: 'Be brief.', tools: [tool] }, path);
    assert.deepEqual([reply.status, await reply.json()], [200, { input_tokens: 42 }]);
    const [call] = door.model.calls(model);
    assert.deepEqual([call?.path, call?.body.tools[0].name], [path, 'weather']);
    await refusal(await send(door, { model: 'nobody-knows', messages: hi }, path), 404, 'not_found_error');
    await refusal(
      await send(door, { model, messages: [] }, path),
      400,
      'invalid_request_error',
      'messages must not be empty',
    );
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.models',
  {
    says: 'with anthropic-version models are listed in Anthropic’s form, in pages',
    source: 'https://platform.claude.com/docs/en/api/models-list',
  },
  async (door) => {
    door.model.script(says('Hi'));
    const list = async (query = '') => {
      const reply = await door.fetch(`/v1/models${query}`, { headers: VERSION });
      assert.equal(reply.status, 200);
      return (await reply.json()) as Any;
    };
    const whole = await list('?limit=1000');
    const ids = whole.data.map(({ id }: Any) => id);
    assert.deepEqual(
      [ids.slice(0, 2), whole.has_more, whole.first_id, whole.last_id],
      [['demo', 'down'], false, 'demo', ids.at(-1)],
    );
    const { type, display_name, created_at } = whole.data[0];
    assert.deepEqual([type, display_name, created_at], ['model', 'demo', '1970-01-01T00:00:00Z']);
    const first = await list('?limit=1');
    assert.deepEqual([first.data.length, first.has_more, first.last_id], [1, true, 'demo']);
    const second = await list('?limit=1&after_id=demo');
    assert.deepEqual([second.data[0].id, second.has_more], ['down', true]);
    assert.deepEqual((await list('?before_id=down')).data[0].id, 'demo');
    const one = await door.fetch('/v1/models/demo', { headers: VERSION });
    assert.deepEqual(await one.json(), whole.data[0]);
    const of = (path: string) => door.fetch(path, { headers: VERSION });
    await refusal(await of('/v1/models/nobody-knows'), 404, 'not_found_error');
    await refusal(await of('/v1/models?limit=0'), 400, 'invalid_request_error', 'limit must be');
    await refusal(await of('/v1/models?after_id=nobody'), 400, 'invalid_request_error', 'after_id must be');
  },
  NEEDS_HEADERS,
);

promise(
  'anthropic-api.user',
  {
    says: 'metadata.user_id names the end user in as many characters as servers take, and of Claude Code’s no session',
    source: 'https://github.com/looplj/axonhub/issues/1669',
  },
  async (door) => {
    const model = door.model.openai(answers({ type: 'message', content: [{ type: 'output_text', text: 'ok' }] }));
    const device_id = 'd'.repeat(64);
    for (const [user_id, user] of [
      ['u_1', 'u_1'],
      [JSON.stringify({ device_id, account_uuid: '', session_id: 's' }), device_id],
      [JSON.stringify({ device_id, account_uuid: 'a-1', session_id: 's' }), 'a-1'],
      ['user_1_account__session_2', 'user_1_account_'],
      ['{"device_id":7}', '{"device_id":7}'],
      ['x'.repeat(512), /^x{50,}_\w+$/],
    ] as const) {
      await message(door, { model, metadata: { user_id } });
      const sent = door.model.calls(model).at(-1)?.body.user;
      assert.ok(sent.length <= 64);
      if (typeof user === 'string') assert.equal(sent, user);
      else assert.match(sent, user);
    }
    await message(door, { model, metadata: { user_id: null } });
    assert.equal(door.model.calls(model).at(-1)?.body.user, undefined);
  },
  NEEDS_HEADERS,
);
