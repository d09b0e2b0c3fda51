import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResponseEvent } from '../handler/events/events.ts';
import { fold } from '../handler/events/fold.ts';
import { replay } from '../handler/events/replay.ts';
import type { OutputItem } from '../handler/items/item.ts';
import type { Response } from '../handler/protocol/response.ts';

const citation = { type: 'url_citation' as const, url: 'http://x.test/', title: 'X', start_index: 0, end_index: 1 };
const logprob = { token: 'a', logprob: -1, bytes: [97], top_logprobs: [] };
const call = { call_id: 'call_1', status: 'completed' as const };

/** An item of every type, with everything that it may hold. */
const output: OutputItem[] = [
  {
    type: 'reasoning',
    id: 'rs_1',
    summary: [
      { type: 'summary_text', text: 'In short.' },
      { type: 'summary_text', text: '' },
    ],
    content: [
      { type: 'reasoning_text', text: 'At length.' },
      { type: 'reasoning_text', text: 'And more.' },
    ],
    encrypted_content: 'sealed',
    status: 'completed',
  },
  {
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    content: [
      { type: 'output_text', text: 'a', annotations: [citation, citation], logprobs: [logprob] },
      { type: 'refusal', refusal: 'No.' },
      { type: 'output_text', text: '', annotations: [], logprobs: [] },
    ],
    status: 'incomplete',
  },
  { type: 'message', id: 'msg_2', role: 'assistant', content: [], status: 'completed' },
  { type: 'function_call', id: 'fc_1', ...call, name: 'f', namespace: 'n', arguments: '{"a":1}' },
  { type: 'function_call', id: 'fc_2', call_id: 'call_2', name: 'f', arguments: '', status: 'incomplete' },
  {
    type: 'mcp_call',
    id: 'mcp_1',
    server_label: 's',
    name: 'm',
    arguments: '{}',
    output: 'done',
    error: null,
    approval_request_id: 'mcpr_1',
    status: 'completed',
  },
  {
    type: 'mcp_call',
    id: 'mcp_2',
    server_label: 's',
    name: 'm',
    arguments: '{}',
    output: null,
    error: { type: 'http_error', code: 500, message: 'broken' },
    approval_request_id: null,
    status: 'failed',
  },
  { type: 'mcp_list_tools', id: 'mcpl_1', server_label: 's', tools: [{ name: 'm', input_schema: {} }] },
  { type: 'mcp_list_tools', id: 'mcpl_2', server_label: 's', tools: [], error: null },
  { type: 'mcp_list_tools', id: 'mcpl_3', server_label: 's', tools: [], error: 'broken' },
  { type: 'mcp_approval_request', id: 'mcpr_1', server_label: 's', name: 'm', arguments: '{}' },
  { type: 'custom_tool_call', id: 'ctc_1', ...call, name: 'c', input: 'free text' },
  { type: 'local_shell_call', id: 'lsh_1', ...call, action: { type: 'exec', command: ['ls'], env: {} } },
  {
    type: 'shell_call',
    id: 'sh_1',
    ...call,
    action: { commands: ['ls', 'pwd'], timeout_ms: null, max_output_length: null },
    environment: null,
  },
];

/** A response that holds them; what else it says is of no account here. */
const response = {
  id: 'resp_1',
  status: 'incomplete',
  completed_at: null,
  incomplete_details: { reason: 'max_output_tokens' },
  usage: { total_tokens: 1 },
  metadata: { a: 'b' },
  output,
} as unknown as Response;

async function replayed(of: Response): Promise<ResponseEvent[]> {
  const events: ResponseEvent[] = [];
  for await (const event of replay(of)) events.push(event);
  return events;
}

test('the events make up every item as it was, none of them by its last event alone', async () => {
  const events = await replayed(structuredClone(response));
  assert.deepEqual(
    events.map((event) => event.sequence_number),
    events.map((_, number) => number),
  );
  const [created, inProgress] = events;
  assert.ok(created?.type === 'response.created' && inProgress?.type === 'response.in_progress');
  const begun = { ...response, status: 'in_progress', incomplete_details: null, usage: null, output: [] };
  assert.deepEqual([created.response, inProgress.response], [begun, begun]);
  assert.deepEqual(events.slice(2, -1).reduce(fold, created.response).output, output);
  const last = events.at(-1);
  assert.ok(last?.type === 'response.incomplete');
  assert.deepEqual(last.response, response);

  // Readers that put items together from their parts do not wait for the whole.
  const texts = new Set(['message', 'reasoning', 'function_call']);
  const parts = events.slice(2, -1).filter(({ type }) => type !== 'response.output_item.done');
  const grown = parts.reduce(fold, created.response).output;
  for (const [index, item] of output.entries()) {
    if (texts.has(item.type) && 'status' in item) assert.deepEqual({ ...grown[index], status: item.status }, item);
  }
});

test('a completed response ends as completed, an empty one too', async () => {
  const completed: Response = {
    ...response,
    status: 'completed',
    completed_at: 7,
    incomplete_details: null,
    output: [],
  };
  const events = await replayed(completed);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['response.created', 'response.in_progress', 'response.completed'],
  );
  assert.ok(events[0]?.type === 'response.created');
  assert.equal(events[0].response.completed_at, null);
});
