import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Backend, BackendEvent, Finish, ModelCall, ServerProfile } from '../../handler/backend/backend.ts';
import { ApiError } from '../../handler/errors.ts';
import type { Item } from '../../handler/items/item.ts';

/** A backend under test, and calls that make it show what it promises. */
export interface Subject {
  backend: Backend;
  /** Calls that end well, each in its own way. */
  good: readonly ModelCall[];
  /** A call that says something and then goes on for longer than any test. */
  endless: ModelCall;
  /** Calls that it cannot carry. */
  refused: readonly ModelCall[];
  /** A call that fails; null when it cannot. */
  failing: ModelCall | null;
  /** What it lists. */
  models: readonly string[];
  /** Null for a backend without a server. */
  server: {
    /** How many calls it has got. */
    calls(call: ModelCall): number;
    /** Resolves when the connection of its last call has closed. */
    closed(call: ModelCall): Promise<void>;
  } | null;
  close(): Promise<void>;
}

/** A message as it is kept. */
export function userMessage(text: string): Item {
  const content = [{ type: 'input_text' as const, text }];
  return { type: 'message', id: 'msg_1', role: 'user', status: 'completed', content };
}

/** A call with the API's defaults. */
export function modelCall(members: Partial<ModelCall> = {}): ModelCall {
  return {
    model: 'any',
    instructions: null,
    input: [userMessage('Hello')],
    tools: [],
    params: new Map(),
    tool_choice: 'auto',
    parallel_tool_calls: true,
    temperature: null,
    top_p: null,
    max_output_tokens: null,
    text: { format: { type: 'text' }, verbosity: null },
    top_logprobs: null,
    reasoning: { effort: null, summary: null },
    hints: {
      user: null,
      safety_identifier: null,
      prompt_cache_key: null,
      prompt_cache_options: null,
      prompt_cache_retention: null,
      service_tier: null,
    },
    ...members,
  };
}

/** What is known of a server of which nothing is known. */
export const anyServer: ServerProfile = { isOpenAI: false, grammars: 'refuse' };

/** What every backend promises; nothing here may depend on which one it is. */
export function backendContract(name: string, open: () => Promise<Subject>): void {
  describe(`${name} keeps the contract of a backend`, { timeout: 10_000 }, () => {
    let subject: Subject;
    before(async () => {
      subject = await open();
    });
    after(() => subject?.close());
    const never = new AbortController().signal;
    const start = (call: ModelCall, signal = never) => subject.backend.prepare(call, anyServer).stream(signal);
    const iterate = (call: ModelCall, signal: AbortSignal) => start(call, signal)[Symbol.asyncIterator]();

    test('items are whole, come one after another from place 0, and one Finish ends them', async () => {
      for (const call of subject.good) {
        const events: BackendEvent[] = [];
        for await (const event of start(call)) events.push(event);
        checkItems(events);
      }
    });

    test('raw reasoning is told as a summary where one is asked for', async () => {
      for (const call of subject.good) {
        const events: BackendEvent[] = [];
        const asked = { ...call, reasoning: { ...call.reasoning, summary: 'auto' } };
        for await (const event of start(asked)) events.push(event);
        checkItems(events);
        for (const event of events) {
          if (event.type !== 'response.output_item.done' || event.item.type !== 'reasoning') continue;
          assert.ok(event.item.content.length === 0 || event.item.summary.length > 0);
        }
      }
    });

    test('what it cannot carry is refused at once', () => {
      for (const call of subject.refused) {
        assert.throws(
          () => subject.backend.prepare(call, anyServer),
          (error) => error instanceof ApiError && error.param !== null,
        );
      }
    });

    test('nothing is sent before the first pull', async () => {
      const { endless, server } = subject;
      const earlier = server?.calls(endless) ?? 0;
      const events = iterate(endless, never);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(server?.calls(endless) ?? 0, earlier);
      await events.next();
      assert.equal(server?.calls(endless) ?? 1, earlier + 1);
      await events.return?.();
    });

    test('an abort ends a call that waits for more, and its connection', async () => {
      const { endless, server } = subject;
      const controller = new AbortController();
      const events = iterate(endless, controller.signal);
      await events.next();
      const drained = drain(events);
      controller.abort(new Error('over'));
      assert.equal(await drained, undefined, 'no Finish');
      await server?.closed(endless);
    });

    test('an abort before the first pull ends the call', async () => {
      const events = iterate(subject.endless, AbortSignal.abort(new Error('over')));
      assert.equal(await drain(events), undefined, 'no Finish');
    });

    test('a call that its reader leaves closes its connection', async () => {
      const { endless, server } = subject;
      for await (const event of start(endless)) {
        assert.notEqual(event.type, 'finish');
        break;
      }
      await server?.closed(endless);
    });

    test('a failure is an ApiError', async () => {
      const { failing } = subject;
      if (!failing) return;
      const events = iterate(failing, never);
      await assert.rejects(async () => {
        while (!(await events.next()).done);
      }, ApiError);
    });

    test('calls at the same time do not touch each other', async () => {
      const call = subject.good[0] ?? assert.fail('a good call');
      const texts = await Promise.all(
        [1, 2, 3].map(async () => {
          const events: BackendEvent[] = [];
          for await (const event of start(call)) events.push(event);
          checkItems(events);
          return events.map((event) => ('delta' in event ? event.delta : '')).join('');
        }),
      );
      assert.equal(new Set(texts).size, 1);
    });

    test('it lists its models', async () => {
      assert.deepEqual(await subject.backend.models(AbortSignal.timeout(5_000)), subject.models);
    });
  });
}

/** Runs to the end, whether well or not; what it finished with, if it did. */
async function drain(events: AsyncIterator<BackendEvent>): Promise<Finish | undefined> {
  let finish: Finish | undefined;
  try {
    for (let next = await events.next(); !next.done; next = await events.next()) {
      if (next.value.type === 'finish') finish = next.value;
    }
  } catch {
    // Whether an abort ends or rejects is left to the backend: the turn knows why.
  }
  return finish;
}

function checkItems(events: readonly BackendEvent[]): void {
  assert.deepEqual(
    events.filter(({ type }) => type === 'finish'),
    [events.at(-1)],
  );
  let place = 0;
  let open: string | undefined;
  for (const event of events.slice(0, -1)) {
    if (event.type === 'keep_alive') continue;
    assert.ok('output_index' in event);
    assert.equal(event.output_index, place, event.type);
    assert.equal(event.sequence_number, 0, 'numbers are the turn’s to give');
    if (event.type === 'response.output_item.added') {
      assert.equal(open, undefined);
      assert.ok('status' in event.item && event.item.status === 'in_progress');
      open = event.item.id;
    } else if (event.type === 'response.output_item.done') {
      assert.equal(event.item.id, open);
      assert.ok('status' in event.item && event.item.status !== 'in_progress');
      open = undefined;
      place++;
    } else if ('item_id' in event) assert.equal(event.item_id, open);
  }
  assert.equal(open, undefined, 'the last item is done');
}
