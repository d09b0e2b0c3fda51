import { unreachable, wordOf } from '../errors.ts';
import type { ItemEvent } from '../events/events.ts';
import { foldOutput } from '../events/fold.ts';
import type { FunctionCall } from '../items/function.ts';
import type { OutputItem } from '../items/item.ts';
import { failedItem } from '../items/views.ts';
import type { Limits } from '../limits.ts';
import { decorateAll } from '../tools/decorate.ts';
import type { ServerFunction, ToolContext, ToolResult, ToolUse } from '../tools/tool.ts';
import { cutResult, cutText } from './cut-result.ts';
import { inTime, TooSlow } from './in-time.ts';

/** The limits of one call of a tool. */
export type ToolLimits = Pick<Limits, 'tool' | 'toolResult'>;

/**
 * The tools of a turn, bounded: what takes longer than `limits.tool` to open is unreachable, a call that does fails, so that the turn goes
 * on, and results are cut to `limits.toolResult`.
 */
export function boundedTools(uses: readonly ToolUse[], limits: ToolLimits): ToolUse[] {
  return decorateAll(uses, {
    open: (open, { type }) =>
      async function* (config, signal, context) {
        try {
          return yield* inTime(type, (own) => open(config, own, context), limits.tool, signal);
        } catch (error) {
          if (!(error instanceof TooSlow)) throw error;
          const which = wordOf(type) ?? 'of this request';
          throw unreachable(`The tool ${which} could not be opened ${within(limits)}.`, error);
        }
      },
    run:
      (run, _, { type }) =>
      (call, signal, context) =>
        boundedRun({ run, type, limits }, call, signal, context),
  });
}

function within({ tool }: ToolLimits): string {
  return `within ${tool / 1_000} s (\`limits.tool\` in the configuration)`;
}

async function* boundedRun(
  { run, type, limits }: { run: ServerFunction['run']; type: string; limits: ToolLimits },
  call: FunctionCall,
  signal: AbortSignal,
  context: ToolContext,
): AsyncGenerator<ItemEvent, ToolResult> {
  const events = inTime(type, (own) => run(call, own, context), limits.tool, signal);
  const shown = new ShownItems();
  let next: IteratorResult<ItemEvent, ToolResult> | undefined;
  try {
    for (next = await events.next(); !next.done; next = await events.next()) {
      const event = cut(next.value, limits.toolResult);
      shown.take(event);
      yield event;
    }
    const { value } = next;
    const output = cutResult(value.output, limits.toolResult);
    return output === value.output ? value : { ...value, output };
  } catch (error) {
    if (!(error instanceof TooSlow)) throw error;
    const why = `The call was ended: it did not return ${within(limits)}.`;
    yield* shown.failed(why, call);
    return { output: why, failed: true };
  } finally {
    if (next && !next.done) await events.return(undefined as never); // the reader has left; the value is seen by nobody
  }
}

/** The event with the output of its item cut, as the model reads it: later turns read the item. */
function cut(event: ItemEvent, max: number): ItemEvent {
  if (event.type !== 'response.output_item.done' || event.item.type !== 'mcp_call') return event;
  const { output } = event.item;
  return output === null ? event : { ...event, item: { ...event.item, output: cutText(output, max) } };
}

/** The items that a call has shown, by their places. */
class ShownItems {
  #output: OutputItem[] = [];
  readonly #open = new Set<number>();

  /** Takes in an event. */
  take(event: ItemEvent): void {
    this.#output = foldOutput(this.#output, event);
    if (event.type === 'response.output_item.added') this.#open.add(event.output_index);
    if (event.type === 'response.output_item.done') this.#open.delete(event.output_index);
  }

  /** The ends of those that have none. */
  *failed(why: string, call: FunctionCall): Generator<ItemEvent> {
    for (const output_index of this.#open) {
      const item = this.#output[output_index];
      if (item)
        yield {
          type: 'response.output_item.done',
          sequence_number: 0,
          output_index,
          item: failedItem(item, why, call),
        };
    }
  }
}
