import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessagesReply } from '../../handler/backend/anthropic/reply.ts';
import type { BackendEvent } from '../../handler/backend/backend.ts';
import { ChatReply } from '../../handler/backend/chat/reply.ts';
import { toModelFunctions } from '../../handler/backend/functions/tools.ts';
import { ResponsesReply } from '../../handler/backend/responses/reply.ts';
import { type Reply, readReply } from '../../handler/backend/server/reply-stream.ts';
import { ApiError } from '../../handler/errors.ts';
import type { Json } from '../support/accumulate.ts';
import { modelCall } from '../support/backend-contract.ts';

const call = modelCall({ tools: [{ type: 'custom', name: 'patch' }] });
const tools = toModelFunctions(call.tools);
const encoder = new TextEncoder();

/** For each protocol, the first event of a call that is buffered until it is complete, and an event that continues it. */
const bufferedCalls: [name: string, reply: () => Reply, begins: Json, goesOn: Json][] = [
  [
    'chat',
    () => new ChatReply(call, tools, 'server'),
    { choices: [{ delta: { tool_calls: [{ index: 0, id: 'c', function: { name: 'patch' } }] } }] },
    { choices: [{ delta: { tool_calls: [{ index: 0, function: { arguments: 'more ' } }] } }] },
  ],
  [
    'responses',
    () => new ResponsesReply(call, { isOpenAI: true }),
    { type: 'response.output_item.added', item: { type: 'apply_patch_call', id: 'p' } },
    { type: 'response.apply_patch_call_operation_diff.delta', item_id: 'p', delta: 'more ' },
  ],
  [
    'messages',
    () => new MessagesReply(call, tools),
    { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 'c', name: 'patch' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: 'more ' } },
  ],
];

/** The bytes of events, one event a chunk. */
async function* bytesOf(events: Iterable<Json | string>): AsyncGenerator<Uint8Array> {
  for (const event of events) {
    yield encoder.encode(`data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`);
  }
}

test('a buffered call without an end fails, in every protocol', async () => {
  for (const [name, reply, begins, goesOn] of bufferedCalls) {
    let sent = 0;
    const endless = function* () {
      yield begins;
      for (; ; sent++) yield goesOn;
    };
    const events: BackendEvent[] = [];
    const read = async () => {
      for await (const event of readReply(async () => ({ header: () => null, body: bytesOf(endless()) }), reply(), {
        maxLength: 10_000,
      }))
        events.push(event);
    };
    await assert.rejects(read(), (error) => error instanceof ApiError && error.kind === 'server', name);
    assert.ok(sent > 50 && sent < 1_000, `${name}: ${sent}`);
    assert.ok(events.length > 50 && events.every(({ type }) => type === 'keep_alive'), `${name}: it is alive`);
  }
});

test('[DONE] is the end of a chat, and breaks a response off', async () => {
  const finishOf = async (reply: Reply, ...events: Json[]) => {
    const seen: BackendEvent[] = [];
    for await (const event of readReply(
      async () => ({ header: () => null, body: bytesOf([...events, '[DONE]', '{garbage']) }),
      reply,
    ))
      seen.push(event);
    return [seen.some(({ type }) => type === 'response.output_text.delta'), seen.at(-1)?.type];
  };
  const chunk = { choices: [{ delta: { content: 'Hi' } }] };
  assert.deepEqual(await finishOf(new ChatReply(call, tools, 'server'), chunk), [true, 'finish']);
  const delta = { type: 'response.output_text.delta', item_id: 'm', delta: 'Hi' };
  const broken = await finishOf(new ResponsesReply(call, { isOpenAI: true }), delta);
  assert.deepEqual(broken, [true, 'response.output_text.delta']);
});
