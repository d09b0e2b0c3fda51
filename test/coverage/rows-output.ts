import { type Entry, not, shown } from './entry.ts';

const OUT = 'output items';
const MADE = 'surface.output-items';
const STATUS = 'status=in_progress|completed|incomplete';
const ACTIONS = 'click|double_click|drag|keypress|move|screenshot|scroll|type|wait';
/** What a client answers or sets is input: it is listed there, and in no output. */
const ANSWERS = ['function_call_output', 'custom_tool_call_output', 'shell_call_output', 'apply_patch_call_output'];
const MORE_ANSWERS = ['computer_call_output', 'local_shell_call_output', 'additional_tools', 'mcp_approval_response'];
const LISTS = ['listed items', 'conversation items', OUT];
const CREATED_BY = ['function_call_output', 'computer_call_output', 'tool_search_call', 'tool_search_output'];
const ALSO_CREATED_BY = ['shell_call', 'shell_call_output', 'apply_patch_call', 'apply_patch_call_output'];

/** The items of a response's output. */
export const outputRows: readonly Entry[] = [
  shown(OUT, 'message', `. id content:output_text|refusal role=assistant ${STATUS}`, MADE, 'create.text'),
  shown(OUT, 'message', 'phase=commentary|final_answer', MADE, 'native.members'),
  shown(OUT, 'function_call', `. arguments call_id name id namespace ${STATUS}`, MADE, 'tools.stream'),
  shown(OUT, 'function_call', 'async caller:direct', MADE, 'native.members'),
  shown(OUT, 'custom_tool_call', '. call_id input name id namespace', MADE, 'custom-tool.call'),
  shown(OUT, 'custom_tool_call', 'async caller:direct', MADE),
  shown(OUT, ['shell_call', 'apply_patch_call'], 'caller:direct', MADE),
  shown(OUT, 'reasoning', `. id summary:summary_text content:reasoning_text encrypted_content ${STATUS}`, MADE),
  shown(OUT, 'computer_call', '. id call_id pending_safety_checks pending_safety_checks.id', MADE),
  shown(OUT, 'computer_call', 'pending_safety_checks.code pending_safety_checks.message', MADE),
  shown(OUT, 'computer_call', `${STATUS} action:${ACTIONS} actions:${ACTIONS}`, MADE, 'client-tools.computer'),
  shown(OUT, 'tool_search_call', `. id arguments call_id execution=client|server ${STATUS}`, MADE),
  shown(OUT, 'tool_search_output', '. id call_id execution=server tools', MADE, 'tool-search.same-turn'),
  shown(OUT, 'tool_search_output', 'status=in_progress|completed', MADE),
  shown(OUT, 'tool_search_output', 'execution==client', 'surface.answers-are-input'),
  shown(OUT, 'tool_search_output', 'status==incomplete', 'surface.left-out'),
  shown(OUT, 'local_shell_call', `. id action:exec call_id ${STATUS}`, MADE, 'client-tools.round-trip'),
  shown(OUT, 'shell_call', `. id action action.commands action.max_output_length action.timeout_ms`, MADE),
  shown(OUT, 'shell_call', `call_id environment:local ${STATUS}`, MADE, 'client-tools.round-trip'),
  shown(OUT, 'apply_patch_call', '. id call_id operation:create_file|delete_file|update_file', MADE),
  shown(OUT, 'apply_patch_call', 'status=in_progress|completed', MADE, 'client-tools.round-trip'),
  shown(OUT, 'mcp_call', '. id arguments name server_label output approval_request_id', MADE, 'loop.result'),
  shown(OUT, 'mcp_call', 'error:mcp_protocol_error|mcp_tool_execution_error|http_error', MADE),
  shown(OUT, 'mcp_call', STATUS, MADE),
  shown(OUT, 'mcp_call', 'status==failed', 'mcp.failed'),
  not(OUT, 'mcp_call', 'status==calling', 'mcp'),

  shown(LISTS, [...CREATED_BY, ...ALSO_CREATED_BY], 'created_by', 'surface.left-out'),
  shown(LISTS.slice(0, 2), ['function_call'], 'created_by', 'surface.left-out'),
  shown(LISTS[0] ?? '', ['custom_tool_call', 'custom_tool_call_output'], 'created_by', 'surface.left-out'),
  shown(LISTS, 'shell_call_output', 'output.created_by', 'surface.left-out'),

  shown(OUT, [...ANSWERS, ...MORE_ANSWERS], '*', 'surface.answers-are-input'),
];
