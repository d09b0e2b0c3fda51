import type { ModelCall } from '../backend/backend.ts';
import { follow } from '../background/follow.ts';
import { queuedProgress } from '../background/progress.ts';
import { terminate } from '../background/terminate.ts';
import { type Caller, DEFAULT_TENANT } from '../caller.ts';
import { placeLimit } from '../caller-count.ts';
import { ApiError } from '../errors.ts';
import { withObfuscation } from '../events/obfuscate.ts';
import type { CreateRequest } from '../protocol/request.ts';
import type { Response } from '../protocol/response.ts';
import { headersAmong } from '../request-values.ts';
import { isUnreadable } from '../state/encryption.ts';
import { abandonJob, insertJob } from '../state/jobs.ts';
import { hasLog, insertBlock, toLine } from '../state/log.ts';
import { beginTurn, type NewTurn } from '../state/record.ts';
import type { Origin, RequestOrigin } from '../state/request-origin.ts';
import { deleteResponse, getResponse, getStoredResponse } from '../state/responses.ts';
import type { ResolvedRequest } from '../turn/request.ts';
import { sealTools } from '../turn/sealed-tools.ts';
import type { TurnSummary } from '../turn/turn-summary.ts';
import { tokensOf } from '../turn/turn-tokens.ts';
import { admitTurn } from './admit.ts';
import { affinityIn, type RequestContext } from './context.ts';
import type { EventFeed } from './feed.ts';
import { placesOf } from './place.ts';
import type { Services } from './services.ts';

/** What a background turn is planned from, and what is known of it. */
interface BackgroundRequest {
  request: ResolvedRequest;
  summary: TurnSummary;
  turn: { call: Pick<ModelCall, 'values'> };
}

/**
 * Keeps a turn that is to be made in the background, with its first events, and has it made. It is admitted now, as a request, and what
 * it uses counts when it has been made. Returns what is left of the limits that hold for it, as headers.
 */
export async function startBackground(
  services: Services,
  ctx: RequestContext,
  turn: NewTurn,
  planned: BackgroundRequest,
): Promise<Readonly<Record<string, string>> | undefined> {
  const { runner, limits, beginning } = services;
  const { caller } = ctx;
  const max = placesOf(services.tenants, caller, 'backgroundTurns');
  const begun = beginning.countOf(caller);
  const ofCaller = begun.caller + (runner.countOf?.(caller.id) ?? 0);
  if (ofCaller >= (max.caller ?? limits.perCaller.backgroundTurns ?? Number.POSITIVE_INFINITY))
    throw placeLimit('caller', 'backgroundTurns');
  const ofTenant = begun.tenant + (runner.countOfTenant?.(caller.tenant ?? DEFAULT_TENANT) ?? 0);
  if (ofTenant >= (max.tenant ?? Number.POSITIVE_INFINITY)) throw placeLimit('tenant', 'backgroundTurns');
  const release = beginning.hold(caller);
  let giveBack: (() => Promise<void>) | undefined;
  try {
    const place = { partition: ctx.store.tenant, id: turn.response.id };
    giveBack = await services.places?.takeBackground(caller, place, max);
    const admission = await admitTurn(services, caller, planned.summary);
    try {
      await keepBackground(services, ctx, turn, planned);
    } catch (error) {
      await admission?.undo();
      throw error;
    }
    await admission?.refused();
    return admission?.headers();
  } catch (error) {
    await giveBack?.();
    throw error;
  } finally {
    release();
  }
}

async function keepBackground(
  { runner, tools: serverTools, seal }: Services,
  { store, caller, log, header }: RequestContext,
  turn: NewTurn,
  { request, summary, turn: { call } }: BackgroundRequest,
): Promise<void> {
  const { response } = turn;
  const headers = headersAmong(call.values);
  const origin = originOf(caller);
  const { tenant } = store;
  const session = affinityIn(header);
  const tools = request.tools && (await sealTools(request.tools, serverTools, seal(store.tenant)));
  const { input, ...settings } = { ...request, ...(tools && { tools }) }; // the input has rows of its own, but for what the conversation holds already
  const storedRequest = request.held ? { ...settings, input } : settings;
  const first = (['response.created', 'response.queued'] as const).map((type, sequence_number) =>
    toLine({ type, sequence_number, response }),
  );
  await beginTurn(store, turn, {
    owner: '',
    background: [
      ...insertJob(tenant, response.id, {
        request: storedRequest,
        requestOrigin: {
          version: 1,
          request_id: log.requestId,
          ...(log.activity?.trace && { trace: log.activity.trace }),
          ...(log.attributes && { attributes: log.attributes.all }),
          ...(headers && { headers }),
          ...(Object.keys(origin).length > 0 && { caller: origin }),
          ...(session !== undefined && { affinity: session }),
          ...limitedOf(caller),
        },
        caller: caller.id,
        progress: queuedProgress(first.length, store.charges ? tokensOf(summary).input : undefined),
      }),
      ...insertBlock(tenant, response.id, 0, first, first.length - 1),
    ],
  });
  await runner.start({ tenant, id: response.id, caller: caller.id });
}

/** What is kept of who has sent a request. */
function originOf({ tenant, user, project, key }: Caller): Origin {
  return {
    ...(tenant !== undefined && { tenant }),
    ...(user !== undefined && { user }),
    ...(project !== undefined && { project }),
    ...(key !== undefined && { key }),
  };
}

/** What is kept of what its key may use: the turn is made when nobody shows that. */
function limitedOf({ id, limits: { tokensPerMinute } = {}, budgets }: Caller): Pick<RequestOrigin, 'limited'> {
  if (tokensPerMinute === undefined && !budgets) return {};
  return { limited: { id, ...(tokensPerMinute !== undefined && { tokensPerMinute }), ...(budgets && { budgets }) } };
}

/** The events of a background response after a number, to its end. A reader that leaves ends only the reading. */
export function followResponse(
  { notifier, running }: Services,
  { store, log, signal: client }: RequestContext,
  response: Response,
  request: Pick<CreateRequest, 'stream_options'>,
  after = -1,
): EventFeed {
  log.response = response.id;
  log.streaming = true;
  const reading = new AbortController();
  const signal = AbortSignal.any([client, reading.signal]);
  // Entered when it is first read: a reply to HEAD never is.
  async function* live() {
    const leave = running.enter((reason) => reading.abort(reason));
    try {
      return yield* follow(store, notifier, response, after, signal);
    } finally {
      leave();
    }
  }
  return {
    events: withObfuscation(live(), request),
    signal,
    abort: () => reading.abort(),
    countBytes() {},
    ended() {},
  };
}

/** Throws an ApiError for a response whose events cannot be read again. */
export async function checkFollowed({ store }: RequestContext, { id, background }: Response): Promise<void> {
  if (await hasLog(store, id)) return;
  const message = background
    ? 'The events of this response are not kept any more (`logRetention` in the configuration), so it cannot be streamed again.'
    : 'The events of this response were not kept, since it was not made in the background: it cannot be streamed again.';
  throw new ApiError('refused', message, { param: 'stream' });
}

/** Cancels a background response, and returns it; an ended one stays as it is. Throws 404. */
export async function cancelResponse(services: Services, ctx: RequestContext, id: string): Promise<Response> {
  const response = await getResponse(ctx.store, id);
  if (!response.background) {
    throw new ApiError('refused', 'Only a response that was made with background: true can be cancelled.');
  }
  await stopBackground(services, ctx, id);
  return getStoredResponse(ctx.store, id);
}

/** Deletes a response, also one that cannot be read; one that is being made in the background is cancelled. Throws 404. */
export async function removeResponse(services: Services, ctx: RequestContext, id: string): Promise<void> {
  const { background } = await getResponse(ctx.store, id).catch(async (error) => {
    if (!isUnreadable(error)) throw error;
    await abandonJob(ctx.store, id);
    await services.runner.stop({ tenant: ctx.store.tenant, id });
    return { background: false };
  });
  if (background) await stopBackground(services, ctx, id);
  await deleteResponse(ctx.store, id);
}

/** Ends a background response as cancelled, unless it has ended, wherever it is made. */
async function stopBackground(services: Services, { store }: RequestContext, id: string): Promise<void> {
  const { runner, notifier } = services;
  await terminate(store, services, id);
  await runner.stop({ tenant: store.tenant, id });
  notifier.notify(id);
}
