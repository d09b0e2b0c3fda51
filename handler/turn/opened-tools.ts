import type { ItemEvent } from '../events/events.ts';
import { fixedLimits } from '../limits.ts';
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
 * soon as it is open, and has to be closed even if another one fails. `waits` is called before a tool is waited for.
 */
export async function* openTools(
  { uses, toolContext }: UsedTools,
  open: ServerFunctions[],
  indexes: OutputIndexes,
  waits: () => void,
  signal: AbortSignal,
): AsyncGenerator<ItemEvent, ServerFunctions[]> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const openOne = async function* ({ tool, config }: ToolUse): AsyncGenerator<ItemEvent, ServerFunctions> {
    const opened = yield* tool.open(config, either, toolContext);
    open.push(opened);
    return opened;
  };
  return yield* indexes.moveAll(uses.map(openOne), { atOnce: uses.length, waits, stop: () => stop.abort() });
}

/** Closes tools at the same time. Never rejects, and does not wait for one that takes long: the turn has ended, however it has. */
export async function closeTools(open: readonly ServerFunctions[]): Promise<void> {
  if (open.length === 0) return;
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    log.warn('a tool takes long to close, and is left');
    resolve();
  }, fixedLimits.toolEnding);
  const failed = (error: unknown) => log.warn('a tool was not closed', { error: describe(error) });
  await Promise.race([Promise.all(open.map(async (tool) => tool.close?.().catch(failed))), late]);
  clearTimeout(timer);
}
