import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import { says } from '../support/model/scripted.ts';
import { create, modelRequest, refuses, unprocessable } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { ask, conversation, modelInput } from './state-ask.ts';

promise(
  'reference.resolved',
  { says: 'item_reference stands for the stored item', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(says('one'), says('two'));
    const first = await create(door, { model, input: 'Hi' });
    const id = first.output[0]?.id;
    for (const reference of [{ type: 'item_reference', id }, { id }, { type: null, id }]) {
      await create(door, { model, input: [{ role: 'user', content: 'So?' }, reference] });
      assert.deepEqual(modelInput(door, model), ['user: So?', 'assistant: one']);
    }
    await create(door, { model, previous_response_id: first.id, input: [{ type: 'item_reference', id }] });
    assert.deepEqual(modelInput(door, model), ['user: Hi', 'assistant: one'], 'one of the chain is not doubled');
  },
);

promise(
  'reference.twice',
  {
    says: 'an item that an input refers to twice stands there once, where the first reference is',
    source: 'clients: the AI SDK refers to a message for each of its texts',
  },
  async (door) => {
    const model = door.model.script(says('one'), says('two'));
    const { output } = await create(door, { model, input: 'Hi' });
    const reference = { type: 'item_reference', id: output[0]?.id };
    await create(door, { model, input: [reference, { role: 'user', content: 'So?' }, reference] });
    assert.deepEqual(modelInput(door, model), ['assistant: one', 'user: So?']);
  },
);

promise(
  'reference.unknown',
  { says: 'a reference to what is not stored is 404', source: 'docs/errors.md: unstored item id' },
  async (door) => {
    const model = door.model.script(says('one'));
    const unstored = await create(door, { model, store: false });
    for (const id of ['msg_none', unstored.output[0]?.id, '\u0000', 'x'.repeat(5000)]) {
      const reply = await post(door, { model, input: [{ type: 'item_reference', id }] });
      await refuses(reply, { status: 404, code: null, param: 'input' });
    }
  },
);

promise(
  'reference.conversation',
  { says: 'a conversation may be made of references', source: 'openai 7.57.0 types' },
  async (door) => {
    const id = await conversation(door, { items: [{ role: 'user', content: 'Hi', id: 'msg_mine' }] });
    const other = await conversation(door, { items: [{ type: 'item_reference', id: 'msg_mine' }] });
    assert.notEqual(id, other);
    const model = door.model.script(says('ok'));
    await create(door, { model, input: 'So?', conversation: other });
    assert.deepEqual(modelInput(door, model), ['user: Hi', 'user: So?']);
    await ask(door, 'DELETE', `/v1/conversations/${id}`);
  },
  NEEDS_HEADERS,
);

promise(
  'input.file',
  {
    says: 'a file as data reaches the model; one by URL is 422 where the backend cannot read it',
    source: 'docs/api.md',
  },
  async (door) => {
    const file = { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,AA==' };
    const content = [{ type: 'input_text', text: 'Read.' }, file];
    const { messages } = await modelRequest(door, { input: [{ role: 'user', content }] });
    assert.deepEqual(messages[0].content[1], { type: 'file', file: { filename: 'a.pdf', file_data: file.file_data } });
    const byUrl = [{ type: 'input_file', file_url: 'http://x.test/a.pdf' }];
    await unprocessable(door, { input: [{ role: 'user', content: byUrl }] }, 'input');
    const neither = [{ type: 'input_file', file_id: 'file_1' }];
    await unprocessable(door, { input: [{ role: 'user', content: neither }] }, 'input[0].content[0].file_id');
  },
);

promise(
  'input.shown-by-others',
  {
    says: 'an image or a file in a message that is not the user’s is 422 where the backend cannot read it there, and nothing is called',
    source: 'docs/api.md',
  },
  async (door) => {
    const uncalled = () => assert.fail('the model is not called');
    const words = { type: 'input_text', text: 'See.' };
    const shown = [
      { type: 'input_image', image_url: 'data:image/png;base64,AAAA' },
      { type: 'input_file', filename: 'a.txt', file_data: 'data:text/plain;base64,SGk=' },
    ];
    const models: [string, string[]][] = [
      [door.model.script(uncalled), ['system', 'developer', 'assistant']],
      [door.model.anthropic(uncalled), ['system', 'developer', 'assistant']],
      [door.model.native(uncalled), ['assistant']],
    ];
    for (const [model, roles] of models) {
      for (const [index, role] of roles.entries()) {
        const content = [words, shown[index % shown.length]];
        const input = [
          { role: 'user', content: 'Hi' },
          { role, content },
          { role: 'user', content: 'So?' },
        ];
        await unprocessable(door, { model, input }, 'input', /holds an image or a file of the/);
      }
      assert.equal(door.model.calls(model).length, 0);
    }
  },
);

promise('input.phase', { says: 'the phase of a message is kept', source: 'docs/api.md' }, async (door) => {
  const phased = { role: 'assistant', content: 'Hm', phase: 'commentary' };
  const model = door.model.script(says('ok'));
  const { id } = await create(door, { model, input: [phased, { role: 'user', content: 'Hi' }] });
  if (door.name === 'envoy-original') return;
  const reply = await door.fetch(`/v1/responses/${id}/input_items?order=asc`);
  const { data } = (await reply.json()) as { data: { phase?: string }[] };
  assert.equal(data[0]?.phase, 'commentary');
});

promise(
  'create.logprobs',
  { says: 'log probabilities come when they are asked for', source: 'docs/api.md' },
  async (door) => {
    const logprob = { token: 'He', logprob: -0.5, bytes: [72, 101], top_logprobs: [{ token: 'Ho', logprob: -2 }] };
    const model = door.model.script(async (turn) => {
      const choice = { index: 0, delta: { content: 'He' }, logprobs: { content: [logprob] }, finish_reason: null };
      await turn.raw(`data: ${JSON.stringify({ choices: [choice] })}\n\n`);
      await turn.finish();
    });
    const whole = [{ ...logprob, top_logprobs: [{ token: 'Ho', logprob: -2, bytes: [72, 111] }] }];
    const { output, top_logprobs } = await create(door, { model, top_logprobs: 1 });
    assert.equal(top_logprobs, 1);
    assert.partialDeepStrictEqual(output, [{ content: [{ text: 'He', logprobs: whole }] }]);
    const included = await create(door, { model, include: ['message.output_text.logprobs'] });
    assert.partialDeepStrictEqual(included.output, [{ content: [{ logprobs: whole }] }]);
    const { body } = door.model.calls(model).at(-1) ?? {};
    assert.deepEqual([body.logprobs, body.top_logprobs], [true, 0]);
    const plain = await create(door, { model });
    assert.partialDeepStrictEqual(plain.output, [{ content: [{ logprobs: [] }] }]);
  },
);
