import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend, BackendEvent, ModelCall, ServerProfile } from '../../handler/backend/backend.ts';
import { chatCompletions } from '../../handler/backend/chat/index.ts';
import { backendContract } from '../../handler/backend/contract/index.ts';
import { inputCases } from '../../handler/backend/contract/input.ts';
import { openServer } from '../../handler/backend/server/server.ts';
import type { Item } from '../../handler/items/item.ts';
import { modelCall, scriptedSubject } from '../support/backend-contract.ts';
import { chatScripts } from '../support/model/chat-scripts.ts';

/** The subject of a changed backend. */
function subjectOf(change: (backend: Backend) => Backend) {
  return scriptedSubject((url, transport) => change(chatCompletions(openServer(url, 'key', transport))), chatScripts);
}

async function refuses(promise: string, change: (backend: Backend) => Backend, says: RegExp): Promise<void> {
  const { run } = backendContract.find(({ name }) => name.startsWith(promise)) ?? assert.fail(promise);
  await assert.rejects(
    run(() => subjectOf(change)),
    says,
  );
}

/** A backend that gets changed calls. */
function withCall(change: (call: ModelCall) => ModelCall): (backend: Backend) => Backend {
  return (backend) => ({ ...backend, prepare: (call, profile) => backend.prepare(change(call), profile) });
}

/** A backend that gets changed input items. */
function withItems(change: (item: Item) => Item): (backend: Backend) => Backend {
  return withCall((call) => ({ ...call, input: call.input.map(change) }));
}

type Events = AsyncIterable<BackendEvent>;

/** A backend whose stream is changed. */
function withEvents(change: (events: Events) => Events): (backend: Backend) => Backend {
  return (backend) => ({
    ...backend,
    prepare(call, profile) {
      const prepared = backend.prepare(call, profile);
      return { ...prepared, stream: (signal) => change(prepared.stream(signal)) };
    },
  });
}

/** A backend whose events are changed one by one. */
function withEachEvent(change: (event: BackendEvent) => BackendEvent): (backend: Backend) => Backend {
  return withEvents(async function* (events) {
    for await (const event of events) yield change(event);
  });
}

describe('a backend that drops what stands in an input does not keep the contract:', { concurrency: true }, () => {
  const nothing = withCall((call) => ({ ...call, input: modelCall().input }));
  for (const { name } of inputCases.filter(({ name }) => name.startsWith('in an input'))) {
    test(name, () => refuses(name, nothing, /in an input is dropped/));
  }

  const asText = withItems((item) =>
    item.type === 'message' ? { ...item, content: item.content.filter((part) => 'text' in part) } : item,
  );
  for (const what of ['a refusal', 'an image by', 'an image as', 'an image of a developer', 'a file by', 'a file as']) {
    test(`texts alone, of ${what}`, () => refuses(`in an input ${what}`, asText, /is dropped/));
  }

  test('roles', async () => {
    const asUser = withItems((item) =>
      item.type === 'message' && item.role !== 'assistant' ? { ...item, role: 'user' } : item,
    );
    await refuses('in an input the role of a developer', asUser, /the role of a developer in an input is dropped/);
    await refuses('in an input the role of the system', asUser, /the role of the system in an input is dropped/);
  });

  test('parts of outputs', async () => {
    const first = withItems((item) =>
      item.type === 'function_call_output' && typeof item.output !== 'string'
        ? { ...item, output: item.output.slice(0, 1) }
        : item,
    );
    await refuses('in an input an output in parts', first, /is dropped/);
    await refuses('in an input an image in an output', first, /is dropped/);
    await refuses('in an input a file in an output', first, /is dropped/);
  });
});

test('a backend that drops a member of a function does not keep the contract', async () => {
  for (const member of ['strict', 'description', 'parameters']) {
    const drops = withCall((call) => ({
      ...call,
      tools: call.tools.map((tool) => ({ ...tool, [member]: undefined })),
    }));
    await refuses('tools is carried', drops, /tools is dropped/);
  }
});

test('a backend that refuses late does not keep the contract', async () => {
  const late = (backend: Backend): Backend => ({
    ...backend,
    prepare(call, profile) {
      const stream = async function* (signal: AbortSignal) {
        yield* backend.prepare(call, profile).stream(signal);
      };
      return { stream };
    },
  });
  await refuses('reasoning.mode', late, /is refused when it is made, and not by prepare/);
  const promises = (backend: Backend): Backend =>
    ({
      ...backend,
      async prepare(call: ModelCall, profile: ServerProfile) {
        return backend.prepare(call, profile);
      },
    }) as unknown as Backend; // what only JavaScript can write
  await refuses('reasoning.mode', promises, /prepare gives a promise/);
});

test('a backend that takes what has ended for an answer does not keep the contract', async () => {
  const ends = withEvents(async function* (events) {
    let last: BackendEvent | undefined;
    for await (const event of events) {
      last = event;
      yield event;
    }
    if (last?.type !== 'finish') yield { type: 'finish', reason: 'stop', usage: null };
  });
  await refuses('a stream that ends before', ends, /has a Finish, as if that were the answer/);
});

test('a backend that takes what was given up for an answer does not keep the contract', async () => {
  const ends = withEvents(async function* (events) {
    try {
      for await (const event of events) yield event;
    } catch {
      yield { type: 'finish', reason: 'stop', usage: null };
    }
  });
  await refuses('an answer that its server gave up', ends, /a call that fails has come to an end/);
});

test('a backend that waits behind an answer until it fails does not keep the contract', async () => {
  const fails = withEvents(async function* (events) {
    for await (const event of events) if (event.type !== 'finish') yield event;
  });
  await refuses('an answer that has ended stands', fails, /one Finish/);
});

test('a backend that takes what was cut for whole does not keep the contract', async () => {
  const stops = withEachEvent((event) => (event.type === 'finish' ? { ...event, reason: 'stop' } : event));
  await refuses('an answer that is cut', stops, /whose tokens are used up ends for stop/);
  const whole = withEachEvent((event) =>
    event.type === 'response.output_item.done' && event.item.type === 'message'
      ? { ...event, item: { ...event.item, status: 'completed' } }
      : event,
  );
  await refuses('an answer that is cut', whole, /an item that is cut is not incomplete/);
});

test('a backend that loses a count does not keep the contract', async () => {
  const cases = [
    { input_tokens_details: { cached_tokens: 0, cache_write_tokens: 2 } },
    { output_tokens_details: { reasoning_tokens: 0 } },
    { output_tokens: 0 },
  ];
  for (const lost of cases) {
    const loses = withEachEvent((event) =>
      event.type === 'finish' && event.usage ? { ...event, usage: { ...event.usage, ...lost } } : event,
    );
    await refuses('usage is what', loses, /and the server told/);
  }
  const silent = withEachEvent((event) => (event.type === 'finish' ? { ...event, usage: null } : event));
  await refuses('usage is what', silent, /usage is null/);
});

test('a backend that sends what another has sealed does not keep the contract', async () => {
  const sends = withItems((item) =>
    item.type === 'reasoning'
      ? { ...item, content: [{ type: 'reasoning_text', text: `${item.encrypted_content}` }] }
      : item,
  );
  await refuses('what another backend has sealed', sends, /isSealedHere tells it/);
});
