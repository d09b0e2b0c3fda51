import { actions, inputParts, mcpErrors, operations, outputParts, safetyCheck, screenshots } from './example-parts.ts';
import { exampleTools } from './example-tools.ts';
import { surfaceRows } from './surface.ts';

/** An item as a client may send it, and as it is then listed, member by member. */
export interface ExampleItem {
  type: string;
  id: string;
  [member: string]: unknown;
}

type Plain = { type: string; [member: string]: unknown };

const caller = { type: 'direct' };
const skills = [{ name: 's', description: 'd', path: '/s' }];
const exec = { type: 'exec', command: ['ls'], env: { A: 'b' }, timeout_ms: 9, user: 'u', working_directory: '/w' };

/** Calls, each with what it is answered with. */
const plainCalls: [call: Plain, answer: Plain][] = [
  [
    { type: 'function_call', name: 'f', namespace: 'n', arguments: '{"a":1}', async: true, caller },
    { type: 'function_call_output', output: 'done', name: 'f', namespace: 'n', caller },
  ],
  [
    { type: 'function_call', name: 'f', arguments: '{}' },
    { type: 'function_call_output', output: inputParts },
  ],
  [
    { type: 'custom_tool_call', name: 'c', namespace: 'n', input: 'x', async: true, caller },
    { type: 'custom_tool_call_output', output: 'done', caller },
  ],
  [
    { type: 'custom_tool_call', name: 'c', input: 'x' },
    { type: 'custom_tool_call_output', output: inputParts },
  ],
  [
    { type: 'local_shell_call', action: exec },
    { type: 'local_shell_call_output', output: 'done' },
  ],
  [
    {
      type: 'shell_call',
      action: { commands: ['ls', 'pwd'], timeout_ms: 9, max_output_length: 99 },
      environment: { type: 'local', skills },
      caller,
    },
    {
      type: 'shell_call_output',
      output: [
        { stdout: 'a', stderr: 'b', outcome: { type: 'exit', exit_code: 1 } },
        { stdout: '', stderr: '', outcome: { type: 'timeout' } },
      ],
      max_output_length: 99,
      caller,
    },
  ],
  ...operations.map((operation): [Plain, Plain] => [
    { type: 'apply_patch_call', operation, caller },
    { type: 'apply_patch_call_output', output: 'done', caller },
  ]),
  ...screenshots.map((output): [Plain, Plain] => [
    { type: 'computer_call', actions, pending_safety_checks: [safetyCheck] },
    { type: 'computer_call_output', output, acknowledged_safety_checks: [safetyCheck] },
  ]),
  ...actions.map((action): [Plain, Plain] => [
    { type: 'computer_call', action, pending_safety_checks: [] },
    { type: 'computer_call_output', output: screenshots[0] },
  ]),
  [
    { type: 'tool_search_call', execution: 'client', arguments: { query: 'x' } },
    { type: 'tool_search_output', execution: 'client', tools: exampleTools },
  ],
];

/** Every call and answer that an input may hold; together they have every member of their types. */
export const calls: [call: ExampleItem, answer: ExampleItem][] = plainCalls.map(([call, answer], index) => {
  const call_id = `call_${index}`;
  const made = (item: Plain) => ({ ...item, id: `${item.type}_${index}`, call_id, status: 'completed' });
  return [made(call), made(answer)];
});

const message = (role: string, content: object[], members: object = {}): Plain => ({
  type: 'message',
  role,
  status: 'completed',
  content,
  ...members,
});
const text = [{ type: 'input_text', text: 'Hi' }];
const mcp = { type: 'mcp_call', server_label: 's', name: 'm', arguments: '{}', approval_request_id: 'mcpr_1' };

/** Every item beside calls of the client's tools and their answers. */
export const others: ExampleItem[] = [
  message('user', inputParts),
  message('system', text),
  message('developer', text),
  ...['in_progress', 'incomplete'].map((status) => message('assistant', outputParts.slice(1), { status })),
  message('assistant', outputParts),
  ...['commentary', 'final_answer'].map((phase) => message('assistant', outputParts.slice(1), { phase })),
  {
    type: 'reasoning',
    summary: [{ type: 'summary_text', text: 's' }],
    content: [{ type: 'reasoning_text', text: 't' }],
    encrypted_content: 'gAAA',
    status: 'completed',
  },
  { ...mcp, output: 'done', error: null, status: 'completed' },
  {
    type: 'mcp_list_tools',
    server_label: 's',
    tools: [{ name: 'm', description: 'd', input_schema: { $schema: 'x' }, annotations: { read_only: true } }],
  },
  { type: 'mcp_list_tools', server_label: 's', tools: [], error: 'no' },
  { type: 'mcp_approval_request', server_label: 's', name: 'm', arguments: '{}' },
  { type: 'mcp_approval_response', approve: false, reason: 'r' },
  ...mcpErrors.map((error) => ({ ...mcp, output: null, error, status: 'failed' })),
  ...['developer', 'user', 'system'].map((role) => ({ type: 'additional_tools', role, tools: exampleTools })),
  {
    type: 'configuration_update',
    reasoning: { effort: 'low' },
    text: { format: { type: 'json_schema', name: 'n', schema: {}, description: 'd', strict: true } },
  },
  { type: 'configuration_update', text: { format: { type: 'text' } } },
].map((item, index) => ({
  ...item,
  ...(item.type === 'mcp_approval_response' && { approval_request_id: `mcp_approval_request_other_${index - 1}` }),
  id: `${item.type}_other_${index}`,
}));

/** An example again for each other value that a member of its kind may have, where it is sent or only where it is listed. */
export const withOtherValues: ExampleItem[] = surfaceRows().flatMap(({ group, name }) => {
  const [, kind, path = '', value = ''] = /^(\w+)\.([\w.]+)=(.+)$/.exec(name) ?? [];
  const isListed = group === 'listed items' && kind?.startsWith('custom_tool_call');
  if ((group !== 'input items' && !isListed) || kind === 'message') return [];
  const first = [...others, ...calls.flat()].find(({ type }) => type === kind);
  const changed = first && replaced(first, path.split('.'), value);
  return changed ? [{ ...changed, id: `${first.id}_${path}_${value}` }] : [];
});

/** A copy with another value at this path; undefined where the item has none there, or this very one. */
function replaced<T extends object>(item: T, [name = '', ...path]: string[], value: string): T | undefined {
  const member = Object.hasOwn(item, name) && item[name as keyof T]; // hasOwn has just said so
  if (path.length === 0) return typeof member === 'string' && member !== value ? { ...item, [name]: value } : undefined;
  const inner = member && typeof member === 'object' ? replaced(member, path, value) : undefined;
  return inner && { ...item, [name]: inner };
}
