import type { Step } from '../../handler/http/openapi/json-schema.ts';
import { CompactRequest } from '../../handler/protocol/compact.ts';
import { AddItems, CreateConversation, UpdateConversation } from '../../handler/protocol/conversation.ts';
import { CountRequest } from '../../handler/protocol/count-request.ts';
import { CreateRequest } from '../../handler/protocol/request.ts';
import { sealWith } from '../../handler/seal.ts';
import { testSecrets } from '../support/doors/door.ts';
import { look } from '../support/schema.ts';

/** A body that the product takes; together the examples have an object of every kind that a schema knows. */
export interface Example {
  name: string;
  path: string;
  schema: Step;
  body: Record<string, unknown>;
  /** The one member whose places are tried, where the others only make it valid. */
  only?: string;
}

/** Ids of what is stored, for the examples that go on from it. */
export interface Stored {
  response: string;
  conversation: string;
}

const mark = { prompt_cache_breakpoint: { mode: 'explicit', ttl: '30m' } };
const image = { type: 'input_image', image_url: 'data:image/png;base64,AA==', detail: 'auto', ...mark };
const file = { type: 'input_file', file_data: 'data:text/plain;base64,AA==', filename: 'a.txt', ...mark };
const text = { type: 'input_text', text: 'Hi', ...mark };
const parts = [text, image, file];
const grammar = { type: 'grammar', syntax: 'lark', definition: 'start: "a"' };

const callers = { allowed_callers: ['direct'] };
const fn = {
  type: 'function',
  name: 'f',
  description: 'd',
  parameters: {},
  strict: false,
  output_schema: {},
  ...callers,
};
const skills = [{ name: 's', description: 'd', path: '/s' }];
const tools = [
  fn,
  { type: 'custom', name: 'c', description: 'd', format: { type: 'text' }, ...callers },
  {
    type: 'namespace',
    name: 'n',
    description: 'd',
    tools: [
      { type: 'function', name: 'g' },
      { type: 'custom', name: 'h' },
    ],
  },
  { type: 'local_shell' },
  { type: 'shell', environment: { type: 'local', skills }, ...callers },
  { type: 'apply_patch', ...callers },
  { type: 'computer' },
  { type: 'computer_use_preview', display_width: 800, display_height: 600, environment: 'linux' },
  { type: 'tool_search', execution: 'client', description: 'd', parameters: {} },
];

const choices: unknown[] = [
  'auto',
  { type: 'function', name: 'f' },
  { type: 'custom', name: 'c' },
  { type: 'shell' },
  { type: 'apply_patch' },
  { type: 'computer' },
  { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] },
];

const span = { start_index: 0, end_index: 1 };
const annotations = [
  { type: 'url_citation', url: 'http://x.test/', title: 'X', ...span },
  { type: 'file_citation', file_id: 'file_1', filename: 'a.txt', index: 0 },
  { type: 'container_file_citation', container_id: 'cntr_1', file_id: 'file_1', filename: 'a.txt', ...span },
  { type: 'file_path', file_id: 'file_1', index: 0 },
];
const token = { token: 'a', logprob: -0.5, bytes: [97] };

const messages = [
  { role: 'user', content: 'Hi' },
  { type: 'message', role: 'user', content: parts },
  {
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text: 'a', annotations, logprobs: [{ ...token, top_logprobs: [token] }] }],
  },
  { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
  {
    type: 'reasoning',
    summary: [{ type: 'summary_text', text: 's' }],
    content: [{ type: 'reasoning_text', text: 't' }],
  },
  {
    type: 'agent_message',
    author: '/root',
    recipient: '/root/child',
    content: [text, { type: 'encrypted_content', encrypted_content: 'Hi' }],
  },
  { type: 'mcp_call', server_label: 's', name: 'm', arguments: '{}', output: 'o', error: {} },
  {
    type: 'web_search_call',
    action: { type: 'search', query: 'q' },
    results: [{ url: 'https://a.test' }],
    function: { name: 'web_search', arguments: '{}', output: 'o' },
    status: 's',
  },
  { type: 'file_search_call', queries: ['q'], results: [{ text: 't' }], status: 's' },
  { type: 'code_interpreter_call', code: 'c', container_id: 'c', outputs: [{ type: 'logs', logs: 'l' }], status: 's' },
  {
    type: 'image_generation_call',
    ...{ result: 'AAAA', revised_prompt: 'p', action: 'edit', background: 'auto', error: {}, output_format: 'png' },
    ...{ quality: 'low', size: '1x1', svg_usage: {}, status: 's' },
  },
  { type: 'mcp_list_tools', server_label: 's', tools: [{ name: 'n' }], error: 'e' },
  { type: 'additional_tools', role: 'developer', tools: [{ ...fn, name: 'later' }] },
  { type: 'configuration_update', reasoning: { effort: 'low' }, text: { format: { type: 'text' } } },
];

const call = (type: string, members: object) => ({ type, call_id: 'c1', caller: { type: 'direct' }, ...members });
/** A call that was to be approved, and what was said of it. */
const approval = [
  { type: 'mcp_approval_request', id: 'mcpr_1', server_label: 's', name: 'm', arguments: '{}' },
  { type: 'mcp_approval_response', approval_request_id: 'mcpr_1', approve: false, reason: 'r' },
];

/** Calls with their outputs. */
const calls: [name: string, call: object, output: object][] = [
  [
    'function_call',
    call('function_call', { name: 'f', arguments: '{}' }),
    call('function_call_output', { output: parts }),
  ],
  [
    'custom_tool_call',
    call('custom_tool_call', { name: 'c', input: 'x' }),
    call('custom_tool_call_output', { output: parts }),
  ],
  [
    'local_shell_call',
    call('local_shell_call', { action: { type: 'exec', command: ['ls'], env: { A: 'b' }, timeout_ms: 1000 } }),
    call('local_shell_call_output', { output: 'a' }),
  ],
  [
    'shell_call',
    call('shell_call', { action: { commands: ['ls'], timeout_ms: 1000 }, environment: { type: 'local', skills } }),
    call('shell_call_output', {
      output: [
        { stdout: 'a', stderr: '', outcome: { type: 'exit', exit_code: 0 } },
        { stdout: 'a', stderr: '', outcome: { type: 'timeout' } },
      ],
    }),
  ],
  ...[
    { type: 'create_file', path: 'a', diff: '+a' },
    { type: 'update_file', path: 'a', diff: '+a' },
    { type: 'delete_file', path: 'a' },
  ].map((operation): [string, object, object] => [
    operation.type,
    call('apply_patch_call', { operation }),
    call('apply_patch_call_output', { output: 'done', status: 'completed' }),
  ]),
  [
    'computer_call',
    call('computer_call', { actions: [{ type: 'screenshot' }], pending_safety_checks: [{ id: 's' }] }),
    call('computer_call_output', {
      output: { type: 'computer_screenshot', image_url: image.image_url, ...mark },
      acknowledged_safety_checks: [{ id: 's' }],
    }),
  ],
  [
    'tool_search_call',
    call('tool_search_call', { execution: 'client', arguments: {} }),
    call('tool_search_output', { execution: 'client', tools: [{ ...fn, name: 'found' }] }),
  ],
];

const compaction = {
  type: 'compaction',
  encrypted_content: await sealWith(testSecrets)('default').seal('compaction', 'They said hello.'),
};

/** Items of every type, each with what it needs beside it. */
export const itemGroups: [name: string, items: object[]][] = [
  ...messages.map((item, index): [string, object[]] => [`message ${index}`, [item]]),
  ...calls.map(([name, ...items]): [string, object[]] => [name, items]),
  ['compaction', [compaction, { role: 'user', content: 'Hi' }]],
  ['approval', approval],
];

/** A server of the tests' configuration, which has a tool `add`. */
const connector = { type: 'mcp', server_label: 'open' };

const schema = look(CreateRequest);

/** The body of a response that every other one is like. */
function create(name: string, body: object): Example {
  return { name, path: '/v1/responses', schema, body: { input: 'Hi', ...body } };
}

/** Every example, those of conversations included. */
export function examples({ response, conversation }: Stored): Example[] {
  const at = `/v1/conversations/${conversation}`;
  return [
    create('grammar', { tools: [{ type: 'custom', name: 'c', format: grammar }] }),
    create('plain', {}),
    create('settings', {
      reasoning: { effort: 'low' },
      metadata: { a: 'b' },
      include: ['reasoning.encrypted_content'],
      prompt_cache_options: { mode: 'explicit', ttl: '30m', comparison_response_id: 'resp_1', prewarm: false },
    }),
    { ...create('stream', { stream: true, stream_options: { include_obfuscation: false } }), only: 'stream_options' },
    create('text', { text: { format: { type: 'text' }, verbosity: 'low' } }),
    create('json', { text: { format: { type: 'json_object' } } }),
    create('schema', {
      text: { format: { type: 'json_schema', name: 'n', schema: {}, description: 'd', strict: true } },
    }),
    create('prompt', { prompt: { id: 'greeting', version: '2', variables: { name: 'a', topic: text } } }),
    create('picture', { prompt: { id: 'picture', variables: { picture: image } } }),
    create('paper', { prompt: { id: 'picture', variables: { picture: file } } }),
    create('previous', { previous_response_id: response }),
    create('conversation', { conversation: { id: conversation } }),
    create('reference', { input: [{ type: 'item_reference', id: 'msg_kept' }] }),
    create('bare reference', { input: [{ id: 'msg_kept' }] }),
    create('compaction', { input: [compaction, { role: 'user', content: 'Hi' }, { type: 'compaction_trigger' }] }),
    create('managed', { context_management: [{ type: 'compaction', compact_threshold: 100_000 }] }),
    create('tools', { tools }),
    create('deferred', {
      tools: [
        { ...fn, defer_loading: true },
        { type: 'tool_search', execution: 'server' },
      ],
    }),
    ...choices.map((tool_choice, index) => ({
      ...create(`choice ${index}`, { tools, tool_choice }),
      only: 'tool_choice',
    })),
    create('server tool', { tools: [{ type: 'test_tool', label: 'bad-input' }] }),
    {
      ...create('hosted choice', { tools: [connector], tool_choice: { ...connector, name: 'add' } }),
      only: 'tool_choice',
    },
    create('messages', { input: messages }),
    create('approval', { input: approval }),
    ...calls.map(([name, ...items]) => create(name, { input: items })),
    {
      name: 'count',
      path: '/v1/responses/input_tokens',
      schema: look(CountRequest),
      body: { model: 'demo', input: 'Hi', conversation: { id: conversation }, text: { verbosity: 'low' } },
    },
    {
      name: 'compact',
      path: '/v1/responses/compact',
      schema: look(CompactRequest),
      body: { model: 'demo', input: 'Hi', reasoning: { effort: 'low' } },
    },
    {
      name: 'create',
      path: '/v1/conversations',
      schema: look(CreateConversation),
      body: { items: messages.slice(0, 2), metadata: { a: 'b' } },
    },
    { name: 'update', path: at, schema: look(UpdateConversation), body: { metadata: { a: 'b' } } },
    { name: 'add', path: `${at}/items`, schema: look(AddItems), body: { items: messages.slice(0, 2) } },
  ];
}
