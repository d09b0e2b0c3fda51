import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settled } from '../promises/state-ask.ts';
import { type Door, post } from '../support/doors/door.ts';
import { openEnvoy } from '../support/doors/envoy.ts';
import { openNodeHttp } from '../support/doors/node-http.ts';

const LEAVES = 2_000;
const AT_ONCE = 40;
const WORDS = 30;

for (const open of [openNodeHttp, () => openEnvoy('streamed')]) {
  test(`${LEAVES} clients leave abruptly: each response that one had begun is kept, with what was made`, async (t) => {
    const door = await open();
    t.after(() => door.close());
    t.diagnostic(door.name);
    let started = 0;
    const kept = { cancelled: 0, completed: 0, unseen: 0 };
    const client = async () => {
      while (started++ < LEAVES) {
        const { id, words } = await leave(door);
        if (!id) {
          kept.unseen++;
          continue;
        }
        const { status, output } = await settled(door, id);
        const [message] = output;
        const text =
          message?.type === 'message' && message.content[0]?.type === 'output_text' ? message.content[0].text : '';
        assert.ok(words.startsWith(text), text);
        if (status === 'completed') {
          kept.completed++;
          assert.equal(text, words);
        } else {
          kept.cancelled++;
          assert.equal(status, 'cancelled');
          assert.ok(output.every((item) => 'status' in item && item.status !== 'in_progress'));
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, client));
    t.diagnostic(JSON.stringify(kept));
    assert.ok(kept.cancelled > LEAVES / 4, 'many left in the middle');
    assert.equal((await door.fetch('/health')).status, 200);
  });
}

/** Asks for a stream and leaves at any moment: the id, if it was seen, and what the model was going to say. */
async function leave(door: Door): Promise<{ id: string | undefined; words: string }> {
  const nonce = Math.random().toString(36);
  const said = Array.from({ length: WORDS }, (_, n) => `${nonce}-${n} `);
  const model = door.model.script(async (turn) => {
    for (const word of said) {
      await turn.text(word);
      await turn.sleep(2);
    }
    await turn.finish();
  });
  const leaving = new AbortController();
  const most = Math.random() * 12_000;
  let text = '';
  try {
    const reply = await post(door, { model, input: 'Hi', stream: true }, { signal: leaving.signal });
    const decoder = new TextDecoder();
    for await (const chunk of reply.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length > most) leaving.abort();
    }
    assert.equal(reply.status, 200, text);
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
  }
  return { id: /"id":"(resp_\w+)"/.exec(text)?.[1], words: said.join('') };
}
