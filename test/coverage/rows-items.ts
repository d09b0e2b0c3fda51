import type { PromiseId } from '../promises/promise.ts';
import { type Entry, not, shown } from './entry.ts';

const INPUT = 'input items';
const LISTED = 'listed items';
const CONVERSATION = 'conversation items';
const EVERYWHERE = [INPUT, LISTED, CONVERSATION, 'output items'];
const A = 'surface.items-kept';
const B = 'surface.items-listed';
const KEPT = [A, B] as const;
const STATUS = 'status=in_progress|completed|incomplete';
const ACTIONS = 'click|double_click|drag|keypress|move|screenshot|scroll|type|wait';
const CALLERS = ['function_call', 'function_call_output', 'shell_call', 'shell_call_output', 'apply_patch_call'];
const MORE_CALLERS = ['apply_patch_call_output', 'custom_tool_call', 'custom_tool_call_output'];

/** Rows of items that are sent, and listed as they were: of a response's input, and of a conversation. */
function kept(kinds: string, names: string, ...more: readonly PromiseId[]): Entry[] {
  return [
    shown(INPUT, kinds, names, ...KEPT, ...more),
    shown(LISTED, kinds, names, B, ...more),
    shown(CONVERSATION, kinds, names, A, ...more),
  ];
}

/** The items that a request may hold, and what lists then hold of them. */
export const itemRows: readonly Entry[] = [
  ...kept('message', `. content:input_text|input_image|input_file|output_text|refusal ${STATUS} id`),
  ...kept('message', 'role=user|assistant|system|developer', 'input.roles'),
  ...kept('message', 'phase=commentary|final_answer', 'input.phase'),
  shown(CONVERSATION, 'message', 'role==unknown|critic|discriminator|tool', 'surface.never-listed'),
  shown(CONVERSATION, 'message', 'content::text|summary_text|reasoning_text', 'surface.never-listed'),
  shown(CONVERSATION, 'message', 'content::computer_screenshot', 'surface.never-listed'),
  shown('parts', 'text', 'text', 'surface.never-listed'),

  ...kept('function_call', `. arguments call_id name id async caller:direct namespace ${STATUS}`),
  ...kept('function_call_output', '. output:input_text|input_image|input_file id call_id'),
  ...kept('function_call_output', `caller:direct name namespace ${STATUS}`),
  ...kept('custom_tool_call', '. call_id input name id async caller:direct namespace'),
  shown(LISTED, ['custom_tool_call', 'custom_tool_call_output'], STATUS, B),
  ...kept('custom_tool_call_output', '. call_id output:input_text|input_image|input_file id caller:direct'),
  ...kept('local_shell_call', `. id action:exec call_id ${STATUS}`),
  shown('parts', 'exec', '. command env timeout_ms user working_directory', ...KEPT),
  ...kept('local_shell_call_output', `. id output ${STATUS}`),
  ...kept('shell_call', '. action action.commands action.max_output_length action.timeout_ms'),
  ...kept('shell_call', `call_id id caller:direct environment:local ${STATUS}`),
  ...kept('shell_call_output', '. call_id output output.outcome:timeout|exit output.stderr output.stdout'),
  ...kept('shell_call_output', `id caller:direct max_output_length ${STATUS}`),
  shown('parts', ['timeout', 'exit'], '.', ...KEPT),
  shown('parts', 'exit', 'exit_code', ...KEPT),
  ...kept('apply_patch_call', '. call_id operation:create_file|delete_file|update_file'),
  ...kept('apply_patch_call', 'status=in_progress|completed id caller:direct'),
  shown('parts', ['create_file', 'update_file'], '. diff path', ...KEPT),
  shown('parts', 'delete_file', '. path', ...KEPT),
  ...kept('apply_patch_call_output', '. call_id status=completed|failed id caller:direct output'),
  ...kept('computer_call', '. id call_id pending_safety_checks pending_safety_checks.id'),
  ...kept('computer_call', 'pending_safety_checks.code pending_safety_checks.message'),
  ...kept('computer_call', `${STATUS} action:${ACTIONS} actions:${ACTIONS}`),
  shown('parts', ACTIONS.split('|'), '.', ...KEPT),
  shown('parts', 'click', 'button=left|right|wheel|back|forward', ...KEPT),
  shown('parts', ['click', 'double_click', 'move', 'scroll'], 'x y keys', ...KEPT),
  shown('parts', 'drag', 'path path.x path.y keys', ...KEPT),
  shown('parts', 'keypress', 'keys', ...KEPT),
  shown('parts', 'scroll', 'scroll_x scroll_y', ...KEPT),
  shown('parts', 'type', 'text', ...KEPT),
  ...kept('computer_call_output', `. call_id output:computer_screenshot id ${STATUS}`),
  shown([LISTED, CONVERSATION], 'computer_call_output', 'status==failed', 'surface.never-listed'),
  ...kept('computer_call_output', 'acknowledged_safety_checks acknowledged_safety_checks.id'),
  ...kept('computer_call_output', 'acknowledged_safety_checks.code acknowledged_safety_checks.message'),
  ...kept('tool_search_call', `. arguments id call_id execution=server|client ${STATUS}`),
  ...kept('tool_search_output', `. id call_id execution=server|client ${STATUS}`),
  shown(INPUT, 'tool_search_output', 'tools:function|computer|computer_use_preview|local_shell|shell', ...KEPT),
  shown(INPUT, 'tool_search_output', 'tools:custom|namespace|tool_search|apply_patch', ...KEPT),
  shown(LISTED, 'tool_search_output', 'tools', B),
  shown(CONVERSATION, 'tool_search_output', 'tools', A),
  ...kept('additional_tools', '. id role=developer tools', 'client-tools.search-adds'),
  shown(LISTED, 'additional_tools', 'role==user|system', B),
  shown(CONVERSATION, 'additional_tools', 'role==user|system', A),
  shown(
    [LISTED, CONVERSATION],
    'additional_tools',
    'role==unknown|assistant|critic|discriminator|tool',
    'surface.never-listed',
  ),
  ...kept('configuration_update', '. id reasoning text text.format:text|json_schema'),
  ...kept('configuration_update', 'reasoning.effort=none|minimal|low|medium|high|xhigh|max'),
  ...kept('reasoning', `. id summary:summary_text content:reasoning_text encrypted_content ${STATUS}`),
  shown('parts', ['summary_text', 'reasoning_text'], '. text', ...KEPT),
  ...kept('mcp_call', '. id arguments name server_label approval_request_id output'),
  ...kept('mcp_call', 'error:mcp_protocol_error|mcp_tool_execution_error|http_error'),
  ...kept('mcp_call', `${STATUS}|calling|failed`),
  shown('parts', ['mcp_protocol_error', 'http_error'], '. code message', ...KEPT),
  shown('parts', 'mcp_tool_execution_error', '. content', ...KEPT),
  shown(INPUT, 'item_reference', '. id', 'reference.resolved', 'reference.unknown', 'reference.conversation'),

  shown('parts', 'input_text', '. text', ...KEPT),
  shown('parts', 'input_image', '. detail=low|high|auto|original image_url', ...KEPT, 'input.image'),
  shown('parts', 'input_file', '. detail=auto|low|high file_data file_url filename', ...KEPT, 'input.file'),
  shown('parts', 'computer_screenshot', '. image_url detail=low|high|auto|original', ...KEPT),
  shown(
    'parts',
    ['input_text', 'input_image', 'input_file', 'computer_screenshot'],
    'prompt_cache_breakpoint',
    ...KEPT,
  ),
  shown('parts', ['input_text', 'input_image', 'input_file'], 'prompt_cache_breakpoint.mode=explicit', ...KEPT),
  shown('parts', ['input_text', 'input_image', 'input_file'], 'prompt_cache_breakpoint.ttl=30m|12h', ...KEPT),
  shown('parts', 'computer_screenshot', 'prompt_cache_breakpoint.mode=explicit', ...KEPT),
  shown('parts', 'computer_screenshot', 'prompt_cache_breakpoint.ttl=30m|12h', ...KEPT),
  shown('parts', 'output_text', '. text annotations:url_citation|file_citation', ...KEPT),
  shown('parts', 'output_text', 'annotations:container_file_citation|file_path', ...KEPT),
  shown('parts', 'output_text', 'logprobs logprobs.token logprobs.bytes logprobs.logprob', ...KEPT),
  shown('parts', 'output_text', 'logprobs.top_logprobs logprobs.top_logprobs.token', ...KEPT),
  shown('parts', 'output_text', 'logprobs.top_logprobs.bytes logprobs.top_logprobs.logprob', ...KEPT),
  shown('parts', 'url_citation', '. end_index start_index title url', ...KEPT, 'loop.citations'),
  shown('parts', 'file_citation', '. file_id filename index', ...KEPT),
  shown('parts', 'container_file_citation', '. container_id end_index file_id filename start_index', ...KEPT),
  shown('parts', 'file_path', '. file_id index', ...KEPT),
  shown('parts', 'refusal', '. refusal', ...KEPT),
  shown('parts', 'direct', '.', ...KEPT),

  not('parts', ['input_image', 'input_file', 'computer_screenshot'], 'file_id', 'file-ids'),
  not(EVERYWHERE, [...CALLERS, ...MORE_CALLERS], 'caller::program', 'programmatic-tool-calling'),
  not('parts', '', 'program*', 'programmatic-tool-calling'),
  not(EVERYWHERE, '', 'program* program_output*', 'programmatic-tool-calling'),
  not(EVERYWHERE, 'shell_call', 'environment::container_reference', 'code-interpreter'),
  shown(EVERYWHERE.slice(0, 3), '', 'code_interpreter_call*', 'wire.hosted-history'),
  not(EVERYWHERE[3] ?? '', '', 'code_interpreter_call*', 'code-interpreter'),
  not(INPUT, 'tool_search_output', 'tools::code_interpreter', 'code-interpreter'),
  shown(EVERYWHERE.slice(0, 3), '', 'file_search_call*', 'wire.hosted-history'),
  not(EVERYWHERE[3] ?? '', '', 'file_search_call*', 'file-search'),
  not(INPUT, 'tool_search_output', 'tools::file_search', 'file-search'),
  shown(EVERYWHERE.slice(0, 3), '', 'web_search_call*', 'wire.hosted-history'),
  not(EVERYWHERE[3] ?? '', '', 'web_search_call*', 'web-search'),
  not(INPUT, 'tool_search_output', 'tools::web_search|web_search_2025_08_26|web_search_preview', 'web-search'),
  not(INPUT, 'tool_search_output', 'tools::web_search_preview_2025_03_11', 'web-search'),
  shown(EVERYWHERE.slice(0, 3), '', 'image_generation_call*', 'wire.hosted-history'),
  not(EVERYWHERE[3] ?? '', '', 'image_generation_call*', 'image-generation'),
  not(INPUT, 'tool_search_output', 'tools::image_generation', 'image-generation'),
  ...kept('mcp_list_tools', '. id server_label error tools tools.name tools.description', 'mcp-items.lists'),
  ...kept('mcp_list_tools', 'tools.input_schema tools.annotations', 'mcp-items.lists'),
  ...kept('mcp_approval_request', '. id server_label name arguments', 'mcp-items.pending'),
  ...kept('mcp_approval_response', '. id approval_request_id approve reason', 'mcp-items.refused'),
  not(EVERYWHERE[3] ?? '', '', 'mcp_list_tools* mcp_approval_request*', 'mcp'),
  not(INPUT, 'tool_search_output', 'tools::mcp', 'mcp'),
  not(INPUT, 'tool_search_output', 'tools::programmatic_tool_calling', 'programmatic-tool-calling'),
  shown(EVERYWHERE, '', 'compaction compaction.id compaction.encrypted_content', 'compaction.trigger', 'compact.input'),
  shown(EVERYWHERE.slice(1), '', 'compaction.created_by', 'surface.left-out'),
  shown(INPUT, '', 'compaction_trigger*', 'compaction.trigger', 'compaction.trigger-place'),
];
