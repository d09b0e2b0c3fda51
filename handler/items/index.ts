import { agent_message } from './agent-message.ts';
import { apply_patch_call, apply_patch_call_output } from './apply-patch.ts';
import { code_interpreter_call } from './code-interpreter.ts';
import { compaction } from './compaction.ts';
import { computer_call, computer_call_output } from './computer.ts';
import { custom_tool_call, custom_tool_call_output } from './custom.ts';
import { additional_tools, configuration_update } from './directives.ts';
import { file_search_call } from './file-search.ts';
import { function_call, function_call_output } from './function.ts';
import { image_generation_call } from './image-generation.ts';
import { local_shell_call, local_shell_call_output } from './local-shell.ts';
import { mcp_call } from './mcp.ts';
import { mcp_approval_request, mcp_approval_response } from './mcp-approval.ts';
import { mcp_list_tools } from './mcp-list-tools.ts';
import { message } from './message.ts';
import { reasoning } from './reasoning.ts';
import { shell_call, shell_call_output } from './shell.ts';
import { tool_search_call, tool_search_output } from './tool-search.ts';
import { web_search_call } from './web-search.ts';

/** Every type of item, in the order in which an error lists them. */
export const kinds = {
  message,
  function_call,
  function_call_output,
  reasoning,
  mcp_call,
  custom_tool_call,
  local_shell_call,
  shell_call,
  apply_patch_call,
  computer_call,
  tool_search_call,
  custom_tool_call_output,
  local_shell_call_output,
  shell_call_output,
  apply_patch_call_output,
  computer_call_output,
  tool_search_output,
  additional_tools,
  configuration_update,
  compaction,
  agent_message,
  web_search_call,
  file_search_call,
  code_interpreter_call,
  image_generation_call,
  mcp_list_tools,
  mcp_approval_request,
  mcp_approval_response,
};
