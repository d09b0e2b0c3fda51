import assert from 'node:assert/strict';
import { plain } from './questions.ts';
import { modelTest, type Scene } from './scene.ts';
import type { Target } from './target.ts';
import { create, until } from './turn.ts';
import { type Work, watchWork } from './work.ts';

/** More than a small server runs at once, so that some wait when all leave. */
const CLIENTS = 6;

modelTest('clients that leave: what each had begun is kept as cancelled', ['long answers'], async (scene) => {
  const { client } = scene;
  const statuses: string[] = [];
  for (const id of await leave(scene)) {
    await until(async () => (await client.responses.retrieve(id)).status !== 'in_progress');
    const { status, output } = await client.responses.retrieve(id);
    statuses.push(status ?? '');
    for (const item of output) assert.ok(!('status' in item) || item.status !== 'in_progress');
  }
  assert.ok(statuses.includes('cancelled'), statuses.join());
  assert.ok(
    statuses.every((status) => status === 'cancelled' || status === 'incomplete'),
    statuses.join(),
  );
});

modelTest(
  'clients that leave their streams: the server ends the work',
  ['long answers', 'work seen'],
  async (scene) => {
    await endsWork(scene, () => leave(scene));
  },
);

modelTest('clients that leave unstreamed: the server ends the work', ['long answers', 'work seen'], async (scene) => {
  const { client, target, abilities } = scene;
  await endsWork(scene, async () => {
    const leaving = new AbortController();
    const body = { ...abilities.long.question, max_output_tokens: target.tokens, model: target.model };
    const ask = () => client.responses.create(body, { signal: leaving.signal });
    const asked = Promise.allSettled(Array.from({ length: CLIENTS }, ask));
    await Promise.race([asked, until(async () => (await working(target)).requests > 0)]);
    leaving.abort();
    await asked;
  });
});

/** Has clients leave, and sees that the server made little of what they had asked for, and is there for the next. */
async function endsWork(scene: Scene, leave: () => Promise<unknown>): Promise<void> {
  const { target, abilities, t } = scene;
  const idle = () => until(async () => (await working(target)).requests === 0);
  await idle();
  const before = await working(target);
  await leave();
  await idle();
  const made = (await working(target)).tokens - before.tokens;
  const all = CLIENTS * abilities.long.tokens;
  t.diagnostic(`the server made ${made} tokens of ${all}`);
  // Work that was ended has made a few tokens, work that was let run on makes all that were asked for.
  assert.ok(made < all / 2, `${made} tokens of ${all}`);
  await create(scene, plain);
}

async function working(target: Target): Promise<Work> {
  return (await watchWork(target)) ?? assert.fail('the server has no metrics any more');
}

/** Asks for as many long streams at once, and leaves all of them when one has begun to speak; the ids of the responses. */
async function leave({ client, target: { model, tokens }, abilities }: Scene): Promise<string[]> {
  const leaving = new AbortController();
  const listen = async () => {
    let id = '';
    try {
      const body = { ...abilities.long.question, max_output_tokens: tokens, model, stream: true } as const;
      for await (const event of await client.responses.create(body, { signal: leaving.signal })) {
        if (event.type === 'response.created') id = event.response.id;
        if (event.type.endsWith('.delta')) leaving.abort();
      }
    } catch (error) {
      if (!leaving.signal.aborted) throw error;
    }
    return id;
  };
  const ids = await Promise.all(Array.from({ length: CLIENTS }, listen));
  return ids.filter((id) => id !== '');
}
