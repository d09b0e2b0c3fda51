import { type ContractCase, check, contractCase } from '../../contract.ts';
import { ApiError } from '../../errors.ts';
import type { BackendEvent, Finish, ModelCall } from '../backend.ts';
import { fieldCases } from './fields.ts';
import { inputCases } from './input.ts';
import { type BackendSubject, eventsOf, isRefused, prepare, start } from './subject.ts';

/** How long to wait for a request that must not come, in milliseconds. */
const PAUSE_MS = 20;

/** What every backend promises, whichever protocol it speaks. */
export const backendContract: readonly ContractCase<BackendSubject>[] = [
  contractCase('items are whole, come one after another from place 0, and one Finish ends them', async (subject) => {
    for (const call of [...subject.good, subject.talkative]) checkItems(await eventsOf(subject, call));
  }),

  contractCase('raw reasoning is told as a summary where one is asked for', async (subject) => {
    for (const call of [...subject.good, subject.talkative]) {
      const withSummary = { ...call, reasoning: { ...call.reasoning, summary: 'auto' } };
      if (isRefused(subject, withSummary, ['reasoning.summary'])) continue; // its models do not reason
      const events = await eventsOf(subject, withSummary);
      checkItems(events);
      for (const event of events) {
        if (event.type !== 'response.output_item.done' || event.item.type !== 'reasoning') continue;
        const { content, summary } = event.item;
        check(content.length === 0 || summary.length > 0, 'reasoning was asked for in summary, and told raw');
      }
    }
  }),

  contractCase('nothing is sent before the first pull', async (subject) => {
    const { endless, server } = subject;
    const events = iterate(subject, endless);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    check((server?.sent(endless.model).length ?? 0) === 0, 'a call was sent that nobody had pulled');
    await events.next();
    check((server?.sent(endless.model).length ?? 1) === 1, 'a call is sent once');
    await events.return?.();
  }),

  contractCase('an abort ends a call that waits for more, and its connection', async (subject) => {
    const controller = new AbortController();
    const events = iterate(subject, subject.endless, controller.signal);
    await events.next();
    const ended = finishes(events);
    controller.abort(new Error('over'));
    check(!(await ended), 'a call that was aborted has a Finish');
    await subject.server?.closed(subject.endless.model);
  }),

  contractCase('an abort before the first pull ends the call', async (subject) => {
    const events = iterate(subject, subject.endless, AbortSignal.abort(new Error('over')));
    check(!(await finishes(events)), 'a call that was aborted has a Finish');
  }),

  contractCase('a call that its reader leaves closes its connection', async (subject) => {
    for await (const event of start(subject, subject.endless)) {
      check(event.type !== 'finish', 'the endless call has ended');
      break;
    }
    await subject.server?.closed(subject.endless.model);
  }),

  contractCase('a failure is an ApiError', async (subject) => {
    if (subject.failing) await checkFails(subject, subject.failing);
  }),

  contractCase('a stream that ends before the answer does comes to no Finish', async (subject) => {
    if (!subject.brokenOff) return;
    const { finished, failure } = await endOf(subject, subject.brokenOff);
    check(!finished, 'a stream that ends before the answer does has a Finish, as if that were the answer');
    check(!failure || failure instanceof ApiError, `a failure is no ApiError: ${failure}`);
  }),

  contractCase('an answer that has ended stands, though its server keeps the connection open', async (subject) => {
    if (!subject.leftOpen) return;
    checkItems(await eventsOf(subject, subject.leftOpen));
    await subject.server?.closed(subject.leftOpen.model);
  }),

  contractCase(
    'an answer that its server gave up is a failure, and its open call is not completed',
    async (subject) => {
      if (!subject.gaveUp) return;
      await checkFails(subject, subject.gaveUp);
      for (const event of await eventsUntilFailure(subject, subject.gaveUp)) {
        if (event.type !== 'response.output_item.done' || !('status' in event.item)) continue;
        check(event.item.status !== 'completed', 'a call that was given up is completed');
      }
    },
  ),

  contractCase('an answer that is cut is incomplete, and says why', async (subject) => {
    const events = await eventsOf(subject, subject.cut);
    checkItems(events);
    const { reason } = finishOf(events);
    check(reason === 'max_output_tokens', `an answer whose tokens are used up ends for ${reason}`);
    const items = events.flatMap((event) => (event.type === 'response.output_item.done' ? [event.item] : []));
    const last = items.at(-1);
    check(last && 'status' in last && last.status === 'incomplete', 'an item that is cut is not incomplete');
  }),

  contractCase('usage is what the server tells, each count in its place', async (subject) => {
    if (!subject.counted) return;
    const { call, usage } = subject.counted;
    const [told, is] = [usage, finishOf(await eventsOf(subject, call)).usage].map((one) =>
      JSON.stringify(one, inOrder),
    );
    check(is === told, `usage is ${is}, and the server told ${told}`);
  }),

  contractCase('a reply that is more than is read is a failure, and its connection is closed', async (subject) => {
    for (const call of subject.excessive) {
      await checkFails(subject, call);
      await subject.server?.closed(call.model);
    }
  }),

  contractCase(
    'calls at the same time do not touch each other, nor do two of what was prepared once',
    async (subject) => {
      const { talkative } = subject;
      const prepared = prepare(subject, talkative);
      const { signal } = new AbortController();
      const texts = await Promise.all(
        [prepared, prepared, prepare(subject, talkative)].map(async (one) => {
          const events: BackendEvent[] = [];
          for await (const event of one.stream(signal)) events.push(event);
          checkItems(events);
          return events.map((event) => ('delta' in event ? event.delta : '')).join('');
        }),
      );
      check(new Set(texts).size === 1, 'calls at the same time say different things');
    },
  ),

  contractCase('what is prepared is translated: the input is not read again', async (subject) => {
    const { talkative } = subject;
    let prepared = false;
    const call: ModelCall = {
      ...talkative,
      get input() {
        check(!prepared, 'the input is read again when the call is made or counted');
        return talkative.input;
      },
    };
    const preparedCall = prepare(subject, call);
    prepared = true;
    const { signal } = new AbortController();
    await preparedCall.countTokens?.(signal);
    for await (const _ of preparedCall.stream(signal));
  }),

  ...fieldCases,
  ...inputCases,

  contractCase('it lists its models', async ({ backend, models }) => {
    const listed = (await backend.models(new AbortController().signal)).map((model) =>
      typeof model === 'string' ? model : model.id,
    );
    check(JSON.stringify(listed) === JSON.stringify(models), `it lists ${listed.join(', ')}`);
  }),
];

function iterate(subject: BackendSubject, call: ModelCall, signal?: AbortSignal): AsyncIterator<BackendEvent> {
  return start(subject, call, signal)[Symbol.asyncIterator]();
}

/** Whether events that are run to their end, well or not, have a Finish: whether an abort ends or rejects is left to the backend. */
async function finishes(events: AsyncIterator<BackendEvent>): Promise<boolean> {
  let finished = false;
  try {
    for (let next = await events.next(); !next.done; next = await events.next()) {
      finished ||= next.value.type === 'finish';
    }
  } catch {
    // The turn knows why it was aborted.
  }
  return finished;
}

/** The Finish of a call that has ended well. */
function finishOf(events: readonly BackendEvent[]): Finish {
  const last = events.at(-1);
  check(last?.type === 'finish', 'a call that ends well has no Finish');
  return last;
}

/** JSON of objects whose members stand in the order of their names. */
function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function checkFails(subject: BackendSubject, call: ModelCall): Promise<void> {
  const { finished, failure } = await endOf(subject, call);
  check(failure !== undefined && !finished, 'a call that fails has come to an end');
  check(failure instanceof ApiError, `a failure is no ApiError: ${failure}`);
}

/** The events of a call that fails. */
async function eventsUntilFailure(subject: BackendSubject, call: ModelCall): Promise<BackendEvent[]> {
  const events: BackendEvent[] = [];
  try {
    for await (const event of start(subject, call)) events.push(event);
  } catch {
    // Told by checkFails.
  }
  return events;
}

/** Whether a call has a Finish, and what it throws. */
async function endOf(subject: BackendSubject, call: ModelCall): Promise<{ finished: boolean; failure?: unknown }> {
  let finished = false;
  try {
    for await (const { type } of start(subject, call)) finished ||= type === 'finish';
    return { finished };
  } catch (failure) {
    return { finished, failure };
  }
}

function checkItems(events: readonly BackendEvent[]): void {
  const finishes = events.filter(({ type }) => type === 'finish');
  check(finishes.length === 1 && events.at(-1)?.type === 'finish', 'one Finish, and nothing after it');
  let place = 0;
  let open: string | undefined;
  for (const event of events.slice(0, -1)) {
    if (event.type === 'keep_alive') continue;
    check('output_index' in event && event.output_index === place, `${event.type} is at place ${place}`);
    check(event.sequence_number === 0, 'numbers are the turn’s to give');
    if (event.type === 'response.output_item.added') {
      check(open === undefined, 'an item begins before the one before it is done');
      check('status' in event.item && event.item.status === 'in_progress', 'what begins is in progress');
      open = event.item.id;
    } else if (event.type === 'response.output_item.done') {
      check(event.item.id === open, 'what is done has begun');
      check('status' in event.item && event.item.status !== 'in_progress', 'what is done is in progress no more');
      open = undefined;
      place++;
    } else if ('item_id' in event) check(event.item_id === open, `${event.type} is of the item that is open`);
  }
  check(open === undefined, 'the last item is done');
}
