import type { ModelCall, Prepare, PreparedCall } from '../backend/backend.ts';
import type { ServerFunctions, ToolUse } from '../tools/tool.ts';
import { summaryCall } from './compact.ts';

/** What the calls of the model in a turn are made from. */
export interface TurnCalls {
  call: ModelCall;
  /** All the tools that its model may come to be offered in its course, where they are more than the call's. */
  most?: Pick<ModelCall, 'tools' | 'params'>;
  uses: readonly ToolUse[];
  /** Whether what was said is summed up first, or only that; and how many tokens the model holds, if it is known. */
  compaction?: { only: boolean; context: number | undefined };
}

/** The first call of the model in a turn, and what it is in its server's terms. */
export interface FirstCall {
  call: ModelCall;
  prepared: PreparedCall;
}

/**
 * Prepares the first call of a turn: that for a summary if the turn begins with one; undefined where tools have to be opened
 * for it. Throws an ApiError for what the model's server cannot carry of all that the turn may come to ask it, when nothing
 * has been sent or promised.
 */
export function prepareFirst(prepare: Prepare, { call, most, uses, compaction }: TurnCalls): FirstCall | undefined {
  const first = compaction ? summaryCall(call, compaction.context) : call;
  const opens = uses.length > 0 && !compaction;
  // Where more than the first call may be asked, that is prepared only to have it refused now: what a search may load, too.
  if (opens || most || (compaction && !compaction.only)) prepare({ ...call, ...most });
  return opens ? undefined : { call: first, prepared: prepare(first) };
}

/** The same where tools are opened for it, and closed again; what the client would see of that is dropped. */
export async function openFirst(prepare: Prepare, turn: TurnCalls, signal: AbortSignal): Promise<FirstCall> {
  const first = prepareFirst(prepare, turn);
  if (first) return first;
  const { call, uses } = turn;
  const opened: ServerFunctions[] = [];
  try {
    for (const { tool, config } of uses) {
      const events = tool.open(config, signal);
      let next = await events.next();
      while (!next.done) next = await events.next();
      opened.push(next.value);
    }
    const served = opened.flatMap(({ functions }) => functions.map(({ definition }) => definition));
    const whole = { ...call, tools: [...call.tools, ...served] };
    return { call: whole, prepared: prepare(whole) };
  } finally {
    for (const tool of opened) await tool.close?.();
  }
}
