import type { PromiseId } from '../promises/promise.ts';
import type { TopicId } from './not-supported.ts';

/** Something that is known of the API and stands in no type: a limit, a kind of error, an edge case. */
export interface Case {
  group: 'limits' | 'errors' | 'edge cases';
  says: string;
  by: readonly PromiseId[];
  not?: TopicId;
}

function limit(says: string, ...by: PromiseId[]): Case {
  return { group: 'limits', says, by };
}

function error(says: string, ...by: PromiseId[]): Case {
  return { group: 'errors', says, by };
}

function edge(says: string, ...by: PromiseId[]): Case {
  return { group: 'edge cases', says, by };
}

const L = 'surface.limits';
const STYLE = 'surface.error-style';

const limits: readonly Case[] = [
  limit('max_output_tokens is at least 16', L),
  limit('max_tool_calls is at least 1', L),
  limit('temperature is 0 to 2', L),
  limit('top_p is 0 to 1', L),
  limit('top_logprobs is 0 to 20', L),
  limit('metadata has at most 16 pairs, keys of 64 and values of 512 characters', L),
  limit('safety_identifier has at most 128 characters', L),
  limit('prompt_cache_key has at most 64 characters, where a server reads it', L, 'servers.cache-key'),
  limit('a text has at most 10,485,760 characters', 'body.long-text'),
  limit('an image_url has at most 20,971,520 characters', L),
  limit('file_data has at most 33,554,432 characters', 'surface.limits-told', 'body.too-large'),
  limit('a call_id has 1 to 64 characters', L),
  limit('a name of a function has 1 to 64 letters, digits, underscores or dashes', L),
  limit('allowed_tools names 1 to 128 tools', L),
  limit('items are added 20 at a time at most', 'conversation-items.bad', 'conversation.bad-items'),
  limit('a page has 1 to 100 items, 20 unless told', 'input-items.default-page', 'input-items.bad-query'),
  limit('the defaults of all parameters', 'create.text'),
  limit('input may be missing where there is something to go on from', 'chain.no-input', 'prompt.filled'),
  limit('stream_options is for streams alone', 'stream.options-alone'),
  limit('conversation and previous_response_id exclude each other', 'previous.with-conversation'),
  { group: 'limits', says: 'background needs store', by: ['background.store'] },
  { group: 'limits', says: 'generate: false on a WebSocket only warms up', by: ['websocket.warm-up'] },
];

const errors: readonly Case[] = [
  error('malformed JSON', 'error.malformed-json', STYLE),
  error('a missing nested field', 'validation.required', STYLE),
  error('a missing model', 'error.model-missing', STYLE),
  error('a value that is not one of those there are', 'validation.names-field', STYLE),
  error('a wrong type', 'validation.names-field', STYLE),
  error(
    'an unknown parameter is ignored, since real clients send some',
    'create.unknown-ignored',
    'input.unknown-members',
  ),
  error('an unknown model', 'error.model-unknown', 'backend.model-unknown', STYLE),
  error('an unknown previous_response_id', 'previous.unknown', STYLE),
  error('an unstored previous_response_id', 'previous.unstored'),
  error('GET or DELETE of an unknown response', 'stored.unknown'),
  error('a turn in an unknown conversation', 'conversation.unknown-turn', STYLE),
  error('a conversation that is busy', 'conversation-lock.second-turn'),
  error('conversation and previous_response_id together', 'previous.with-conversation', STYLE),
  error('an output without its call', 'calls.unknown', STYLE),
  error('a call without its output', 'calls.unanswered', STYLE),
  error('reasoning that nothing follows is taken', 'surface.reasoning-alone'),
  error('the id of an item twice', 'replay.id-twice', STYLE),
  error('the id of an item that is not stored', 'reference.unknown', STYLE),
  error('an input beyond the context', 'backend.overflow', 'backend.overflow-streamed'),
  error('a rate limit', 'backend.rate-limit'),
  error('a failure of the backend', 'backend.server-fault', 'backend.client-fault', 'error.backend-down', STYLE),
  error('a failure inside a stream: error, then response.failed', 'backend.breaks-at-once', 'backend.breaks-midway'),
  error('the error event is both flat and nested', 'error.nested-and-flat', 'client.stream-error'),
  error('a stream never ends without a terminal event', 'backend.breaks-midway', 'limit.turn', 'limit.idle-midway'),
  error('a reply in one piece that fails is no 200', 'backend.server-fault', 'native.failure', 'client.errors'),
  error('what trying again cannot mend says so', 'retry.never', 'retry.perhaps', 'client.no-retry'),
  error("errors: openai gives OpenAI's own statuses and codes", STYLE),
];

const edgeCases: readonly Case[] = [
  edge('1 a stored stream can be retrieved', 'stored.stream'),
  edge('2 the id of response.completed can be used at once', 'chain.at-once'),
  edge('3 an unstored response cannot be gone on from', 'previous.unstored', 'chain.unstored'),
  { group: 'edge cases', says: '4 over a WebSocket an unstored chain works', by: ['websocket.unstored'] },
  edge('5 store: false adds nothing to a conversation', 'conversation-turn.unstored'),
  edge('6 earlier instructions are not carried over', 'chain.instructions', 'conversation-turn.instructions'),
  edge('7 previous_response_id is never taken and ignored', 'chain.history', 'chain.streamed'),
  edge('8 conversation and previous_response_id are refused together', 'previous.with-conversation'),
  edge('9 two turns at once are never mixed', 'conversation-lock.second-turn', 'conversation-lock.simultaneous'),
  edge('10 output_text.done comes between the last delta and content_part.done', 'stream.text'),
  edge("11 the last item's done events come though nothing follows", 'stream.text', 'tools.stream'),
  edge('12 one id an item, from added to the output', 'surface.events', 'create.ids'),
  edge('13 MCP items keep their ids', 'surface.events', 'stored.tool-items', 'replay.tool-items'),
  edge('14 items are done in the order of the output', 'tools.parallel', 'tools.interleaved'),
  edge('15 sequence_number counts up without a gap', 'surface.events', 'loop.stream'),
  edge('16 output_index is the place in the output, on every event of an item', 'tools.parallel', 'surface.events'),
  edge('17 a text and then a call are two items, the message first', 'tools.text-first'),
  edge('18 a stream ends with one terminal event, also when the backend dies', 'backend.breaks-midway'),
  edge('19 a cut response is incomplete, and ends in response.incomplete', 'stream.length', 'create.length'),
  edge('20 the cut item itself is incomplete', 'stream.length', 'tools.cut', 'backend.cut-call'),
  edge(
    '21 output sent back with null or absent ids, statuses, annotations',
    'input.replay-without-ids',
    'replay.blank',
  ),
  edge('22 reasoning that says nothing is a no-op', 'input.empty-reasoning'),
  edge('23 an unknown call_id is 400 and named', 'calls.unknown'),
  edge('24 what is sent again is not doubled', 'replay.by-id', 'replay.call', 'replay.output', 'replay.id-twice'),
  edge('25 an omitted strict is echoed as a boolean and forces nothing', 'chat.strict', 'wire.strict-by-default'),
  edge(
    '26 a string output stays a string; parallel calls are one turn',
    'input.function-call',
    'input.parallel-calls',
    'history.pairs',
  ),
  edge(
    '27 inputs get stable ids; pages lose nothing',
    'input-items.ids',
    'input-items.pages',
    'conversation-items.pages',
  ),
  {
    group: 'edge cases',
    says: '28 GET with stream and starting_after',
    by: ['replay.after', 'replay.query', 'replay.no-log'],
  },
  edge('29 a client that leaves', 'leave.unstored', 'left.stored', 'left.unstored'),
  edge('30 a malformed body gives a small error', 'validation.small', 'validation.no-echo'),
  edge('31 broken arguments spoil no later turn', 'history.broken-arguments'),
  edge('32 signatures of calls go back', 'state.signature', 'state.signature-anywhere', 'state.rounds'),
  edge('33 opaque reasoning goes back', 'state.details'),
  edge('the code of an error event is a text that clients can read', 'backend.server-fault', 'client.stream-error'),
  edge('mcp_list_tools in the input are not listed again', 'mcp.list-in-context'),
  edge('an output may be an array of input parts', 'input.output-parts', 'surface.items-listed'),
];

/** Every case, by group. */
export const cases: readonly Case[] = [...limits, ...errors, ...edgeCases];
