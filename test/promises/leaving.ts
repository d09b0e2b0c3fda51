import { type Door, post } from '../doors/door.ts';
import { hangs } from '../model/scripted.ts';
import { callOf, endsOnLeaving } from './ask.ts';
import { NEEDS_LIVE, promise } from './promise.ts';

/** Asks, leaves once the model has been called, and holds the model's connection to close. */
function leaves(door: Door, text: string, body: object): Promise<void> {
  return endsOnLeaving(door, async () => {
    const { script, begun } = hangs(text);
    const model = door.model.script(script);
    const leaving = new AbortController();
    const sent = { model, input: 'Hi', ...body };
    post(door, sent, { signal: leaving.signal })
      .then((reply) => reply.text())
      .catch(() => {});
    await begun;
    return { leave: () => leaving.abort(), closed: () => callOf(door, model).closed };
  });
}

promise('leave.create', (door) => leaves(door, 'Hel', {}));

promise('leave.create-waiting', (door) => leaves(door, '', {}));

promise('leave.stream', (door) => leaves(door, 'Hel', { stream: true }));

promise('leave.stream-waiting', (door) => leaves(door, '', { stream: true }));

promise('leave.unstored', (door) => leaves(door, 'Hel', { stream: true, store: false }));

promise(
  'leave.reading',
  (door) =>
    endsOnLeaving(door, async () => {
      const { script, begun } = hangs('Hel');
      const model = door.model.script(script);
      const reply = await post(door, { model, input: 'Hi', stream: true });
      const reader = reply.body?.getReader();
      await reader?.read();
      await Promise.all([reader?.read(), begun]);
      await reader?.read();
      return { leave: () => reader?.cancel(), closed: () => callOf(door, model).closed };
    }),
  NEEDS_LIVE,
);
