import { type Door, post } from '../support/doors/door.ts';
import { hangs } from '../support/model/scripted.ts';
import { callOf, endsOnLeaving } from './ask.ts';
import { NEEDS_LIVE, promise, type Skips } from './promise.ts';

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

/** Measured with a bare worker: behind wrangler's own proxy `request.signal` stays silent, the flag notwithstanding. */
const NO_SIGNAL: Skips = { workerd: "wrangler's local proxy does not tell the worker that a client has left" };

promise(
  'leave.create',
  {
    says: 'a client that leaves a reply in one piece ends the model call',
    source: 'docs/edge-cases.md: 29 (hermes-agent#15392)',
  },
  (door) => leaves(door, 'Hel', {}),
  NO_SIGNAL,
);

promise(
  'leave.create-waiting',
  {
    says: 'a client that leaves a reply in one piece ends the model call before the model has spoken as well',
    source: 'docs/edge-cases.md: 29 (hermes-agent#15392)',
  },
  (door) => leaves(door, '', {}),
  NO_SIGNAL,
);

promise(
  'leave.stream',
  { says: 'a client that leaves a stream ends the model call', source: 'docs/edge-cases.md: 29 (hermes-agent#15392)' },
  (door) => leaves(door, 'Hel', { stream: true }),
);

promise(
  'leave.stream-waiting',
  {
    says: 'a client that leaves a stream ends the model call before the model has spoken as well',
    source: 'docs/edge-cases.md: 29 (hermes-agent#15392)',
  },
  (door) => leaves(door, '', { stream: true }),
);

promise(
  'leave.unstored',
  {
    says: 'a client that leaves a stream ends the model call with store: false as well',
    source: 'docs/edge-cases.md: 29 (hermes-agent#15392)',
  },
  (door) => leaves(door, 'Hel', { stream: true, store: false }),
);

promise(
  'leave.reading',
  { says: 'a reader that cancels the body ends the model call', source: 'docs/edge-cases.md: 29 (hermes-agent#15392)' },
  (door) =>
    endsOnLeaving(door, async () => {
      const { script, begun } = hangs('Hel');
      const model = door.model.script(script);
      const reply = await post(door, { model, input: 'Hi', stream: true });
      const reader = reply.body?.getReader();
      // A pulled stream calls the model only once its reader wants more than the first events.
      await Promise.all([reader?.read(), reader?.read(), reader?.read(), begun]);
      return { leave: () => reader?.cancel(), closed: () => callOf(door, model).closed };
    }),
  NEEDS_LIVE,
);
