import { type Entry, not, shown } from './entry.ts';

const T = 'input_tokens';
const ALL = 'input-tokens.parameters';

/** What `POST /v1/responses/input_tokens` takes and answers. */
export const inputTokensRows: readonly Entry[] = [
  shown(T, '', 'conversation conversation.id previous_response_id', ALL, 'input-tokens.history'),
  shown(T, '', 'input instructions model parallel_tool_calls tools', ALL, 'input-tokens.chat'),
  shown(T, '', 'reasoning reasoning.effort=none|minimal|low|medium|high|xhigh|max', ALL),
  shown(T, '', 'reasoning.summary=auto|concise|detailed reasoning.generate_summary=auto|concise|detailed', ALL),
  shown(T, '', 'reasoning.context=auto|current_turn|all_turns reasoning.mode=standard|pro', ALL),
  shown(T, '', 'text text.format:text|json_schema|json_object text.verbosity=low|medium|high', ALL),
  shown(T, '', 'truncation=auto|disabled', ALL),
  shown(T, '', 'tool_choice=none|auto|required tool_choice:allowed_tools|function|custom', ALL),
  shown(T, '', 'tool_choice:computer|computer_use_preview|computer_use|apply_patch|shell', ALL),
  not(T, '', 'tool_choice::file_search', 'file-search'),
  not(T, '', 'tool_choice::web_search_preview|web_search_preview_2025_03_11', 'web-search'),
  not(T, '', 'tool_choice::image_generation', 'image-generation'),
  not(T, '', 'tool_choice::code_interpreter', 'code-interpreter'),
  shown(T, '', 'tool_choice::mcp', 'mcp.choice'),
  not(T, '', 'tool_choice::programmatic_tool_calling', 'programmatic-tool-calling'),
  shown(T, '', 'personality*', 'input-tokens.personality'),
  shown(T, '', 'input_tokens object=response.input_tokens', ALL, 'input-tokens.client'),
];
