import type { BackendEvent } from '../backend/backend.ts';
import { ApiError, missing, whyAborted } from '../errors.ts';
import { beforeTurn } from '../hooks/before.ts';
import { newId } from '../ids.ts';
import type { CompactedResponse, CompactRequest } from '../protocol/compact.ts';
import { NO_USAGE, type Usage } from '../protocol/response.ts';
import { writeCharge } from '../state/charges.ts';
import { previousNotFound } from '../state/history.ts';
import { getResponse } from '../state/responses.ts';
import { chargeOf } from '../turn/charge-of.ts';
import { compact, summaryCall } from '../turn/compact.ts';
import type { TurnSummary } from '../turn/turn-summary.ts';
import { countDelta, countUsage } from '../turn/turn-tokens.ts';
import { admitTurn } from './admit.ts';
import type { RequestContext } from './context.ts';
import { takePlace } from './place.ts';
import { planRequest } from './plan.ts';
import type { Services } from './services.ts';
import { turnReport } from './turn-report.ts';

/**
 * Compacts a conversation with one model call, and says what is left of the limits that hold for it, as headers. Nothing is stored: the
 * client continues from the output. Throws an ApiError.
 */
export async function compactConversation(
  services: Services,
  ctx: RequestContext,
  given: CompactRequest,
): Promise<{ compacted: CompactedResponse; rateLimits: Readonly<Record<string, string>> | undefined }> {
  const request = await beforeTurn(services, ctx.caller, given);
  const model = request.model ?? (await modelOfPrevious(ctx, request));
  ctx.log.model = model;
  const resolved = { ...request, model, prompted: 0, compacts: true, store: false };
  const { prepare, turn, summary } = await planRequest(services, ctx, resolved);
  const { call, modelItems, compaction } = turn;
  const users = modelItems.filter((item) => item.type === 'message' && item.role === 'user');

  const charge = chargeOf(ctx.store, ctx.caller, summary, 'compaction');
  const id = newId('resp');
  let isCharged = charge === undefined;
  const end = async (status: 'completed' | 'failed', usage: Usage | null) => {
    if (!charge || isCharged) return;
    isCharged = true;
    await writeCharge(ctx.store, charge({ id, status, usage }, 0));
  };
  const admission = await admitTurn(services, ctx.caller, summary);
  const { bounds, leave } = await takePlace(services, ctx).catch(async (error) => {
    await admission?.undo();
    throw error;
  });
  try {
    ctx.ingress.report?.(turnReport(summary, false, ctx.log.attributes?.for('metadata')));
    bounds.waiting(true);
    const summing = prepare(summaryCall(call, compaction?.context)).stream(bounds.signal);
    const events = compact(counted(summing, summary), call.input, services.seal(ctx.store.tenant));
    for (;;) {
      const next = await events.next();
      bounds.waiting(true);
      if (!next.done) continue;
      const { item, usage } = next.value;
      await end('completed', usage);
      if (usage) countUsage(summary, usage, true);
      summary.finish = 'stop';
      const compacted = {
        id,
        object: 'response.compaction' as const,
        created_at: Math.floor(Date.now() / 1000),
        output: [...users, item],
        usage: usage ?? NO_USAGE, // the type knows no null: what a backend does not count
      };
      return { compacted, rateLimits: admission?.headers() };
    }
  } catch (error) {
    if (summary.usage !== null || summary.deltas > 0) await end('failed', null);
    throw bounds.signal.aborted ? whyAborted(bounds.signal) : error;
  } finally {
    leave();
    // Of a call that failed nobody knows what its server has read.
    await (summary.finish || bounds.signal.aborted ? admission?.end(summary) : admission?.refused());
  }
}

/** The same events, of which a summary knows what they used so far. */
async function* counted(events: AsyncIterable<BackendEvent>, summary: TurnSummary): AsyncGenerator<BackendEvent, void> {
  for await (const event of events) {
    if (event.type === 'finish' && event.usage) countUsage(summary, event.usage, true);
    else if ('delta' in event && typeof event.delta === 'string') countDelta(summary, event.delta);
    yield event;
  }
}

async function modelOfPrevious({ store }: RequestContext, request: CompactRequest): Promise<string> {
  if (request.previous_response_id == null) throw missing('model');
  try {
    return (await getResponse(store, request.previous_response_id)).model;
  } catch (error) {
    throw error instanceof ApiError && error.kind === 'not_found' ? previousNotFound() : error;
  }
}
