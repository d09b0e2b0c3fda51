import assert from 'node:assert/strict';
import { type Door, post } from '../support/doors/door.ts';
import { callsFunctions, replies, type Script, says, type Turn } from '../support/model/scripted.ts';
import { errorOf, tells, text } from '../support/model/scripted-messages.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { callOf, create, refuses, stream } from './ask.ts';
import { NEEDS_TEST_TOOL, promise } from './promise.ts';

/** The tokens of a call's input, a quarter of its characters. */
const tokensOf = ({ body }: Turn) => Math.ceil(JSON.stringify(body.messages ?? body.input).length / 4);

/** A model that refuses more than so many tokens in these words, and else does what `then` says. */
const bounded =
  (limit: number, words: (tokens: number) => object, then: Script): Script =>
  (turn) =>
    tokensOf(turn) > limit ? turn.reply(400, words(tokensOf(turn))) : then(turn);

const LIMIT = 1500;
/** An overflow as servers tell it: with their limit, without it, and on the Messages API. */
const named = (tokens: number) => ({
  error: {
    message: `This model's maximum context length is ${LIMIT} tokens. However, you requested ${tokens} tokens.`,
  },
});
const unnamed = () => ({ error: { message: 'Context size has been exceeded.', type: 'server_error' } });
const anthropics = (tokens: number) =>
  errorOf('invalid_request_error', `prompt is too long: ${tokens} tokens > ${LIMIT} maximum`);

const input = Array.from({ length: 30 }, (_, n) => ({ role: 'user', content: `${n} ${'word '.repeat(80)}` }));
const sent = (door: Door, model: string) =>
  door.model.calls(model).map(({ body }) => JSON.stringify(body.messages ?? body.input));

promise(
  'truncation.unknown-context',
  {
    says: 'truncation auto without a known context tries an input whole, and on an overflow goes without its oldest items',
    source: 'docs/api.md',
  },
  async (door) => {
    const make: Record<string, (words: typeof named | typeof unnamed) => string> = {
      chat: (words) => door.model.refusing(bounded(LIMIT, words, says('ok'))),
      responses: (words) => door.model.native(bounded(LIMIT, words, answers(message('ok')))),
      anthropic: () => door.model.anthropic(bounded(LIMIT, anthropics, tells(text('ok')))),
    };
    for (const [name, model] of Object.entries(make)) {
      for (const words of [named, unnamed]) {
        const short = model(words);
        await create(door, { model: short, input: input.slice(-2), truncation: 'auto' });
        assert.equal(sent(door, short).length, 1, `${name}: what fits is sent once`);
        const long = model(words);
        const { final } = await stream(door, { model: long, input, truncation: 'auto', instructions: 'Be kind.' });
        assert.deepEqual([final.status, final.truncation], ['completed', 'auto']);
        const calls = sent(door, long);
        assert.match(calls[0] ?? '', /"0 word/, `${name}: it is tried whole`);
        const last = calls.at(-1) ?? '';
        assert.ok(!last.includes('"0 word') && last.includes('"29 word'), `${name}: ${last.slice(0, 80)}`);
        assert.match(JSON.stringify(door.model.calls(long).at(-1)?.body), /Be kind/);
        if (name !== 'anthropic' && words === unnamed) continue;
        assert.equal(calls.length, 2, `${name}: the server has named its limit`);
        await create(door, { model: long, input, truncation: 'auto' });
        assert.equal(sent(door, long).length, 3, `${name}: the limit is known by now`);
      }
    }
  },
);

promise(
  'truncation.openai',
  { says: "OpenAI's own server shortens inputs by itself", source: 'openai 7.57.0 types' },
  async (door) => {
    const model = door.model.openai(answers(message('ok')));
    await create(door, { model, input, truncation: 'auto' });
    assert.equal(callOf(door, model).body.truncation, 'auto');
    await create(door, { model, input });
    assert.ok(!('truncation' in (door.model.calls(model)[1]?.body ?? {})));
  },
);

promise(
  'truncation.no-room',
  {
    says: 'an input of which nothing can be left out is refused as it was, and so is any without truncation auto',
    source: 'docs/errors.md',
  },
  async (door) => {
    const refusal = { status: 400, code: 'context_length_exceeded', param: 'input' };
    for (const body of [{ input: 'word '.repeat(2_000), truncation: 'auto' }, { input }]) {
      const model = door.model.refusing(bounded(LIMIT, named, says('ok')));
      await refuses(await post(door, { model, ...body }), refusal);
      assert.equal(door.model.calls(model).length, 1);
    }
    const always = door.model.refusing(replies(400, unnamed()));
    await refuses(await post(door, { model: always, input, truncation: 'auto' }), refusal);
    assert.ok(door.model.calls(always).length < 9, 'it is not tried for ever');
  },
);

promise(
  'truncation.unknown-in-loop',
  { says: 'in the tool loop an input that has grown too long goes without its oldest items', source: 'docs/api.md' },
  async (door) => {
    const note = 'word '.repeat(300);
    const add = callsFunctions({ name: 'add', args: JSON.stringify({ a: 1, b: 2, note }), id: 'c1' });
    let calls = 0;
    const model = door.model.refusing(bounded(LIMIT, named, (turn) => (calls++ === 0 ? add(turn) : says('3')(turn))));
    const { output } = await create(door, {
      model,
      input: input.slice(0, 12),
      tools: [{ type: 'test_tool' }],
      truncation: 'auto',
    });
    assert.equal(output.at(-1)?.type, 'message');
    const [first = '', second = '', third = ''] = sent(door, model);
    assert.ok(first.includes('"0 word') && second.includes('"0 word'));
    assert.ok(!third.includes('"0 word') && third.includes('c1'));
  },
  NEEDS_TEST_TOOL,
);
