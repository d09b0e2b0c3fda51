import assert from 'node:assert/strict';
import type { Json } from './accumulate.ts';
import { type Door, post } from './doors/door.ts';
import { protocols } from './history-sent.ts';
import { answersTo, faultOf, oddReply, oddScripts, oddTools, replays } from './odd-replies.ts';

/**
 * Asserts that what the model of a seed says is taken back from a client, however it sends it and by id, and reaches the
 * model's server in a form that any takes. Returns how many follow-ups were made.
 */
export async function takesBack(door: Door, protocol: keyof typeof protocols, seed: number): Promise<number> {
  const { says, model: open } = protocols[protocol];
  const reply = oddReply(seed);
  const user = { role: 'user', content: 'Hi' };
  const next = { role: 'user', content: 'So?' };
  let followUps = 0;
  const follow = async (model: string, body: Json, what: string) => {
    const answer = await post(door, { model, tools: oddTools, ...body });
    const text = await answer.text();
    const about = `seed ${seed}, ${protocol}, ${what}: ${JSON.stringify(reply)}`;
    assert.equal(answer.status, 200, `${about}: ${text}`);
    assert.equal(JSON.parse(text).status, 'completed', about);
    assert.equal(faultOf(door.model.calls(model).at(-1)?.body), null, about);
    followUps++;
  };
  for (const [name, { body, items }] of Object.entries(replays)) {
    const model = open(door, oddScripts[protocol](reply), says('ok'));
    const answer = await post(door, { model, tools: oddTools, input: [user], ...body });
    const first: Json = JSON.parse(await answer.text());
    if (answer.status !== 200) continue; // the turn has failed, and nothing was given out
    for (const cutToo of name === 'unchanged' || name === 'codex' ? [false, true] : [true]) {
      const outputs = answersTo(first.output, cutToo);
      // Codex leaves the status out: what was cut is then answered as any other.
      if (name === 'codex' && !cutToo) continue;
      await follow(model, { ...body, input: [user, ...items(first.output), ...outputs, next] }, name);
      await follow(
        model,
        { ...body, input: [user, ...items(first.output), next, ...outputs] },
        `${name}, outputs last`,
      );
    }
    if (body.store === false) continue;
    for (const cutToo of [false, true]) {
      const input = [...answersTo(first.output, cutToo), next];
      await follow(model, { ...body, previous_response_id: first.id, input }, `${name}, by id`);
    }
  }
  return followUps;
}
