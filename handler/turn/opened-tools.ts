import type { ItemEvent } from '../events/events.ts';
import { describe, log } from '../log.ts';
import type { ServerFunctions, ToolContext, ToolUse } from '../tools/tool.ts';
import type { OutputIndexes } from './output-indexes.ts';

/** The tools of a turn, and what they know of its request. */
export interface UsedTools {
  uses: readonly ToolUse[];
  toolContext: ToolContext;
}

/**
 * Opens the tools of a turn at the same time; yields their events, and returns what they have, in the order of `uses`. Each is in `open` as
 * soon as it is open, and has to be closed even if another one fails.
 */
export async function* openTools(
  { uses, toolContext }: UsedTools,
  open: ServerFunctions[],
  indexes: OutputIndexes,
  signal: AbortSignal,
): AsyncGenerator<ItemEvent, ServerFunctions[]> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const openOne = async function* ({ tool, config }: ToolUse): AsyncGenerator<ItemEvent, ServerFunctions> {
    const opened = yield* tool.open(config, either, toolContext);
    open.push(opened);
    return opened;
  };
  return yield* indexes.moveAll(uses.map(openOne), uses.length, () => stop.abort());
}

/** Closes tools at the same time. Never rejects: the turn has ended, however it has. */
export async function closeTools(open: readonly ServerFunctions[]): Promise<void> {
  const closed = await Promise.allSettled(open.map(async (tool) => tool.close?.()));
  for (const result of closed)
    if (result.status === 'rejected') log.warn('a tool was not closed', { error: describe(result.reason) });
}
