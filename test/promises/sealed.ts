import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import { says, sends } from '../support/model/scripted.ts';
import { create, refuses } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { ask, conversation } from './state-ask.ts';

const unreadable = { status: 400, code: 'invalid_encrypted_content', param: 'input' };
const question = { role: 'user', content: 'And now?' };

promise(
  'sealed.purpose',
  {
    says: 'what was sealed as reasoning opens as no compaction, nor the other way round: 400 invalid_encrypted_content',
    source: 'SECURITY.md',
  },
  async (door) => {
    const model = door.model.script(
      sends([{ reasoning_content: 'Hm.' }, { content: 'Yes.' }]),
      says('They said hello.'),
    );
    const thinking = await create(door, { model, include: ['reasoning.encrypted_content'] });
    const summed = await create(door, { model, input: [question, { type: 'compaction_trigger' }] });
    const [thought] = thinking.output;
    const [summary] = summed.output;
    assert.ok(thought?.type === 'reasoning' && summary?.type === 'compaction');
    const swapped = [
      { type: 'compaction', encrypted_content: thought.encrypted_content },
      { type: 'reasoning', encrypted_content: summary.encrypted_content },
    ];
    for (const item of swapped) await refuses(await post(door, { model, input: [item, question] }), unreadable);
    await create(door, {
      model,
      input: [{ type: 'reasoning', encrypted_content: thought.encrypted_content }, question],
    });
  },
);

promise(
  'sealed.kept',
  {
    says: 'a conversation takes no item that would be refused in the input of a turn: what cannot be opened, tools that are not known',
    source: 'SECURITY.md',
  },
  async (door) => {
    const model = door.model.script(sends([{ reasoning_content: 'Hm.' }, { content: 'Yes.' }]), says('Fine.'));
    const { output } = await create(door, { model, include: ['reasoning.encrypted_content'] });
    const [thought] = output;
    assert.ok(thought?.type === 'reasoning');
    const id = await conversation(door);
    const refused: [object, number, string][] = [
      [{ type: 'compaction', encrypted_content: thought.encrypted_content }, 400, 'items'],
      [{ type: 'reasoning', encrypted_content: `${thought.encrypted_content}x` }, 400, 'items'],
      [{ type: 'additional_tools', tools: [{ type: 'file_search' }] }, 422, 'items[0].tools[0].type'],
    ];
    for (const path of ['/v1/conversations', `/v1/conversations/${id}/items`]) {
      for (const [item, status, param] of refused) {
        const reply = await ask(door, 'POST', path, { items: [item] });
        assert.equal(reply.status, status);
        assert.equal(((await reply.json()) as { error: { param: string } }).error.param, param);
      }
    }
    // What was refused is not there: the next turn has nothing to stumble over.
    await create(door, { model, conversation: id, input: [question] });
  },
  NEEDS_HEADERS,
);
