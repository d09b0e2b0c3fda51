import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import type * as Entry from '../handler/index.ts';
import type * as Schema from '../handler/state/database/schema.ts';
import type * as Sqlite from '../handler/state/database/sqlite.ts';
import { eventsOf, type Json } from './support/accumulate.ts';
import { callsFunctions, type Script, type ScriptedModel, says, startScriptedModel } from './support/model/scripted.ts';
import { tells, text } from './support/model/scripted-messages.ts';
import { answers, message } from './support/model/scripted-responses.ts';
import { handlerWithWeather } from './support/new-item-type.ts';

// A tool with a type of item of its own is a file in items/, a line in items/index.ts, and a file in tools/: that is added to
// a copy of the handler here, and nothing else is.

const name = 'weather';
const args = '{"city":"Rome"}';
const weather = { city: 'Rome', forecast: 'Sun in Rome', status: 'completed', type: 'weather_call' };

/** A protocol of models: what one says in two turns, and how it is sent a call and its answer. */
interface Protocol {
  config: object;
  scripts: Script[];
  told(id: string): object[];
}

const asResponses: Omit<Protocol, 'config'> = {
  scripts: [
    answers({ type: 'function_call', call_id: 'c1', name, arguments: args }),
    answers(message('Sunny.')),
    answers(message('As I said.')),
  ],
  told: (call_id) => [
    { type: 'function_call', call_id, name, arguments: args, status: 'completed' },
    { type: 'function_call_output', call_id, output: weather.forecast, status: 'completed' },
  ],
};

const protocols: Record<string, Protocol> = {
  'Chat Completions': {
    config: { backend: 'chat' },
    scripts: [callsFunctions({ id: 'c1', name, args }), says('Sunny.'), says('As I said.')],
    told: (id) => [
      { role: 'assistant', content: null, tool_calls: [{ id, type: 'function', function: { name, arguments: args } }] },
      { role: 'tool', tool_call_id: id, content: weather.forecast },
    ],
  },
  Responses: { config: { backend: 'responses' }, ...asResponses },
  'Responses of OpenAI’s own': { config: { backend: 'responses', openai: true }, ...asResponses },
  Messages: {
    config: { backend: 'anthropic', key: 'test' },
    scripts: [
      tells({ type: 'tool_use', id: 'c1', name, input: args }),
      tells(text('Sunny.')),
      tells(text('As I said.')),
    ],
    told: (id) => [
      { role: 'assistant', content: [{ type: 'tool_use', id, name, input: { city: 'Rome' } }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: weather.forecast }] },
    ],
  },
};

let model: ScriptedModel;
let handler: string;

before(async () => {
  model = await startScriptedModel();
  handler = await handlerWithWeather();
});
after(() => model?.close());

/** The copy, on a database of its own, as what asks it. */
async function open(config: object) {
  const load = (path: string) => import(join(handler, path));
  const { createHandler, fetchTransport, parseConfig }: typeof Entry = await load('index.ts');
  const { migrate }: typeof Schema = await load('state/database/schema.ts');
  const { sqliteDatabase }: typeof Sqlite = await load('state/database/sqlite.ts');
  const { weather } = await load('tools/weather.ts');
  const database = sqliteDatabase(new DatabaseSync(':memory:'), { defer: setImmediate });
  await migrate(database);
  const { fetch: ask } = createHandler({
    database,
    config: parseConfig({ models: [{ match: '*', url: model.url, ...config }] }),
    transport: fetchTransport(fetch),
    tools: [weather],
  });
  const read = async (path: string, init: RequestInit = {}) => {
    const reply = await ask(new Request(`http://antiphon.test/v1${path}`, init));
    const body = await reply.text();
    assert.equal(reply.status, 200, body);
    return body;
  };
  const post = (path: string, body: object, headers = {}) =>
    read(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  return {
    get: async (path: string): Promise<Json> => JSON.parse(await read(path)),
    post: async (path: string, body: object): Promise<Json> => JSON.parse(await post(path, body)),
    stream: async (body: object, key: string): Promise<Json[]> =>
      eventsOf(await post('/responses', { ...body, stream: true }, { 'idempotency-key': key })),
  };
}

for (const [protocol, { config, scripts, told }] of Object.entries(protocols)) {
  test(`a new type of item goes two turns: ${protocol}`, async () => {
    const { get, post, stream } = await open(config);
    const id = model.script(...scripts);
    const heard = (): Json[] => {
      const { body } = model.calls(id).at(-1) ?? assert.fail('the model was not called');
      return body.messages ?? body.input;
    };
    const { id: conversation } = await post('/conversations', {});
    const shared = { model: id, tools: [{ type: 'weather' }] };

    const create = { ...shared, conversation, input: 'The weather in Rome?' };
    const made = await stream(create, 'once');
    const { response } = made.at(-1);
    const [item, said] = response.output;
    assert.match(item.id, /^wea_/);
    assert.deepEqual(item, { ...weather, id: item.id });
    assert.equal(said.content[0].text, 'Sunny.');
    assert.deepEqual(heard().slice(1), told('c1'), 'in its own turn the model reads the call that it made');

    const again = await stream(create, 'once');
    assert.equal(model.calls(id).length, 2, 'what was stored is told again');
    for (const events of [made, again]) {
      assert.deepEqual(events.at(-1).response, response);
      const own = events.filter(({ output_index }) => output_index === 0);
      assert.deepEqual(
        own.map(({ type }) => type),
        [
          'response.output_item.added',
          'response.weather_call.looking',
          'response.weather_call.forecast',
          'response.output_item.done',
        ],
      );
      assert.deepEqual([own[0].item.forecast, own[0].item.status, own[3].item], [null, 'in_progress', item]);
    }

    assert.deepEqual((await get(`/responses/${response.id}`)).output, response.output);
    const { data: listed } = await get(`/conversations/${conversation}/items?order=asc`);
    assert.deepEqual(listed.slice(1), response.output);

    await post('/responses', { ...shared, conversation, input: 'Sure?' });
    assert.deepEqual(heard().slice(1, 3), told(item.id), 'in the next turn it is a call and its answer');

    const input = [
      { role: 'user', content: 'Hi' },
      { ...item, id: 'mine', status: null },
      { role: 'user', content: 'Sure?' },
    ];
    const { id: own } = await post('/responses', { ...shared, input });
    assert.partialDeepStrictEqual(heard().slice(1, 3), told('mine').slice(0, 1), 'so it is where a client sends it');
    const { data: kept } = await get(`/responses/${own}/input_items?order=asc`);
    assert.deepEqual(kept[1], { ...item, id: 'mine' });
  });
}
