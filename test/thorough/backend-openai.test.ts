import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelCall } from '../../handler/backend/backend.ts';
import { chatCompletions } from '../../handler/backend/chat/index.ts';
import { responses } from '../../handler/backend/responses/index.ts';
import { toOpenAIsRequest } from '../../handler/backend/responses/request.ts';
import { openServer } from '../../handler/backend/server/server.ts';
import { ApiError } from '../../handler/errors.ts';
import type { Item } from '../../handler/items/item.ts';
import type { FunctionTool, NamespaceTool } from '../../handler/protocol/tools.ts';
import { createTransport } from '../../shim/transport.ts';
import { sdk } from '../coverage/surface.ts';
import type { Json } from '../support/accumulate.ts';
import { modelCall } from '../support/backend-contract.ts';
import { says, startScriptedModel } from '../support/model/scripted.ts';
import { answers, message } from '../support/model/scripted-responses.ts';

// What only OpenAI's own servers are sent. No test reaches those: a scripted server stands for them.

const kinds = { responses, chat: chatCompletions };
const call = { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' } as const;

/** What a server is sent for a call, and what becomes of its answer. */
async function sentTo(kind: keyof typeof kinds, isOpenAI: boolean, members: Partial<ModelCall>) {
  const scripted = await startScriptedModel();
  const { transport, close } = createTransport();
  const model = kind === 'chat' ? scripted.script(says('ok')) : scripted.native(answers(call, message('ok')));
  try {
    const backend = kinds[kind](openServer(scripted.url, 'key', transport));
    const prepared = backend.prepare(modelCall({ model, ...members }), { isOpenAI, grammars: 'refuse' });
    const items: Json[] = [];
    for await (const event of prepared.stream(new AbortController().signal)) {
      if (event.type === 'response.output_item.done') items.push(event.item);
    }
    const body: Json = scripted.calls(model)[0]?.body ?? assert.fail('it was called');
    return { body, items };
  } finally {
    await close();
    await scripted.close();
  }
}

const mark = { prompt_cache_breakpoint: { mode: 'explicit', ttl: '30m' } } as const;
const caller = { type: 'direct' } as const;
const image = { type: 'input_image', image_url: 'https://x.test/a.png' } as const;
const text = { type: 'input_text', text: 'Hi' } as const;
const bare = { id: 'x_1', status: 'completed' } as const;

const marked: Item[] = [
  { ...bare, type: 'message', role: 'developer', content: [{ ...text, ...mark }] },
  { ...bare, type: 'message', role: 'user', content: [{ ...text, ...mark }] },
  { ...bare, type: 'message', role: 'user', content: [text, { ...image, ...mark }] },
  { ...bare, ...call, caller },
  { ...bare, type: 'function_call_output', call_id: 'c1', output: [{ ...text, ...mark }], name: 'f', caller },
];

test('cache breakpoints and callers go to OpenAI, and to no other server', async () => {
  const message = (role: string, ...content: object[]) => ({ type: 'message', role, content });
  const status = 'completed';
  assert.deepEqual((await sentTo('responses', true, { input: marked })).body.input, [
    message('developer', { ...text, ...mark }),
    message('user', { ...text, ...mark }),
    message('user', text, { ...image, ...mark }),
    { ...call, status, caller },
    { type: 'function_call_output', call_id: 'c1', output: [{ ...text, ...mark }], name: 'f', status, caller },
  ]);
  const { body } = await sentTo('responses', false, { input: marked });
  assert.equal(body.instructions, text.text);
  assert.deepEqual(body.input, [
    message('user', text),
    message('user', text, image),
    { ...call, status },
    { type: 'function_call_output', call_id: 'c1', output: [text], status },
  ]);
});

test('cache breakpoints go to Chat Completions of OpenAI, in parts', async () => {
  const said = { type: 'text', text: 'Hi' };
  const seen = { type: 'image_url', image_url: { url: image.image_url } };
  const { body } = await sentTo('chat', true, { input: marked, instructions: 'Be brief.' });
  assert.deepEqual(
    body.messages.map(({ content }: Json) => content),
    [
      'Be brief.',
      [{ ...said, ...mark }],
      [{ ...said, ...mark }],
      [said, { ...seen, ...mark }],
      null,
      [{ ...said, ...mark }],
    ],
  );
  const { body: other } = await sentTo('chat', false, { input: marked, instructions: 'Be brief.' });
  assert.deepEqual(
    other.messages.map(({ content }: Json) => content),
    ['Be brief.\n\nHi', 'Hi', [said, seen], null, 'Hi'],
  );
});

const custom = { type: 'custom', name: 'c' } as const;
const tools: ModelCall['tools'] = [
  { type: 'function', name: 'f', output_schema: { type: 'object' }, allowed_callers: ['direct'], defer_loading: false },
  {
    type: 'namespace',
    name: 'n',
    description: 'd',
    tools: [{ type: 'custom', name: 'c', allowed_callers: ['direct'] }],
  },
];

test('what says how tools are called goes to OpenAI, and to no other server', async () => {
  assert.deepEqual((await sentTo('responses', true, { tools })).body.tools, tools);
  const parameters = {
    type: 'object',
    properties: { input: { type: 'string' } },
    required: ['input'],
    additionalProperties: false,
  };
  const plain = [
    { type: 'function', name: 'f' },
    { type: 'function', name: 'n__c', description: 'Part of n: d', parameters },
  ];
  assert.deepEqual((await sentTo('responses', false, { tools })).body.tools, plain);
});

test('an asynchronous function is called by OpenAI alone, and its call says so', async () => {
  const member: FunctionTool = { type: 'function', name: 'f', async: true };
  const space: NamespaceTool = { type: 'namespace', name: 'n', description: 'd', tools: [custom, member] };
  const { body, items } = await sentTo('responses', true, { tools: [member] });
  assert.deepEqual(body.tools, [member]);
  assert.partialDeepStrictEqual(items, [{ ...call, async: true }, { type: 'message' }]);
  const params = new Map<ModelCall['tools'][number], string>([
    [member, 'tools[2]'],
    [space, 'tools[3]'],
  ]);
  for (const [kind, isOpenAI] of [
    ['responses', false],
    ['chat', false],
    ['chat', true],
  ] as const) {
    await refused(sentTo(kind, isOpenAI, { tools: [member], params }), 'tools[2].async');
    await refused(sentTo(kind, isOpenAI, { tools: [space], params }), 'tools[3].tools[1].async');
    const waiting: Item[] = [{ ...bare, ...call, async: true }];
    await refused(sentTo(kind, isOpenAI, { input: waiting }), 'input');
    await sentTo(kind, isOpenAI, { input: [...waiting, ...marked.slice(-1)] });
  }
});

test('what a text cites, and its log probabilities, go to OpenAI alone', async () => {
  const annotations = [{ type: 'file_path' as const, file_id: 'file_1', index: 0 }];
  const logprobs = [{ token: 'a', logprob: -0.5, bytes: [97], top_logprobs: [] }];
  const content = [{ type: 'output_text' as const, text: 'a', annotations, logprobs }];
  const input: Item[] = [{ ...bare, type: 'message', role: 'assistant', content }];
  const [sent] = (await sentTo('responses', true, { input })).body.input;
  assert.deepEqual(sent, { type: 'message', role: 'assistant', content });
  const [other] = (await sentTo('responses', false, { input })).body.input;
  assert.deepEqual(other, { type: 'message', role: 'assistant', content: 'a' });
});

test('reasoning.mode goes to servers that speak the Responses API', async () => {
  const reasoning = { effort: 'high', summary: null, mode: 'pro' } as const;
  assert.deepEqual((await sentTo('responses', true, { reasoning })).body.reasoning, { effort: 'high', mode: 'pro' });
  await refused(sentTo('chat', true, { reasoning }), 'reasoning.mode');
});

test('reasoning.context goes to OpenAI alone, and sealed reasoning is asked of models that reason', async () => {
  const reasoning = { effort: null, summary: null, context: 'all_turns' } as const;
  assert.deepEqual((await sentTo('responses', true, { reasoning })).body.reasoning, { context: 'all_turns' });
  assert.ok(!('reasoning' in (await sentTo('responses', false, { reasoning })).body));
  const include = (model: string) => toOpenAIsRequest(modelCall({ model })).include;
  for (const model of ['gpt-5', 'gpt-5.2', 'gpt-5-codex', 'o3', 'o4-mini', 'codex-mini-latest', 'a-deployment']) {
    assert.deepEqual(include(model), ['reasoning.encrypted_content'], model);
  }
  for (const model of ['gpt-4o', 'gpt-4.1', 'gpt-5-chat-latest', 'gpt-5.1-chat', 'ft:gpt-4o:me::1', 'gpt-3.5-turbo']) {
    assert.equal(include(model), undefined, model);
  }
  const { include: probabilities } = toOpenAIsRequest(modelCall({ model: 'gpt-4o', top_logprobs: 1 }));
  assert.deepEqual(probabilities, ['message.output_text.logprobs']);
});

test('strict is asked of OpenAI on Chat Completions where the client has left it out and the schema allows it', async () => {
  const open = { type: 'object', properties: { a: { type: 'string' } } };
  const closed = { ...open, required: ['a'], additionalProperties: false };
  const within = { type: 'object', properties: { b: { anyOf: [open] } }, required: ['b'], additionalProperties: false };
  const functions = [
    { name: 'open', parameters: open },
    { name: 'closed', parameters: closed },
    { name: 'within', parameters: within },
    { name: 'not', parameters: closed, strict: false },
    { name: 'none' },
  ].map((fn): FunctionTool => ({ type: 'function', ...fn }));
  const asked = async (isOpenAI: boolean) => {
    const { body } = await sentTo('chat', isOpenAI, { tools: functions });
    return body.tools.map(({ function: fn }: Json) => fn.strict);
  };
  assert.deepEqual(await asked(true), [undefined, true, undefined, false, undefined]);
  assert.deepEqual(await asked(false), [undefined, undefined, undefined, false, undefined]);
});

async function refused(sent: Promise<unknown>, param: string): Promise<void> {
  await assert.rejects(
    sent,
    (error) => error instanceof ApiError && error.kind === 'unsupported' && error.param === param,
  );
}

test('OpenAI is asked to count with the parameters that it documents, and on Chat Completions not at all', async (t) => {
  const scripted = await startScriptedModel();
  const { transport, close } = createTransport();
  t.after(async () => {
    await close();
    await scripted.close();
  });
  const path = '/v1/responses/input_tokens';
  const model = scripted.counting('m', { [path]: (turn) => turn.reply(200, { input_tokens: 5 }) });
  const server = openServer(scripted.url, 'key', transport);
  const openAIs = { isOpenAI: true, grammars: 'refuse' } as const;
  const format = { type: 'json_schema', name: 's', schema: {}, strict: true } as const;
  const asked = modelCall({
    model,
    instructions: 'Be brief.',
    tools: [{ type: 'function', name: 'f', parameters: {}, strict: true }],
    text: { format, verbosity: 'low' },
    reasoning: { effort: 'low', summary: 'auto' },
    temperature: 0.5,
    top_logprobs: 2,
    max_output_tokens: 16,
  });
  const { signal } = new AbortController();
  assert.equal(await responses(server).prepare(asked, openAIs).countTokens?.(signal), 5);
  assert.equal(await chatCompletions(server).prepare(asked, openAIs).countTokens?.(signal), undefined);
  const [sent, ...more] = scripted.calls(model);
  assert.deepEqual([sent?.path, more], [path, []]);
  const known = sdk.membersOf(sdk.interfaces.get('InputTokenCountParams') ?? assert.fail('a type'));
  assert.deepEqual(
    Object.keys(sent?.body).filter((name) => !known.has(name)),
    [],
  );
});
