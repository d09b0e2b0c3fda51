import assert from 'node:assert/strict';
import { actions, mcpErrors, operations, safetyCheck } from '../coverage/example-parts.ts';
import { type Door, post } from '../support/doors/door.ts';
import { callsFunctions, failsMidway, type Script, says, sends } from '../support/model/scripted.ts';
import { answers, message, type Said } from '../support/model/scripted-responses.ts';
import { checkStream, parseStream, type Stream } from '../support/sse.ts';

const custom = { type: 'custom', name: 'c' };
const fn = { type: 'function', name: 'f' };
const tools = [
  fn,
  custom,
  { type: 'namespace', name: 'n', description: 'd', tools: [fn, custom] },
  { type: 'local_shell' },
  { type: 'shell' },
  { type: 'apply_patch' },
  { type: 'computer' },
  { type: 'tool_search', execution: 'client' },
];

const call = (name: string, args: object, id: string) => ({ name, args: JSON.stringify(args), id });
const command = { command: ['ls'], env: { A: 'b' }, timeout_ms: 9, user: 'u', working_directory: '/w' };
const commands = { commands: ['ls', 'pwd'], timeout_ms: 9, max_output_length: 99 };

/** What models of Chat Completions say, one turn each. */
const chat: Script[] = [
  sends([{ reasoning_content: 'Hm.' }, { content: 'Hi' }, { refusal: 'No.' }]),
  sends([{ reasoning_content: 'Hm' }], 'length'),
  sends([{ content: 'Hi' }], 'length'),
  sends([{ content: 'Hi' }], 'content_filter'),
  callsFunctions(
    call('f', { a: 1 }, 'c1'),
    call('n__f', {}, 'c2'),
    call('c', { input: 'x' }, 'c3'),
    call('n__c', { input: 'x' }, 'c4'),
    call('local_shell', command, 'c5'),
    call('shell', commands, 'c6'),
    ...operations.map((operation, index) => call('apply_patch', operation, `c7_${index}`)),
    call('computer', { actions, pending_safety_checks: [safetyCheck] }, 'c8'),
    call('tool_search', { query: 'x' }, 'c9'),
  ),
  ...['f', 'c'].map((name) =>
    sends([{ tool_calls: [{ index: 0, id: 'c', function: { name, arguments: '{"a' } }] }], 'length'),
  ),
  failsMidway({ code: 500 }),
  failsMidway({ code: 429 }),
];

const action = { type: 'exec', ...command };
const caller = { type: 'direct' };
const mcp = { type: 'mcp_call', server_label: 's', name: 'm', arguments: '{}', approval_request_id: 'mcpr_1' };

const whole: Said[] = [
  { type: 'function_call', call_id: 'c9', name: 'f', arguments: '{}', async: true, caller },
  { type: 'local_shell_call', call_id: 'c1', action },
  { type: 'shell_call', call_id: 'c2', action: commands, environment: { type: 'local' }, caller },
  { type: 'custom_tool_call', call_id: 'c0', name: 'c', input: 'x', async: true, caller },
  { type: 'computer_call', call_id: 'c3', actions, pending_safety_checks: [safetyCheck] },
  { type: 'tool_search_call', call_id: 'c4', execution: 'client', arguments: { query: 'x' } },
];

/** What models whose servers speak the Responses API say, one turn each. */
const native: Said[][] = [
  [{ type: 'reasoning', summary: ['First.', 'Then.'], content: ['Hm.'] }, message('Hi')],
  [
    { ...message('Hi'), phase: 'commentary' },
    { ...message('So'), phase: 'final_answer' },
  ],
  [
    ...whole,
    ...operations.map((operation, index) => ({ type: 'apply_patch_call', call_id: `c5_${index}`, operation, caller })),
    ...actions.map((action, index) => ({ type: 'computer_call', call_id: `c6_${index}`, action })),
  ],
  [...whole, { ...mcp, output: null }].map((item) => ({ ...item, status: 'incomplete' })),
  [{ ...mcp, output: 'done' }, ...mcpErrors.map((error) => ({ ...mcp, error, status: 'failed' })), message('So')],
];

/** Says a text with log probabilities. */
const withLogprobs: Script = async (turn) => {
  const token = { token: 'Hi', logprob: -0.5, bytes: [72, 105], top_logprobs: [{ token: 'Ho', logprob: -2 }] };
  const choice = { index: 0, delta: { content: 'Hi' }, logprobs: { content: [token] }, finish_reason: null };
  await turn.raw(`data: ${JSON.stringify({ choices: [choice] })}\n\n`);
  await turn.finish();
};

/** A tool search that this server runs, and its result. */
const searches = [callsFunctions(call('tool_search', { query: 'crm' }, 'c1')), says('Found.')];
const crm = { ...fn, name: 'crm', defer_loading: true };
const searched = [{ type: 'tool_search' }, crm];

const seen = new WeakMap<Door, Promise<Stream[]>>();

/** Streams with everything that a model can produce, live and replayed from the database; once per door. */
export function scenes(door: Door): Promise<Stream[]> {
  const known = seen.get(door) ?? play(door);
  seen.set(door, known);
  return known;
}

let keys = 0;

async function play(door: Door): Promise<Stream[]> {
  const asked = {
    reasoning: { summary: 'auto' },
    stream_options: { include_obfuscation: true },
    include: ['reasoning.encrypted_content'],
    tools,
  };
  const bodies = [
    ...[...chat, withLogprobs].map((script) => ({ model: door.model.script(script) })),
    ...native.map((items) => ({ model: door.model.native(answers(...items)) })),
    { model: door.model.script(...searches), tools: searched },
  ];
  const streams: Stream[] = [];
  for (const body of bodies) {
    const key = { 'idempotency-key': `scene-${process.pid}-${keys++}` };
    for (const _ of ['first', 'again']) {
      const reply = await post(
        door,
        { input: 'Hi', top_logprobs: 1, ...asked, ...body, stream: true },
        { headers: key },
      );
      const text = await reply.text();
      assert.equal(reply.status, 200, text);
      const whole = parseStream(text);
      checkStream(whole);
      streams.push(whole);
    }
  }
  return streams;
}
