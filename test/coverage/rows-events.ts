import { type Entry, not, shown } from './entry.ts';
import { type Topic, type TopicId, topics } from './not-supported.ts';

const E = 'events';
const SENT = 'surface.events';
const ITEM = '. item_id output_index sequence_number';
const PART = `${ITEM} content_index`;
const SUMMARY = `${ITEM} summary_index`;
const LOGPROBS =
  'logprobs logprobs.token logprobs.logprob logprobs.top_logprobs logprobs.top_logprobs.token logprobs.top_logprobs.logprob';
const of = (prefix: string, ...ends: string[]) => ends.map((end) => `response.${prefix}.${end}`);
const CITED = of('output_text.annotation', 'added');
const lifecycle = ['created', 'in_progress', 'completed', 'failed', 'incomplete'].map((end) => `response.${end}`);

/** Types of event that are never sent, by their topics. */
const never = Object.entries<Topic>(topics).flatMap(
  ([topic, { events = [] }]) => events.map((type) => not(E, '', `${type}*`, topic as TopicId)), // the keys are its ids
);

/** The events of a stream. */
export const eventRows: readonly Entry[] = [
  shown(E, lifecycle, '. response sequence_number', SENT, 'stream.snapshots'),
  shown(E, 'response.compaction.compacting', '. item_id output_index sequence_number', 'compaction.trigger'),
  shown(E, 'response.queued', '. response sequence_number', 'background.stream'),
  shown(E, 'error', '. code message param sequence_number', SENT, 'error.nested-and-flat'),
  shown(E, of('output_item', 'added', 'done'), '. item output_index sequence_number', SENT, 'stream.text'),
  shown(E, of('content_part', 'added', 'done'), `${PART} part:output_text|refusal|reasoning_text`, SENT),
  shown(E, of('output_text', 'delta'), `${PART} delta ${LOGPROBS}`, SENT, 'stream.text'),
  shown(E, of('output_text', 'done'), `${PART} text ${LOGPROBS}`, SENT, 'stream.text'),
  shown(E, CITED, `${PART} annotation_index annotation:url_citation`, 'surface.tool-events', 'loop.citations'),
  shown(E, CITED, 'annotation:url_citation', 'native.citations', 'chat.citations'),
  shown(E, CITED, 'annotation::file_citation|container_file_citation|file_path', 'native.citations'),
  shown(E, of('refusal', 'delta'), `${PART} delta`, SENT, 'stream.refusal'),
  shown(E, of('refusal', 'done'), `${PART} refusal`, SENT, 'stream.refusal'),
  shown(E, of('reasoning_text', 'delta'), `${PART} delta`, SENT, 'stream.reasoning'),
  shown(E, of('reasoning_text', 'done'), `${PART} text`, SENT, 'stream.reasoning'),
  shown(E, of('reasoning_summary_part', 'added', 'done'), `${SUMMARY} part:summary_text`, SENT, 'native.reasoning'),
  shown(E, of('reasoning_summary_part', 'done'), 'status=incomplete', SENT, 'reasoning.summary-cut'),
  shown(E, of('reasoning_summary_text', 'delta'), `${SUMMARY} delta`, SENT, 'native.reasoning'),
  shown(E, of('reasoning_summary_text', 'done'), `${SUMMARY} text`, SENT, 'native.reasoning'),
  shown(E, of('function_call_arguments', 'delta'), `${ITEM} delta`, SENT, 'tools.stream'),
  shown(E, of('function_call_arguments', 'done'), `${ITEM} arguments`, SENT, 'tools.stream'),
  shown(E, of('custom_tool_call_input', 'delta'), `${ITEM} delta`, SENT, 'custom-tool.call'),
  shown(E, of('custom_tool_call_input', 'done'), `${ITEM} input`, SENT, 'custom-tool.call'),
  shown(
    E,
    of('shell_call_command', 'added', 'done'),
    '. command command_index output_index sequence_number',
    SENT,
    'client-tools.shell-events',
  ),
  shown(E, of('shell_call_command', 'delta'), '. command_index delta output_index sequence_number obfuscation', SENT),
  shown(E, of('mcp_call', 'in_progress', 'completed', 'failed'), ITEM, SENT, 'loop.stream'),
  shown(E, of('mcp_list_tools', 'in_progress', 'completed'), ITEM, 'mcp.stream'),
  shown(E, of('mcp_list_tools', 'failed'), ITEM, 'mcp.not-listed-events'),
  shown(E, of('mcp_call_arguments', 'delta'), `${ITEM} delta`, SENT),
  shown(E, of('mcp_call_arguments', 'done'), `${ITEM} arguments`, SENT, 'loop.stream'),
  ...never,
];
