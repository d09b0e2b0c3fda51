import type { Context } from 'hono';
import { ApiError, missing, whyAborted } from '../../errors.ts';
import { newId } from '../../ids.ts';
import { type CompactedResponse, CompactRequest } from '../../protocol/compact.ts';
import { NO_USAGE } from '../../protocol/response.ts';
import { counted } from '../../service/counts.ts';
import type { Env, Services } from '../../service/env.ts';
import { prepareTurn } from '../../service/prepare.ts';
import { previousNotFound } from '../../state/history.ts';
import { getResponse } from '../../state/responses.ts';
import type { Scope } from '../../state/scope.ts';
import { startBounds } from '../../turn/bounds.ts';
import { compact, summaryCall } from '../../turn/compact.ts';
import { check } from '../../validate.ts';
import { readJson } from '../body.ts';
import { sendJson } from '../reply.ts';

/** `POST /v1/responses/compact`: has the model sum a conversation up, and keeps nothing: the client goes on from the output. */
export async function compactConversation(c: Context<Env>, services: Services): Promise<Response> {
  const { limits, scope, seal } = services;
  const sent = check(
    CompactRequest,
    counted(await readJson(c.req.raw, limits, services.codecs, services.scope.memory), limits),
  );
  const previous = sent.previous_response_id;
  const model = sent.model ?? (previous == null ? undefined : await modelOf(scope, previous));
  if (model === undefined) throw missing('model');
  const entry = c.get('entry');
  entry.model = model;
  const asked = { ...sent, model, prompted: 0, compacts: true };
  const { prepare, context, heard, turn } = await prepareTurn(services, asked, { response: null });
  const users = heard.filter((item) => item.type === 'message' && item.role === 'user');

  const entered = services.turns.enter(services.caller.id, c.req.raw.signal);
  const leavePlace = entered instanceof Promise ? await entered : entered;
  const bounds = startBounds(c.req.raw.signal, limits);
  const leave = services.running.enter(bounds.fail);
  try {
    bounds.waiting(true);
    const summary = prepare(summaryCall(turn.call, context)).stream(bounds.signal);
    const events = compact(summary, turn.call.input, seal);
    for (;;) {
      const next = await events.next();
      bounds.waiting(true);
      if (!next.done) continue;
      const { item, usage } = next.value;
      const reply: CompactedResponse = {
        id: newId('resp'),
        object: 'response.compaction',
        created_at: Math.floor(Date.now() / 1000),
        output: [...users, item],
        usage: usage ?? NO_USAGE, // the type knows no null: what a backend does not count
      };
      return sendJson(c, reply);
    }
  } catch (error) {
    throw bounds.signal.aborted ? whyAborted(bounds.signal) : error;
  } finally {
    leavePlace();
    leave();
    bounds.end();
  }
}

async function modelOf(scope: Scope, previous: string): Promise<string> {
  try {
    return (await getResponse(scope, previous)).model;
  } catch (error) {
    throw error instanceof ApiError && error.kind === 'not_found' ? previousNotFound() : error;
  }
}
