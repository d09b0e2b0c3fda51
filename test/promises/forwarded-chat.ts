import assert from 'node:assert/strict';
import type { Door } from '../support/doors/door.ts';
import { completes } from '../support/model/forwarded-scripts.ts';
import { replies, type Script } from '../support/model/scripted.ts';
import { callOf, endsOnLeaving, refuses } from './ask.ts';
import { send } from './forwarded.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';

const source = 'docs/neighbours.md';
const PATH = '/v1/chat/completions';
const messages = [{ role: 'user' as const, content: 'Hi' }];

/** Streams these pieces as they are. */
const streams =
  (...pieces: (string | Uint8Array)[]): Script =>
  async (turn) => {
    for (const piece of pieces) await turn.raw(piece);
    turn.end();
  };

const chunk = (model: string, more: object) =>
  `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 1, model, ...more })}\n\n`;
const choice = (content: string, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta: { content }, finish_reason }],
});
const DONE = 'data: [DONE]\n\n';

/** A stream as its client reads it, but for what keeps it alive. */
const streamed = async (door: Door, body: object) => {
  const reply = await send(door, PATH, { messages, stream: true, ...body });
  const text = await reply.text();
  assert.equal(reply.status, 200, text);
  assert.match(reply.headers.get('content-type') ?? '', /^text\/event-stream/);
  return text.replaceAll(': keep-alive\n\n', '');
};

promise(
  'forwarded-chat.sdk',
  {
    says: "OpenAI's SDK gets chat completions, whole and streamed, with and without usage, and completions of texts",
    source,
  },
  async (door) => {
    const model = door.model.script(completes);
    const whole = await door.client.chat.completions.create({ model, messages, seed: 7 });
    assert.deepEqual([whole.choices[0]?.message.content, whole.usage?.total_tokens], ['Hello.', 15]);
    for (const include_usage of [true, false]) {
      const options = include_usage ? { stream_options: { include_usage } } : {};
      const stream = await door.client.chat.completions.create({ model, messages, stream: true, ...options });
      let text = '';
      let total: number | undefined;
      for await (const { choices, usage } of stream) {
        text += choices[0]?.delta.content ?? '';
        total = usage?.total_tokens ?? total;
      }
      assert.deepEqual([text, total], ['Hello.', include_usage ? 15 : undefined]);
    }
    const calls = door.model.calls(model).map(({ body }) => body);
    assert.deepEqual(calls[0], { model, messages, seed: 7 });
    for (const { stream_options } of calls.slice(1)) assert.deepEqual(stream_options, { include_usage: true });
    const counted = door.model.counting('scripted', { '/v1/completions': completes });
    const { choices } = await door.client.completions.create({ model: counted, prompt: 'Once' });
    assert.equal(choices[0]?.text, 'Hello.');
    const demo = await door.client.chat.completions.create({ model: 'demo', messages, stream: true });
    let said = '';
    for await (const { choices } of demo) said += choices[0]?.delta.content ?? '';
    assert.match(said, /You said: Hi$/);
  },
  NEEDS_HEADERS,
);

promise(
  'forwarded-chat.as-it-is',
  { says: 'a stream that is passed on comes byte for byte, wherever it is cut on its way', source },
  async (door) => {
    for (const line of ['\n', '\r\n']) {
      const model = door.model.script(async (turn) => {
        const events = [
          `: comment${line}${line}`,
          `event: x${line}data:{"model":"${turn.body.model}",  "choices":[{"delta":{"content":"ü \\"usage\\": {} \\"error\\" 🙂"}}]}${line}${line}`,
          `data: {"choices":[{"finish_reason":"stop"}],"usage":null}${line}${line}`,
          `data: [DONE]${line}${line}`,
        ];
        const bytes = new TextEncoder().encode(events.join(''));
        for (let at = 0; at < bytes.length; at += 11) await turn.raw(bytes.slice(at, at + 11));
        turn.end();
      });
      const text = await streamed(door, { model });
      assert.equal(
        text.slice(text.indexOf('event: x')),
        `event: x${line}data:{"model":"${model}",  "choices":[{"delta":{"content":"ü \\"usage\\": {} \\"error\\" 🙂"}}]}${line}${line}` +
          `data: {"choices":[{"finish_reason":"stop"}],"usage":null}${line}${line}data: [DONE]${line}${line}`,
      );
    }
  },
  NEEDS_HEADERS,
);

promise(
  'forwarded-chat.model',
  { says: 'chunks name the model as it was asked for, whatever its server calls it', source },
  async (door) => {
    const model = door.model.script(streams(chunk('real', choice('a')), chunk('real', choice('b', 'stop')) + DONE));
    const text = await streamed(door, { model });
    assert.equal(text, chunk(model, choice('a')) + chunk(model, choice('b', 'stop')) + DONE);
  },
  NEEDS_HEADERS,
);

promise(
  'forwarded-chat.failing',
  {
    says: 'a stream that fails has an error in OpenAI’s form, in our words, and one that breaks off is no end',
    source,
  },
  async (door) => {
    const error = { error: { message: 'secret words', type: 'x', code: 'context_length_exceeded' } };
    const fails = async (...pieces: string[]) => {
      const model = door.model.script(streams(...pieces));
      return send(door, PATH, { model, messages, stream: true });
    };
    const first = await fails(`data: ${JSON.stringify(error)}\n\n`);
    await refuses(first, { status: 400, code: 'context_length_exceeded', param: 'messages' });
    const start = chunk('m', choice('a'));
    for (const piece of [
      `data: ${JSON.stringify(error)}\n\n`,
      `event: error\ndata: ${JSON.stringify(error.error)}\n\n`,
      '',
    ]) {
      const text = await (await fails(start + piece)).text();
      const events = text.split('\n\n').filter((one) => one.startsWith('data: '));
      assert.equal(events.length, 2, text);
      const { code, message } = JSON.parse(events[1]?.slice(6) ?? '').error;
      assert.equal(code, piece ? 'context_length_exceeded' : 'server_error');
      assert.doesNotMatch(message, /secret/);
    }
    const model = door.model.script(streams(start));
    const stream = await door.client.chat.completions.create({ model, messages, stream: true });
    await assert.rejects(async () => {
      for await (const _ of stream);
    }, /ended its stream before the model was done/);
  },
  NEEDS_HEADERS,
);

promise(
  'forwarded-chat.silent',
  { says: 'a stream that falls silent in the middle ends with an error after `limits.idle`', source },
  async (door) => {
    const model = door.model.script(async (turn) => {
      await turn.raw(chunk('m', choice('a')));
      await turn.closed;
    });
    const text = await streamed(door, { model });
    assert.match(text, /"error":\{"message":"[^"]*limits\.idle/);
  },
  NEEDS_HEADERS,
);

promise(
  'forwarded-chat.refused',
  {
    says: 'a member that a server refuses is named as the client names it, and malformed ones are refused here',
    source,
  },
  async (door) => {
    const model = door.model.script(replies(400, { error: { message: 'Unsupported', param: 'messages[0].content' } }));
    await refuses(await send(door, PATH, { model, messages }), {
      status: 400,
      code: null,
      param: 'messages[0].content',
    });
    const cases: [object, string][] = [
      [{ model }, 'messages'],
      [{ model, messages: 'Hi' }, 'messages'],
      [{ model, messages: ['Hi'] }, 'messages[0]'],
      [{ model, messages, stream: 'yes' }, 'stream'],
      [{ model, messages, stream_options: { include_usage: 1 } }, 'stream_options.include_usage'],
      [{ model: 'demo', messages, tools: [] }, 'tools'],
      [
        { model, messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'file:///x' } }] }] },
        'messages[0].content[0].image_url.url',
      ],
    ];
    for (const [body, param] of cases) {
      const reply = await send(door, PATH, body);
      const text = await reply.text();
      assert.equal(reply.status, 422, text);
      assert.equal(JSON.parse(text).error.param, param);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'forwarded-chat.leaving',
  { says: 'a client that leaves in the middle of a stream that is passed on ends the call', source },
  (door) =>
    endsOnLeaving(door, async () => {
      const begun = Promise.withResolvers<void>();
      const model = door.model.script(async (turn) => {
        await turn.raw(chunk('m', choice('a')));
        begun.resolve();
        await turn.closed;
      });
      const leaving = new AbortController();
      send(door, PATH, { model, messages, stream: true }, { signal: leaving.signal })
        .then((reply) => reply.text())
        .catch(() => {});
      await begun.promise;
      return { leave: () => leaving.abort(), closed: () => callOf(door, model).closed };
    }),
  NEEDS_HEADERS,
);
