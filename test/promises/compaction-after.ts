import assert from 'node:assert/strict';
import { says } from '../model/scripted.ts';
import { create } from './ask.ts';
import { ended } from './background.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { heard } from './state-ask.ts';

const SUMMARY = 'user: Summary of the conversation so far:\n\nThey said hello.';
const said = { type: 'message', id: 'msg_u1', role: 'user', content: 'Hello.' };

promise(
  'compaction.after',
  async (door) => {
    const model = door.model.script(says('They said hello.'), says('Fine.'), says('Well.'));
    const tools = [{ type: 'function', name: 'f', defer_loading: true }, { type: 'tool_search' }];
    const { id } = await create(door, { model, input: [said, { type: 'compaction_trigger' }] });
    const second = await create(door, { model, previous_response_id: id, input: 'And now?', background: true });
    assert.equal((await ended(door, second.id)).status, 'completed');
    await create(door, { model, previous_response_id: second.id, input: 'And then?', tools });
    const lines = heard(door, model).filter((line) => !line.startsWith('system'));
    assert.deepEqual(lines, [SUMMARY, 'user: And now?', 'assistant: Fine.', 'user: And then?']);
  },
  NEEDS_HEADERS,
);
