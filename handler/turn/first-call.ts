import type { ModelCall } from '../backend/backend.ts';
import type { ServerFunctions } from '../tools/tool.ts';
import { summaryCall } from './compact.ts';
import type { Turn } from './turn.ts';

/**
 * The first call of the model in a turn: that for a summary if the turn begins with one, else one with the functions of its
 * server-side tools, which are opened for it and closed again. What the client would see of that is dropped.
 */
export async function firstCall(
  { call, uses, compaction }: Pick<Turn, 'call' | 'uses' | 'compaction'>,
  signal: AbortSignal,
): Promise<ModelCall> {
  if (compaction) return summaryCall(call, compaction.context);
  const opened: ServerFunctions[] = [];
  try {
    for (const { tool, config } of uses) {
      const events = tool.open(config, signal);
      let next = await events.next();
      while (!next.done) next = await events.next();
      opened.push(next.value);
    }
    const served = opened.flatMap(({ functions }) => functions.map(({ definition }) => definition));
    return served.length === 0 ? call : { ...call, tools: [...call.tools, ...served] };
  } finally {
    for (const tool of opened) await tool.close?.();
  }
}
