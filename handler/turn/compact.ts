import type { BackendEvent, Finish, KeepAlive, ModelCall } from '../backend/backend.ts';
import { ApiError, unsupported } from '../errors.ts';
import type { ItemEvent } from '../events/events.ts';
import type { Compaction } from '../items/compaction.ts';
import { type Item, newItemId } from '../items/item.ts';
import type { Message } from '../items/message.ts';
import type { CreateRequest } from '../protocol/request.ts';
import type { Usage } from '../protocol/response.ts';
import type { Seal } from '../seal.ts';
import { summaryItems, summaryOf } from './compaction.ts';
import { estimateTokens } from './estimate.ts';
import { roomFor, truncate } from './truncate.ts';
import { countDelta, type SaidCount } from './turn-tokens.ts';

/** The instructions of the model call that writes a summary. */
const INSTRUCTIONS = [
  'You are compacting a conversation between a user and an assistant that has grown too long. Write down all that the',
  'assistant needs in order to go on: what the user wants, in the words of the user, with every constraint and preference;',
  'what was decided and why; what was done and what came of it, calls of tools and their results included; names, paths,',
  'numbers, code and quotations that will be needed again, letter by letter; what is open, and what comes next. Leave out',
  'greetings, repetition and what has been superseded. Write plain text, and nothing else.',
].join(' ');

const REQUEST = 'Now write the summary of everything above.';

/** The longest summary, in characters: some 250,000 tokens, more than any model writes. */
const MAX_SUMMARY = 1024 * 1024;

/** The result of a compaction. */
export interface CompactionResult {
  item: Compaction;
  /** The messages the model reads in place of the item. */
  replacement: Message[];
  usage: Usage | null;
}

/** What a model has said for a summary so far: also of one that fails. */
export interface SummarySaid extends SaidCount {
  /** As its server counts it, once it has. */
  usage: Usage | null;
}

/**
 * The compaction item with the sealed text that a model streams for a `summaryCall`, in place of `items`;
 * `output_index` 0. Throws an ApiError if the summary is incomplete. `said` is kept up to date.
 */
export async function* compact(
  summing: AsyncIterable<BackendEvent>,
  items: readonly Item[],
  seal: Seal,
  said: SummarySaid = { usage: null, deltas: 0, characters: 0 },
): AsyncGenerator<ItemEvent | KeepAlive, CompactionResult> {
  const id = newItemId('compaction');
  const position = { sequence_number: 0, output_index: 0 };
  let text = '';
  let finish: Finish | undefined;
  let hasBegun = false;
  for await (const event of summing) {
    // Nothing is shown of a call that its server refuses.
    if (!hasBegun)
      yield {
        type: 'response.output_item.added',
        ...position,
        item: { type: 'compaction', id, encrypted_content: '' },
      };
    hasBegun = true;
    if (event.type === 'finish') {
      finish = event;
      said.usage = event.usage;
    }
    if (event.type === 'keep_alive') yield event;
    if ('delta' in event && typeof event.delta === 'string') countDelta(said, event.delta);
    if (event.type === 'response.output_text.delta') text += event.delta;
    if (text.length > MAX_SUMMARY) throw unfinished();
    // Thinking counts as progress too: it may take long, and no event would look like silence.
    if ('delta' in event) yield { type: 'response.compaction.compacting', ...position, item_id: id };
  }
  if (finish?.reason !== 'stop' || text.trim() === '') throw unfinished();
  const summary = summaryOf(items, text);
  const item: Compaction = {
    type: 'compaction',
    id,
    encrypted_content: await seal.seal('compaction', JSON.stringify(summary)),
  };
  yield { type: 'response.output_item.done', ...position, item };
  return { item, replacement: summaryItems(id, summary), usage: finish.usage };
}

function unfinished(): ApiError {
  const message = 'The model did not come to the end of a summary, so the conversation was not compacted.';
  return new ApiError('server', message);
}

/** The model call that summarizes the input of `call`. The oldest items are dropped where it would not fit. */
export function summaryCall(call: ModelCall, context: number | undefined): ModelCall {
  const request: Message = {
    type: 'message',
    id: newItemId('message'),
    role: 'user',
    status: 'completed',
    content: [{ type: 'input_text', text: REQUEST }],
  };
  const instructions = call.instructions
    ? `${INSTRUCTIONS}\n\nThe assistant's own instructions, for you to know:\n${call.instructions}`
    : INSTRUCTIONS;
  const { tools } = call;
  // Truncated before the request is added: the last item always stays, so that an overflow is an error and no silent
  // loss.
  const room = context === undefined ? undefined : roomFor({ instructions, tools }, context, null);
  return {
    ...call,
    instructions,
    input: [...truncate(call.input, room), request],
    // The tools stay, since some servers refuse tool calls in the input without them.
    tool_choice: 'none',
    text: { format: { type: 'text' }, verbosity: null },
    top_logprobs: null,
    max_output_tokens: null,
  };
}

/** The default compact_threshold, as a part of the model's context. */
const COMPACT_AT = 0.8;

/**
 * The compaction of a turn: alone, on request; or because its input is above compact_threshold, and then `after` its
 * answer, as at OpenAI. Throws an ApiError.
 */
export function planCompaction(
  { compacts, context_management }: Pick<CreateRequest, 'context_management'> & { compacts?: boolean },
  call: ModelCall,
  context: number | undefined,
): { after: boolean; context: number | undefined } | undefined {
  if (compacts) {
    if (call.input.length > 0) return { after: false, context };
    throw new ApiError('invalid_value', 'input has nothing that could be compacted', { param: 'input' });
  }
  for (const [index, { compact_threshold }] of (context_management ?? []).entries()) {
    const param = `context_management[${index}].compact_threshold`;
    const threshold = compact_threshold ?? (context && context * COMPACT_AT);
    if (threshold === undefined)
      throw unsupported(
        param,
        'is needed, since the context of the model is neither configured (`context` of its entry in `models`) nor told by its server',
      );
    if (estimateTokens(call) > threshold) return { after: true, context };
  }
  return undefined;
}
