import type { Context } from 'hono';
import { cutShort } from '../../background/cut.ts';
import { follow } from '../../background/follow.ts';
import { notBegun } from '../../background/progress.ts';
import { ApiError } from '../../errors.ts';
import { asAsked } from '../../events/obfuscate.ts';
import { eventStream } from '../../events/sse.ts';
import { callerLimit } from '../../fair-queue.ts';
import type { CreateRequest } from '../../protocol/request.ts';
import type { Response as ResponseObject } from '../../protocol/response.ts';
import type { Env, Services } from '../../service/env.ts';
import { insertJob } from '../../state/jobs.ts';
import { insertBlock, toLine } from '../../state/log.ts';
import { beginTurn, type NewTurn } from '../../state/record.ts';
import { getHidden, getResponse } from '../../state/responses.ts';
import type { PlannedRequest } from '../../turn/plan.ts';
import { pathId } from '../query.ts';
import { openReply, sendJson } from '../reply.ts';
import { STREAM_HEADERS } from '../stream.ts';

/** Keeps a turn that is to be made in the background, with its first events, and has it made. */
export async function startBackground(services: Services, turn: NewTurn, request: PlannedRequest): Promise<void> {
  const { runner, caller, limits, beginning } = services;
  const most = limits.perCaller.backgroundTurns ?? Number.POSITIVE_INFINITY;
  if ((runner.countOf?.(caller.id) ?? 0) + beginning.countOf(caller.id) >= most) throw callerLimit();
  const begun = beginning.hold(caller.id);
  try {
    await keepBackground(services, turn, request);
  } finally {
    begun();
  }
}

async function keepBackground(services: Services, turn: NewTurn, request: PlannedRequest): Promise<void> {
  const { scope, runner, caller } = services;
  const { response } = turn;
  const { tenant } = scope;
  const { input, ...settings } = request; // the input has rows of its own, but for what the conversation holds already
  const kept = request.held ? { ...settings, input } : settings;
  const first = (['response.created', 'response.queued'] as const).map((type, sequence_number) =>
    toLine({ type, sequence_number, response }),
  );
  await beginTurn(scope, turn, {
    by: '',
    background: [
      ...insertJob(tenant, response.id, { request: kept, caller: caller.id, progress: notBegun(first.length) }),
      ...insertBlock(tenant, response.id, 0, first, first.length - 1),
    ],
  });
  await runner.start({ tenant, id: response.id, caller: caller.id });
}

/** The events of a background response after a number, until its end; a reader who leaves ends nothing but the reading. */
export function streamBackground(
  c: Context<Env>,
  { scope, wakes, limits, running }: Services,
  response: ResponseObject,
  request: Pick<CreateRequest, 'stream_options'>,
  after = -1,
): Response {
  const entry = c.get('entry');
  entry.response = response.id;
  entry.streaming = true;
  const reading = new AbortController();
  const signal = AbortSignal.any([c.req.raw.signal, reading.signal]);
  // Entered when it is first read: a reply to HEAD never is.
  async function* live() {
    const leave = running.enter((reason) => reading.abort(reason));
    try {
      return yield* follow(scope, wakes, response, after, signal);
    } finally {
      leave();
    }
  }
  const events = asAsked(live(), request);
  const reader = {
    signal,
    keepAlive: limits.keepAlive,
    held: openReply(c),
    abort: () => reading.abort(),
    spend() {},
    ended(failure: unknown) {
      entry.failure = failure;
      entry.end();
    },
  };
  return c.body(eventStream(events, reader), 200, STREAM_HEADERS);
}

/** `POST /v1/responses/{id}/cancel`: one that has ended already stays as it is. */
export async function cancelResponse(c: Context<Env>, services: Services): Promise<Response> {
  const response = await getResponse(services.scope, pathId(c, 'id'));
  if (!response.background) {
    throw new ApiError('refused', 'Only a response that was made with background: true can be cancelled.');
  }
  await stopBackground(services, response);
  return sendJson(c, await getHidden(services.scope, response.id));
}

/** Ends a background response as cancelled, unless it has ended, wherever it is made. */
export async function stopBackground({ scope, runner, wakes }: Services, { id }: ResponseObject): Promise<void> {
  await cutShort(scope, id);
  await runner.stop({ tenant: scope.tenant, id });
  wakes.wake(id);
}
