import { type Entry, not, shown } from './entry.ts';

const ALL = 'surface.tools';
const CALLERS = ['function', 'custom', 'shell', 'apply_patch', 'code_interpreter'];
const CONNECTORS =
  'dropbox|gmail|googlecalendar|googledrive|microsoftteams|outlookcalendar|outlookemail|sharepoint'.replace(
    /\w+/g,
    'connector_$&',
  );

/** The types of tool, and what they are made of. */
export const toolRows: readonly Entry[] = [
  shown('tools', 'function', '. name description parameters strict', ALL, 'chat.tools', 'chat.strict'),
  shown('tools', 'function', 'output_schema', ALL, 'items.foreign-servers'),
  shown('tools', 'custom', '. name description', ALL, 'custom-tool.call'),
  shown('tools', ['function', 'custom'], 'allowed_callers=direct', ALL, 'tools.programmatic'),
  shown('tools', ['function', 'custom'], 'async', ALL, 'tools.async'),
  shown('tools', ['function', 'custom'], 'defer_loading', ALL, 'tool-search.same-turn', 'tool-search.missing'),
  shown('tools', 'custom', 'format:text|grammar', ALL, 'custom-tool.grammar', 'native.custom-tool'),
  shown('parts', 'grammar', '. definition syntax=lark|regex', ALL),
  shown('tools', 'namespace', '. description name tools:function|custom', ALL, 'tools.namespace'),
  shown('tools', 'local_shell', '.', ALL, 'client-tools.round-trip'),
  shown('tools', 'shell', '. allowed_callers=direct environment:local', ALL, 'client-tools.round-trip'),
  shown('parts', 'local', '. skills skills.description skills.name skills.path', ALL),
  shown('tools', 'apply_patch', '. allowed_callers=direct', ALL, 'client-tools.round-trip'),
  shown('tools', 'computer', '.', ALL, 'client-tools.computer'),
  shown('tools', 'computer_use_preview', '. display_height display_width', ALL),
  shown('tools', 'computer_use_preview', 'environment=windows|mac|linux|ubuntu|browser', ALL),
  shown('tools', 'tool_search', '. description parameters execution', ALL),
  shown('tools', 'tool_search', 'execution==client', ALL, 'client-tools.round-trip', 'tool-search.client'),
  shown('tools', 'tool_search', 'execution==server', ALL, 'tool-search.same-turn', 'tool-search.native'),
  not('tools', CALLERS, 'allowed_callers==programmatic', 'programmatic-tool-calling'),
  not('tools', '', 'programmatic_tool_calling*', 'programmatic-tool-calling'),
  not('tools', '', 'file_search*', 'file-search'),
  not('parts', '', 'eq* ne* gt* gte* lt* lte* in* nin* and* or*', 'file-search'),
  not('tools', '', 'web_search* web_search_2025_08_26*', 'web-search'),
  not('tools', '', 'web_search_preview* web_search_preview_2025_03_11*', 'web-search'),
  not('parts', '', 'approximate* search* open_page* find_in_page* url*', 'web-search'),
  shown('tools', 'mcp', '. server_label server_url', 'mcp.stream', 'mcp.bad-input'),
  shown('tools', 'mcp', 'authorization headers', 'mcp.credentials'),
  shown('tools', 'mcp', 'allowed_tools allowed_tools.tool_names allowed_tools.read_only', 'mcp.allowed'),
  shown('tools', 'mcp', 'require_approval=always|never', 'mcp-approval.asks', 'mcp.stream'),
  shown('tools', 'mcp', 'require_approval.always require_approval.never', 'mcp-approval.per-tool'),
  shown(
    'tools',
    'mcp',
    'require_approval.always.read_only require_approval.always.tool_names',
    'mcp-approval.per-tool',
  ),
  shown('tools', 'mcp', 'require_approval.never.read_only require_approval.never.tool_names', 'mcp-approval.per-tool'),
  shown('tools', 'mcp', 'server_description', 'mcp.model-reads'),
  shown('tools', 'mcp', `connector_id=${CONNECTORS}`, 'mcp-connectors.used'),
  shown('tools', 'mcp', 'allowed_callers=direct', 'mcp.bad-input'),
  not('tools', 'mcp', 'allowed_callers==programmatic', 'programmatic-tool-calling'),
  not('tools', 'mcp', 'defer_loading tunnel_id', 'mcp'),
  not('tools', '', 'code_interpreter*', 'code-interpreter'),
  not('tools', 'shell', 'environment::container_auto|container_reference', 'code-interpreter'),
  not('parts', '', 'auto* disabled* allowlist* container_auto* container_reference*', 'code-interpreter'),
  not('parts', '', 'skill_reference* inline* base64* logs* image*', 'code-interpreter'),
  not('tools', '', 'image_generation*', 'image-generation'),
];
