import type { ModelCall, Prepare, PreparedCall } from '../backend/backend.ts';
import type { Item } from '../items/item.ts';
import type { ServerFunctions, ToolUse } from '../tools/tool.ts';
import { summaryCall } from './compact.ts';
import { ServedFunctions } from './served-functions.ts';

/** What the calls of the model in a turn are made from. */
export interface TurnCalls {
  call: ModelCall;
  /** All the tools that its model may come to be offered in its course, where they are more than the call's. */
  allTools?: Pick<ModelCall, 'tools' | 'params'>;
  uses: readonly ToolUse[];
  /** Whether what was said is summed up first, or only that; and how many tokens the model holds, if it is known. */
  compaction?: { only: boolean; context: number | undefined };
}

/** The first call of the model in a turn, and what it is in its server's terms. */
export interface FirstCall {
  call: ModelCall;
  prepared: PreparedCall;
}

/** What any server takes for an input, or at its end: some want a user to have the last word. */
export const PLACEHOLDER: Item = {
  type: 'message',
  id: 'msg_word',
  role: 'user',
  status: 'completed',
  content: [{ type: 'input_text', text: '?' }],
};

/**
 * Prepares the first call of a turn: that for a summary if the turn begins with one; undefined where tools have to be opened
 * for it. Throws an ApiError for what the model's server cannot carry of all that the turn may come to ask it, when nothing
 * has been sent or promised.
 */
export function prepareFirst(prepare: Prepare, { call, allTools, uses, compaction }: TurnCalls): FirstCall | undefined {
  const first = compaction ? summaryCall(call, compaction.context) : withKnown(call, uses);
  // What is asked later than in the first call is prepared only to have it refused now: of what a search may load, the tools.
  if (!first || (compaction && !compaction.only)) prepare({ ...call, ...allTools });
  else if (allTools && !compaction) prepare({ ...call, ...allTools, input: [PLACEHOLDER] });
  return first && { call: first, prepared: prepare(first) };
}

/** The same where tools are opened for it, and closed again; what the client would see of that is dropped. */
export async function openFirst(prepare: Prepare, turn: TurnCalls, signal: AbortSignal): Promise<FirstCall> {
  const first = prepareFirst(prepare, turn);
  if (first) return first;
  const openTools: ServerFunctions[] = [];
  try {
    const functions = new ServedFunctions();
    for (const { tool, config } of turn.uses) {
      const events = tool.open(config, signal);
      let next = await events.next();
      while (!next.done) next = await events.next();
      openTools.push(next.value);
      functions.add(
        tool.type,
        next.value.functions.map(({ definition }) => definition),
      );
    }
    const call = functions.addTo(turn.call);
    return { call, prepared: prepare(call) };
  } finally {
    for (const tool of openTools) await tool.close?.();
  }
}

/** The call with the functions of the server's tools; undefined where one is to be opened before they are known. */
function withKnown(call: ModelCall, uses: readonly ToolUse[]): ModelCall | undefined {
  const functions = new ServedFunctions();
  for (const { tool, config } of uses) {
    const definitions = tool.definitions?.(config);
    if (!definitions) return undefined;
    functions.add(tool.type, definitions);
  }
  return functions.addTo(call);
}
