import assert from 'node:assert/strict';
import { type Door, testOrigin } from '../support/doors/door.ts';
import { forwardedScripts } from '../support/model/forwarded-scripts.ts';
import { replies, type Script } from '../support/model/scripted.ts';
import { callOf, endsOnLeaving, refuses } from './ask.ts';
import { send } from './forwarded.ts';
import { NEEDS_HEADERS, NEEDS_LIVE, promise } from './promise.ts';

const source = 'docs/neighbours.md';
const SPEECH = '/v1/audio/speech';
const TRANSCRIPTIONS = '/v1/audio/transcriptions';
const never = () => assert.fail('no turn is made of it');
const modelOf = (door: Door, scripts: Record<string, Script> = {}) =>
  door.model.counting('scripted', { ...forwardedScripts, ...scripts }, never);

/** Bytes of every value, some of them what ends lines of a form. */
const sound = Uint8Array.from({ length: 100_000 }, (_, at) => (at * 7 + (at >> 8)) % 256);

function formOf(model: string | undefined, more: Record<string, string> = {}): FormData {
  const form = new FormData();
  form.append('file', new Blob([sound], { type: 'audio/wav' }), 'what "he" said.wav');
  if (model !== undefined) form.append('model', model);
  for (const [name, value] of Object.entries(more)) form.append(name, value);
  return form;
}

promise(
  'forwarded-media.sdk',
  { says: "OpenAI's SDK gets moderations, images, speech and transcriptions", source },
  async (door) => {
    const model = modelOf(door);
    const { client } = door;
    assert.equal((await client.moderations.create({ model, input: 'Hi' })).results.length, 1);
    assert.ok((await client.images.generate({ model, prompt: 'An oak.' })).data?.[0]?.b64_json);
    const speech = await client.audio.speech.create({ model, voice: 'alloy', input: 'Hi' });
    assert.equal(speech.headers.get('content-type'), 'audio/mpeg');
    assert.equal(await speech.text(), 'sound');
    const file = new File([sound], 'hi.wav');
    assert.equal((await client.audio.transcriptions.create({ model, file, language: 'en' })).text, 'Hello.');
    const sent = callOf(door, model);
    assert.equal(sent.path, '/v1/moderations');
    const form = door.model.calls(model).at(-1) ?? assert.fail();
    assert.equal(form.body.language, 'en');
    assert.deepEqual(new Uint8Array(await form.body.file.arrayBuffer()), sound);
  },
  NEEDS_HEADERS,
);

promise(
  'forwarded-media.rerank',
  { says: 'documents are ranked by a server that can, and its count of tokens is charged', source },
  async (door) => {
    const model = modelOf(door);
    const body = { model, query: 'oak', documents: ['a', { text: 'b' }], top_n: 1 };
    const reply = await send(door, '/v1/rerank', body);
    assert.deepEqual(JSON.parse(await reply.text()).results, [{ index: 0, relevance_score: 0.9 }]);
    assert.deepEqual(callOf(door, model).body, body);
    await refuses(await send(door, '/v1/rerank', { model, query: 'oak' }), {
      status: 422,
      code: 422,
      param: 'documents',
    });
  },
  NEEDS_HEADERS,
);

promise(
  'forwarded-media.speech',
  { says: 'sound is passed on as it is made, byte for byte', source },
  async (door) => {
    const { promise: heard, resolve } = Promise.withResolvers<void>();
    const model = modelOf(door, {
      [SPEECH]: async (turn) => {
        turn.setHeaders({ 'content-type': 'audio/pcm', 'x-powered-by': 'x' });
        await turn.raw(sound.slice(0, 10_000));
        await heard;
        await turn.raw(sound.slice(10_000));
        turn.end();
      },
    });
    const reply = await send(door, SPEECH, { model, input: 'Hi', voice: 'v', response_format: 'pcm' });
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get('x-powered-by'), null);
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    for await (const chunk of reply.body ?? []) {
      chunks.push(chunk);
      resolve();
    }
    assert.deepEqual(new Uint8Array(await new Blob(chunks).arrayBuffer()), sound);
  },
  { ...NEEDS_HEADERS, ...NEEDS_LIVE },
);

promise(
  'forwarded-media.form',
  { says: 'a form reaches its server byte for byte, whatever its file holds', source },
  async (door) => {
    const model = modelOf(door, { [TRANSCRIPTIONS]: replies(200, 'WEBVTT\n', { 'content-type': 'text/vtt' }) });
    const request = new Request('http://x', { method: 'POST', body: formOf(model, { response_format: 'vtt' }) });
    const bytes = new Uint8Array(await request.arrayBuffer());
    const type = request.headers.get('content-type') ?? '';
    const reply = await door.fetch(TRANSCRIPTIONS, { method: 'POST', body: bytes, headers: { 'content-type': type } });
    assert.equal(await reply.text(), 'WEBVTT\n');
    assert.match(reply.headers.get('content-type') ?? '', /^text\/vtt/);
    const { body, headers } = callOf(door, model);
    assert.deepEqual(new Uint8Array(body.bytes), bytes);
    assert.equal(headers['content-type'], type);
  },
  NEEDS_HEADERS,
);

promise(
  'forwarded-media.wrong-form',
  { says: 'a form that two readers could read in two ways is refused, and no server is asked', source },
  async (door) => {
    const model = modelOf(door, { [TRANSCRIPTIONS]: never });
    const part = (head: string, value = model) => `--b\r\n${head}\r\n\r\n${value}\r\n`;
    const plain = part('Content-Disposition: form-data; name="model"');
    const end = '--b--\r\n';
    const cases: [body: string, status: number, param?: string][] = [
      ['', 400],
      [end, 422, 'model'],
      [plain, 400],
      [plain + plain + end, 400],
      [plain + part('Content-Disposition: form-data; name="Model"') + end, 400],
      [plain + part('Content-Disposition: form-data; name=model') + end, 400],
      [plain + part("Content-Disposition: form-data; name*=utf-8''model") + end, 400],
      [
        plain + part('Content-Disposition: form-data; name="x"\r\nContent-Disposition: form-data; name="model"') + end,
        400,
      ],
      [plain + part('Content-Disposition: form-data; name="x"', 'a\n--b\r\nContent-Disposition') + end, 400],
      [`preamble\r\n${plain}${end}`, 400],
      [`${plain}${end}--b\r\n`, 400],
      [part('Content-Disposition: form-data; name="file"') + end, 422, 'model'],
      [part('Content-Disposition: form-data; name="model"', '') + end, 422, 'model'],
      [part('Content-Disposition: form-data; name="model"', 'x'.repeat(257)) + end, 422, 'model'],
      [part('Content-Disposition: form-data; name="model"', 'nobody') + end, 404, 'model'],
      [`--b\r\n${'x'.repeat(10_000)}\r\n\r\n\r\n${end}`, 400],
      [part('Content-Disposition: form-data; name="x"').repeat(300) + end, 400],
    ];
    for (const [body, status, param = null] of cases) {
      const headers = { 'content-type': 'multipart/form-data; boundary=b' };
      const reply = await door.fetch(TRANSCRIPTIONS, { method: 'POST', body, headers });
      const text = await reply.text();
      assert.equal(reply.status, status, `${body.slice(0, 200)}: ${text}`);
      assert.equal(JSON.parse(text).error.param, param, text);
    }
    for (const type of ['application/json', 'multipart/form-data', 'multipart/form-data; boundary=b; boundary=c']) {
      const reply = await door.fetch(TRANSCRIPTIONS, {
        method: 'POST',
        body: plain + end,
        headers: { 'content-type': type },
      });
      assert.equal(reply.status, 415, await reply.text());
    }
  },
  NEEDS_HEADERS,
);

promise(
  'forwarded-media.page',
  { says: 'a page sends forms only if it may call us at all, since a form needs no preflight', source },
  async (door) => {
    const model = modelOf(door);
    const ask = async (origin: string) => {
      const reply = await door.fetch(TRANSCRIPTIONS, { method: 'POST', body: formOf(model), headers: { origin } });
      await reply.text();
      return reply.status;
    };
    assert.equal(await ask('https://evil.example'), 403);
    assert.equal(await ask(testOrigin), 200);
    assert.equal(door.model.calls(model).length, 1);
  },
  NEEDS_HEADERS,
);

promise(
  'forwarded-media.leaving',
  { says: 'a client that leaves in the middle of a sound ends the call', source },
  (door) =>
    endsOnLeaving(door, async () => {
      const begun = Promise.withResolvers<void>();
      const model = modelOf(door, {
        [SPEECH]: async (turn) => {
          turn.setHeaders({ 'content-type': 'audio/pcm' });
          await turn.raw(sound.slice(0, 100));
          begun.resolve();
          await turn.closed;
        },
      });
      const leaving = new AbortController();
      send(door, SPEECH, { model, input: 'Hi' }, { signal: leaving.signal })
        .then((reply) => reply.arrayBuffer())
        .catch(() => {});
      await begun.promise;
      return { leave: () => leaving.abort(), closed: () => callOf(door, model).closed };
    }),
  // Nothing is written that would show it.
  { ...NEEDS_HEADERS, workerd: "wrangler's local proxy does not tell the worker that a client has left" },
);
