import assert from 'node:assert/strict';
import type { Door } from '../support/doors/door.ts';
import { says, sends } from '../support/model/scripted.ts';
import { messageEvents, sendsMessage, text } from '../support/model/scripted-messages.ts';
import { eventsOf, message, sendsEvents } from '../support/model/scripted-responses.ts';
import { create, modelRequest, unprocessable } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { ask, have } from './state-ask.ts';

/** URLs that no server gets: without http, https or data a server might read them as a file, or as anything. */
const FORBIDDEN = [
  'file:///etc/passwd',
  'ftp://a.test/b',
  ' http://a.test/b',
  '/etc/passwd',
  '//a.test/b',
  'b.png',
  'x:',
];
const ALLOWED = ['http://127.0.0.1:1/b', 'HTTPS://a.test', 'data:image/png;base64,AA==', 'Data:image/png;base64,AA=='];

const image = (url: string) => ({ type: 'input_image', image_url: url });
const userInput = (part: object) => [{ role: 'user', content: [{ type: 'input_text', text: 'Look:' }, part] }];
const answered = (type: string, output: unknown) => [
  { type, call_id: 'c', name: 'f', arguments: '{}', input: '', actions: [] },
  { type: `${type}_output`, call_id: 'c', output },
];

/** Where items hold URLs, with the name of the field in a list of items. */
const places: [field: string, items: (url: string) => object[]][] = [
  ['[0].content[1].image_url', (url) => userInput(image(url))],
  ['[0].content[1].file_url', (url) => userInput({ type: 'input_file', file_url: url })],
  ['[1].output[0].image_url', (url) => answered('function_call', [image(url)])],
  ['[1].output[0].file_url', (url) => answered('custom_tool_call', [{ type: 'input_file', file_url: url }])],
  ['[1].output.image_url', (url) => answered('computer_call', { type: 'computer_screenshot', image_url: url })],
];

promise(
  'input.media',
  {
    says: 'an image or a file by a URL that is not http, https or data is 422 that names the field, wherever it stands',
    source: 'SECURITY.md',
  },
  async (door) => {
    for (const [field, items] of places)
      for (const url of FORBIDDEN) await unprocessable(door, { input: items(url) }, `input${field}`);
    for (const url of ['file:///etc/passwd', ' ftp://a.test/b']) {
      const file = { type: 'input_file', filename: 'a.pdf', file_data: url };
      await unprocessable(door, { input: userInput(file) }, 'input[0].content[1].file_data');
    }
    const prompt = { id: 'picture', variables: { picture: image('file:///etc/passwd') } };
    await unprocessable(door, { prompt }, 'prompt.variables.picture.image_url');
    for (const url of ALLOWED) {
      const { messages } = await modelRequest(door, { input: userInput(image(url)) });
      assert.equal(messages[0].content[1].image_url.url, url);
    }
    const plain = { type: 'input_file', filename: 'a.txt', file_data: 'Note: this is a text' };
    assert.equal(
      (await modelRequest(door, { input: userInput(plain) })).messages[0].content[1].file.file_data,
      plain.file_data,
    );
  },
);

promise(
  'input.media-everywhere',
  { says: 'so it is where items are kept, compacted or counted', source: 'SECURITY.md' },
  async (door) => {
    const model = door.model.script(says('ok'));
    const { id } = await have<{ id: string }>(door, 'POST', '/v1/conversations');
    const wrong = async (path: string, body: object, param: string) => {
      const reply = await ask(door, 'POST', path, body);
      const { error } = (await reply.json()) as { error: { param: string } };
      assert.deepEqual([reply.status, error.param], [422, param], path);
    };
    for (const [field, items] of places) {
      const given = items('file:///etc/passwd');
      await wrong('/v1/conversations', { items: given }, `items${field}`);
      await wrong(`/v1/conversations/${id}/items`, { items: given }, `items${field}`);
      await wrong('/v1/responses/compact', { model, input: given }, `input${field}`);
      await wrong('/v1/responses/input_tokens', { model, input: given }, `input${field}`);
    }
  },
  NEEDS_HEADERS,
);

/** Values that servers have sent, or might send, for a number of tokens, and the number in `usage`. */
const counts: [given: unknown, told: number][] = [
  [12, 12],
  [1.9, 1],
  [-5, 0],
  ['7', 0],
  [null, 0],
  [[3], 0],
  [{}, 0],
  [true, 0],
  [2 ** 53, Number.MAX_SAFE_INTEGER],
  [1e300, Number.MAX_SAFE_INTEGER],
];

promise(
  'create.usage-numbers',
  {
    says: 'whatever a model server sends as numbers of tokens, usage has exact whole numbers from 0',
    source: 'SECURITY.md',
  },
  async (door) => {
    for (const [given, told] of counts) {
      for (const model of modelsCounting(door, given)) {
        const { usage } = await create(door, { model });
        const capped = (count: number) => Math.min(count, Number.MAX_SAFE_INTEGER);
        assert.ok(usage, model);
        assert.equal(usage.output_tokens, told, `${model}: ${given}`);
        assert.equal(usage.output_tokens_details.reasoning_tokens, told);
        assert.equal(usage.input_tokens_details.cached_tokens, told);
        // The Messages API counts cached tokens apart.
        assert.equal(usage.input_tokens, model.startsWith('anthropic') ? capped(2 * told) : told);
        assert.equal(usage.total_tokens, capped(usage.input_tokens + told));
      }
    }
  },
);

/** Models of each protocol whose servers give one value wherever they count. */
function modelsCounting(door: Door, given: unknown): string[] {
  const chat = {
    prompt_tokens: given,
    completion_tokens: given,
    total_tokens: given,
    prompt_tokens_details: { cached_tokens: given },
    completion_tokens_details: { reasoning_tokens: given },
  };
  const responses = {
    input_tokens: given,
    output_tokens: given,
    total_tokens: given,
    input_tokens_details: { cached_tokens: given },
    output_tokens_details: { reasoning_tokens: given },
  };
  const messages = {
    // What is null counts for nothing there: an earlier count stands.
    input_tokens: given ?? 0,
    output_tokens: given ?? 0,
    cache_read_input_tokens: given,
    output_tokens_details: { thinking_tokens: given },
  };
  return [
    door.model.script(sends([{ content: 'Hi' }], 'stop', chat)),
    door.model.native(sendsEvents(eventsOf([message('Hi')], { usage: responses }))),
    // A count of 0 takes back none that was told before.
    door.model.anthropic(
      sendsMessage(messageEvents([text('Hi')], { usage: messages }).filter(({ type }) => type !== 'message_start')),
    ),
  ];
}
