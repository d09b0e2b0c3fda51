import type { ModelCall, Prepare, PreparedCall } from '../backend/backend.ts';
import type { Item } from '../items/item.ts';
import type { HostedChoice } from '../protocol/tools.ts';
import { resultOf } from '../tools/result-of.ts';
import type { ServerFunctions, ToolUse } from '../tools/tool.ts';
import { summaryCall } from './compact.ts';
import { closeTools, openTools, type UsedTools } from './opened-tools.ts';
import { OutputIndexes } from './output-indexes.ts';
import { ServedFunctions } from './served-functions.ts';

/** What a turn's model calls are made from. */
export interface TurnCalls extends UsedTools {
  call: ModelCall;
  /** The hosted tool that the client forces, which is no choice for a model: its functions are. */
  forced?: HostedChoice;
  /** All tools the turn may come to offer, if a search may load more than the call has. */
  allTools?: Pick<ModelCall, 'tools' | 'params'>;
  /** Set if the turn is a compaction, or ends with one `after` its answer. `context`: the model's, in tokens. */
  compaction?: { after: boolean; context: number | undefined };
}

/** A turn's first model call, and the same call prepared for its server. */
export interface FirstCall {
  call: ModelCall;
  prepared: PreparedCall;
}

/** A user message that any server takes as input or at its end: some require a user's last. */
export const PLACEHOLDER: Item = {
  type: 'message',
  id: 'msg_word',
  role: 'user',
  status: 'completed',
  content: [{ type: 'input_text', text: '?' }],
};

/**
 * Prepares the first call of a turn, which is the summary call if the turn is a compaction; undefined if
 * tools must be opened first. Throws an ApiError for anything the turn may come to send that its server cannot carry,
 * before anything is sent or promised.
 */
export function prepareFirst(
  prepare: Prepare,
  { call, allTools, uses, forced, compaction }: TurnCalls,
): FirstCall | undefined {
  const isSummary = compaction?.after === false;
  const first = isSummary ? summaryCall(call, compaction.context) : withKnown(call, uses, forced);
  // Later calls are prepared only so that they are refused now. For deferred tools that is done without the input.
  if (!first) prepare({ ...call, ...allTools });
  else if (allTools && !isSummary) prepare({ ...call, ...allTools, input: [PLACEHOLDER] });
  return first && { call: first, prepared: prepare(first) };
}

/** The same, opening and closing tools if that is needed. Their events are dropped. */
export async function openFirst(prepare: Prepare, turn: TurnCalls, signal: AbortSignal): Promise<FirstCall> {
  const first = prepareFirst(prepare, turn);
  if (first) return first;
  const open: ServerFunctions[] = [];
  try {
    const functions = new ServedFunctions();
    const opened = await resultOf(openTools(turn, open, new OutputIndexes(0), () => {}, signal));
    for (const [index, { functions: own }] of opened.entries()) functions.addOf(turn.uses[index], own);
    const call = functions.addTo(turn.call, turn.forced);
    return { call, prepared: prepare(call) };
  } finally {
    await closeTools(open);
  }
}

/** The call with all server functions; undefined if a tool must be opened before they are known. */
function withKnown(call: ModelCall, uses: readonly ToolUse[], forced: HostedChoice | undefined): ModelCall | undefined {
  const functions = new ServedFunctions();
  for (const use of uses) {
    const definitions = use.tool.definitions?.(use.config);
    if (!definitions) return undefined;
    functions.add(use, definitions);
  }
  return functions.addTo(call, forced);
}
