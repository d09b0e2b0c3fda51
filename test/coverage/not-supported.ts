import { choice, item, part, type Refused, refused, tool } from './refused.ts';

/** Something of the API that is not there. */
export interface Topic {
  title: string;
  /** `never`, or until it has work of its own (`later`). */
  until: 'never' | 'later';
  refused: readonly Refused[];
  /** Types of event that are never sent. */
  events?: readonly string[];
  /** What a client may send or read all the same, and what comes of it. */
  silent?: readonly [what: string, says: string][];
}

function progress(call: string, ...states: string[]): string[] {
  return states.map((state) => `response.${call}.${state}`);
}

/** Hosted tools that are left out of requests, unless the configuration says otherwise. */
function leftOut(...types: string[]): [string, string] {
  const names = types.map((type) => `\`${type}\``).join(', ');
  return [`${names} in \`tools\``, 'left out, and named in `x-antiphon-dropped-tools`'];
}

const mcp = { type: 'mcp', server_label: 's', server_url: 'https://mcp.test/' };
const program = { type: 'program', caller_id: 'call_1' };

/** Everything of the official types that is not there, by topic. */
export const topics = {
  audio: {
    title: 'Audio',
    until: 'never',
    refused: [part('`input_audio` in a message', { type: 'input_audio', input_audio: {} }, 'type')],
    events: [...progress('audio', 'delta', 'done'), ...progress('audio.transcript', 'delta', 'done')],
  },
  'image-generation': {
    title: 'Image generation without `hosted.image_generation`',
    until: 'never',
    refused: [refused('`image`', { image: { context_compression: 'enabled' } }, 'image'), choice('image_generation')],
    events: progress('image_generation_call', 'in_progress', 'generating', 'partial_image', 'completed'),
    silent: [leftOut('image_generation'), ['`image`, `tool_usage.image_gen` of a response', 'absent']],
  },
  moderation: {
    title: 'Moderation',
    until: 'never',
    refused: [refused('`moderation`', { moderation: { model: 'omni-moderation-latest' } }, 'moderation')],
    silent: [
      ['`moderation` of a response', '`null`'],
      ['`error.misalignment` of a response', 'absent'],
    ],
  },
  'programmatic-tool-calling': {
    title: 'Programmatic tool calling',
    until: 'never',
    refused: [
      tool('programmatic_tool_calling'),
      choice('programmatic_tool_calling'),
      item('program', { id: 'p_1', call_id: 'call_1', code: '', fingerprint: '' }),
      item('program_output', { id: 'po_1', call_id: 'call_1', result: '', status: 'completed' }),
      refused(
        '`programmatic` in `allowed_callers` of a tool',
        { tools: [{ type: 'function', name: 'f', allowed_callers: ['direct', 'programmatic'] }] },
        'tools[0].allowed_callers[1]',
      ),
      refused(
        'a `caller` of type `program` in a call or its output',
        { input: [{ type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}', caller: program }] },
        'input[0].caller.type',
      ),
    ],
  },
  'access-programs': {
    title: 'Access programs',
    until: 'never',
    refused: [refused('`access_programs`', { access_programs: { cyber: 'standard' } }, 'access_programs')],
    silent: [['`access_programs` of a response', '`null`']],
  },
  'file-ids': {
    title: 'File ids',
    until: 'later',
    refused: [
      part('`file_id` of an `input_image`', { type: 'input_image', file_id: 'file_1' }, 'file_id'),
      part('`file_id` of an `input_file`', { type: 'input_file', file_id: 'file_1' }, 'file_id'),
      refused(
        '`file_id` of a `computer_screenshot`',
        {
          input: [
            { type: 'computer_call_output', call_id: 'c', output: { type: 'computer_screenshot', file_id: 'file_1' } },
          ],
        },
        'input[0].output.file_id',
      ),
    ],
  },
  'file-search': {
    title: 'File search without `hosted.file_search`',
    until: 'later',
    refused: [tool('file_search', { vector_store_ids: ['vs_1'] }), choice('file_search')],
    events: progress('file_search_call', 'in_progress', 'searching', 'completed'),
    silent: [['`file_search_call.results` in `include`', 'taken, and adds nothing']],
  },
  'web-search': {
    title: 'Web search without `hosted.web_search`',
    until: 'later',
    refused: [choice('web_search'), choice('web_search_preview'), choice('web_search_preview_2025_03_11')],
    events: progress('web_search_call', 'in_progress', 'searching', 'completed'),
    silent: [
      leftOut('web_search', 'web_search_2025_08_26', 'web_search_preview', 'web_search_preview_2025_03_11'),
      ['`web_search_call.results`, `web_search_call.action.sources` in `include`', 'taken, and adds nothing'],
      ['`tool_usage.web_search` of a response', 'absent'],
    ],
  },
  mcp: {
    title: 'MCP servers',
    until: 'later',
    refused: [
      refused(
        '`defer_loading: true` of an `mcp`',
        { tools: [{ ...mcp, defer_loading: true }] },
        'tools[0].defer_loading',
        'must not be true: the tools of an MCP server are listed at once',
      ),
      refused('`tunnel_id` of an `mcp`', { tools: [{ ...mcp, tunnel_id: 't' }] }, 'tools[0].tunnel_id'),
    ],
    silent: [['the status `calling` of an `mcp_call` in an output', 'no call has it']],
  },
  'code-interpreter': {
    title: 'Containers, and a code interpreter without `hosted.code_interpreter`',
    until: 'later',
    refused: [
      tool('code_interpreter', { container: { type: 'auto' } }),
      choice('code_interpreter'),
      ...[{ type: 'container_auto' }, { type: 'container_reference', container_id: 'cntr_1' }].map((environment) =>
        refused(
          `a \`shell\` in an environment of type \`${environment.type}\``,
          { tools: [{ type: 'shell', environment }] },
          'tools[0].environment.type',
        ),
      ),
      refused(
        'a `shell_call` in an environment of type `container_reference`',
        {
          input: [
            {
              type: 'shell_call',
              call_id: 'c',
              action: { commands: [] },
              environment: { type: 'container_reference', container_id: 'cntr_1' },
            },
          ],
        },
        'input[0].environment.type',
      ),
    ],
    events: [
      ...progress('code_interpreter_call', 'in_progress', 'interpreting', 'completed'),
      ...progress('code_interpreter_call_code', 'delta', 'done'),
      ...progress('shell_call_output_content', 'delta', 'done'),
    ],
    silent: [['`code_interpreter_call.outputs` in `include`', 'taken, and adds nothing']],
  },
  websocket: {
    title: 'Over a WebSocket',
    until: 'never',
    refused: [],
    silent: [
      ['`background` in a `response.create`', '422, as an event'],
      ['`response.steer`', '`response.steer.failed`, with the code `steering_not_supported`'],
      ['the reason `steered` of an incomplete response', 'no response has it'],
      ['events: `response.queued`, `response.steer.accepted`, `response.steer.pending`', 'never sent'],
    ],
  },
} as const satisfies Record<string, Topic>;

/** A topic of what is not supported. */
export type TopicId = keyof typeof topics;
