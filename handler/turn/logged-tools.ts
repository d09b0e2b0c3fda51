import { describe, log } from '../log.ts';
import { decorateAll } from '../tools/decorate.ts';
import type { ToolResult, ToolUse } from '../tools/tool.ts';
import { tenths } from './turn-summary.ts';

/** Tools whose calls are lines of the log: which, how long, and how they ended, without what was asked and answered. */
export function withLoggedTools(uses: readonly ToolUse[], requestId: string | undefined): ToolUse[] {
  return decorateAll(uses, {
    run: (run, { definition: { name } }, { type }) =>
      async function* (call, signal, context) {
        const begun = performance.now();
        let result: ToolResult | undefined;
        let failure: unknown;
        try {
          result = yield* run(call, signal, context);
          return result;
        } catch (error) {
          failure = error;
          throw error;
        } finally {
          const isCancelled = signal.aborted || (!result && failure === undefined);
          const outcome = result ? (result.failed ? 'failed' : 'completed') : isCancelled ? 'cancelled' : 'error';
          log.info('tool call', {
            request_id: requestId,
            tool: name,
            type,
            outcome,
            duration_ms: tenths(performance.now() - begun),
            ...(outcome === 'error' && { error: describe(failure) }),
          });
        }
      },
  });
}
