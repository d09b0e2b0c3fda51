import type { TurnLimits } from '../allowances/port.ts';
import type { AttributeReader } from '../attributes.ts';
import type { CostRules } from '../costs.ts';
import { ApiError, toApiError } from '../errors.ts';
import { fold } from '../events/fold.ts';
import { reviewed } from '../hooks/after.ts';
import type { Hooks } from '../hooks/hooks.ts';
import type { Item } from '../items/item.ts';
import type { Limits } from '../limits.ts';
import { describe, log } from '../log.ts';
import type { MemoryBudget } from '../memory-budget.ts';
import type { RequestValuesReader } from '../request-values.ts';
import { withModelNames } from '../routing/model-names.ts';
import type { Models } from '../routing/models.ts';
import type { Seal } from '../seal.ts';
import { isUnreadable } from '../state/encryption.ts';
import { rereadHistory } from '../state/history.ts';
import { abandonJob, claimJob, ownsJob, releaseJob, type StoredJob, takeJobMemory } from '../state/jobs.ts';
import { isLifecycle } from '../state/log.ts';
import { getStatus, getStoredResponse } from '../state/responses.ts';
import { databaseOf, type SharedStore, type TenantStore } from '../state/tenant-store.ts';
import { type Activity, type TelemetrySlot, watchCalls, watchTools } from '../telemetry/telemetry.ts';
import { admitNext } from '../turn/admit-next.ts';
import { startBounds } from '../turn/bounds.ts';
import { chargeOf } from '../turn/charge-of.ts';
import { isCompaction, latestCompaction, openSummaries } from '../turn/compaction.ts';
import type { History, ResumedTurn } from '../turn/history.ts';
import { contextFor, prepareFor } from '../turn/overflow.ts';
import { planTurn } from '../turn/plan.ts';
import type { ResolvedRequest } from '../turn/request.ts';
import { openSealed } from '../turn/sealed-tools.ts';
import type { ServerTools } from '../turn/tools.ts';
import { runTurn } from '../turn/turn.ts';
import { newTurnSummary, observe, observeAsked, type TurnNews } from '../turn/turn-summary.ts';
import { countEarlier } from '../turn/turn-totals.ts';
import type { LogNotifier } from './log-notifier.ts';
import { LogRecord } from './log-record.ts';
import { logTurn, type TurnLogFields } from './log-turn.ts';
import { readPublished } from './published.ts';
import type { Job } from './runner.ts';
import { readJob } from './stored-job.ts';
import { hasEnded, processDied, terminate } from './terminate.ts';

/** What background turns need. */
export interface WorkOptions {
  turnLimits: TurnLimits | undefined;
  hooks: Hooks;
  models: Models;
  tools: ServerTools;
  limits: Limits;
  costs: CostRules;
  /** The Seal of a tenant. */
  seal: (tenant: string) => Seal;
  storage: SharedStore;
  /** Memory of the process, for all callers. */
  memory: MemoryBudget;
  notifier: LogNotifier;
  telemetry: TelemetrySlot;
  attributes: AttributeReader;
  requestValues: RequestValuesReader | undefined;
}

/**
 * Runs a background turn, unless another process does: from its start or, where its process died, from its last complete
 * round, or from the calls of tools that ran: those are never run twice, and the model is told what is not known of them. A turn fails if its model had
 * said something in its current round. Returns whether it has ended: it may be running elsewhere, or be left to other processes. Never rejects.
 */
export async function work(options: WorkOptions, job: Job, signal: AbortSignal): Promise<boolean> {
  const memory = options.memory.open();
  const database = databaseOf(options.storage, job.tenant);
  const store = { ...options.storage, database, tenant: job.tenant, memory };
  const started = performance.now();
  const logFields: TurnLogFields = {
    requestId: undefined,
    caller: undefined,
    summary: undefined,
    admission: undefined,
    attributes: undefined,
    takenOver: false,
    failure: undefined,
    bytes: 0,
  };
  // Hold the turn before claiming it: a sweep in between would take it for orphaned.
  const release = store.lease.hold(job.id, store.database);
  try {
    await takeJobMemory(store, job.id);
    const stored = await claimJob(store, job.id);
    if (!stored) return hasEnded(await getStatus(store, job.id));
    const { request_id: requestId, trace, attributes, caller } = stored.requestOrigin ?? {};
    logFields.requestId = requestId;
    logFields.caller = caller;
    logFields.attributes = options.attributes.of(attributes);
    const activity = options.telemetry.current?.begin({ kind: 'background', response: job.id, requestId, trace });
    let ended = false;
    let failure: unknown;
    try {
      const unmade = await make(
        options,
        { store, id: job.id, sender: job.caller, stored, activity },
        signal,
        logFields,
      );
      if (unmade) await terminate(store, options, job.id, unmade);
      logFields.failure = unmade ?? logFields.failure;
      failure = logFields.failure;
      const status = await getStatus(store, job.id);
      ended = hasEnded(status);
      logTurn(job.id, status, logFields, performance.now() - started);
      return ended;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      // Whoever goes on with it counts the rest of it.
      const isLeft = !ended && !isGone(failure);
      const { admission, summary } = logFields;
      if (admission && summary) await (isLeft ? admission.leave() : admission.end(summary));
      activity?.end({
        caller: logFields.caller,
        turn: ended ? logFields.summary : undefined,
        takenOver: logFields.takenOver,
        failure,
        spans: logFields.attributes?.for('spans'),
        metrics: logFields.attributes?.for('metrics'),
      });
      await store.database.batch({ released: releaseJob(store.tenant, job.id, store.lease.id) });
    }
  } catch (error) {
    // It was deleted before this process got to it.
    if (isGone(error)) return true;
    if (isUnreadable(error)) {
      log.error('a background turn has failed, since what is stored of it cannot be read', {
        response_id: job.id,
        error: describe(error),
      });
      await abandonJob(store, job.id);
      return true;
    }
    // A process with memory finds it again, perhaps this one.
    const level = error instanceof ApiError && error.kind === 'overloaded' ? 'warn' : 'error';
    log[level]('a background turn is left to others', {
      request_id: logFields.requestId,
      response_id: job.id,
      error: describe(error),
    });
    return false;
  } finally {
    memory.close();
    release();
    options.notifier.notify(job.id);
  }
}

/** Whether an error says that a response was deleted. */
function isGone(error: unknown): boolean {
  return error instanceof ApiError && error.kind === 'not_found';
}

/** A turn that this process has claimed. */
interface OwnedTurn {
  store: TenantStore;
  id: string;
  /** The id of its caller. */
  sender: string;
  stored: StoredJob;
  activity: Activity | undefined;
}

/** Runs the turn; returns the error that it has to end with when it cannot run. `logFields` gets what is to be told of it. */
async function make(
  options: WorkOptions,
  { store: plainStore, id, sender, stored, activity }: OwnedTurn,
  signal: AbortSignal,
  logFields: TurnLogFields,
): Promise<ApiError | undefined> {
  const store = activity ? { ...plainStore, database: activity.database(plainStore.database) } : plainStore;
  const job = readJob(id, stored);
  if (job instanceof ApiError) return job;
  const { limits, notifier, models } = options;
  const published = await readPublished(store, id, job.progress.number);
  const { running } = job.progress;
  const isUnsaid = published.every(({ type }) => type === 'response.in_progress');
  if (job.calling ? !running : !isUnsaid) return processDied();

  const response = published.reduce(
    (before, event) => (isLifecycle(event) ? before : fold(before, event)),
    await getStoredResponse(store, id),
  );
  const before = await rereadHistory(store, id, job).catch((error) => {
    if (error instanceof ApiError && error.kind !== 'overloaded') return error;
    throw error; // it is retried later
  });
  if (before instanceof ApiError) return before;
  const own = new AbortController();
  const bounds = startBounds(AbortSignal.any([signal, own.signal]), limits, 'background');
  const ownershipCheck = setInterval(async () => {
    if (!(await ownsJob(store, id).catch(() => true))) own.abort();
  }, store.lease.beatInterval);
  try {
    const { roundItems, progress } = job;
    const place = roundItems.length - (running?.items ?? 0);
    const newItems = roundItems.slice(0, place);
    const asked = await openSealed(job.request, options.tools, options.seal(store.tenant));
    const request = { ...asked, input: asked.input ?? (job.input as ResolvedRequest['input']) }; // clients may send it
    const number = progress.number + published.length;
    const hasBegun = published.length > 0 || running !== undefined;
    logFields.takenOver = hasBegun || progress.round > 1;
    const resumed: ResumedTurn = {
      ...progress,
      ...{ number, inProgress: hasBegun, response, newItems },
      running: running && { items: roundItems.slice(place), ends: running.ends },
    };
    const model = models.find(request.model);
    const caller = stored.requestOrigin?.caller ?? {};
    const summary = newTurnSummary(response, model.address, caller, options.costs.of(request.model));
    countEarlier(summary, progress);
    logFields.summary = summary;
    const context = await contextFor(request, model, limits.listing);
    const seal = options.seal(store.tenant);
    const history = await gather(seal, request.input, before, resumed);
    const headers = new Map(Object.entries(stored.requestOrigin?.headers ?? {}));
    const planned = planTurn(request, history, {
      tools: options.tools,
      caller: { id: sender, ...caller },
      limits,
      context,
      values: options.requestValues?.read(caller, (name) => headers.get(name)),
    });
    const turn = { ...planned, uses: watchTools(planned.uses, activity, logFields.requestId) };
    summary.modelInput = turn.call;
    logFields.admission = options.turnLimits?.resume(stored.requestOrigin, summary, progress.counted);
    const record = new LogRecord({
      store,
      id,
      job,
      conversation: response.conversation && job.chainStart,
      onWrite: () => notifier.notify(id),
      abort: (reason) => own.abort(reason),
      signal: bounds.signal,
      reads: () => summary.uncountedInput ?? undefined,
      charge: chargeOf(store, caller, summary, 'background'),
    });
    const calls = model.open({
      affinity: () => stored.requestOrigin?.affinity ?? response.conversation?.id,
      claimant: { id: stored.requestOrigin?.limited?.id ?? caller.user ?? caller.key ?? '', tenant: caller.tenant },
      requestId: logFields.requestId,
      isResumed: progress.round > 1 || running !== undefined,
      watch: watchCalls(activity, logFields.requestId),
      asked: (server) => observeAsked(summary, server),
    });
    const turnOptions = {
      prepare: prepareFor(turn, model, calls),
      showsServed: model.showsServed,
      limits,
      waiting: bounds.waiting,
      observe: (news: TurnNews) => observe(summary, news),
      explain: (error: ApiError) => withModelNames({ models, limits }, request.model, error),
      goesOn: () => admitNext(logFields.admission, summary),
      record: reviewed(record, options, { caller: { id: sender, ...caller }, waiting: bounds.waiting }),
      seal,
    };
    const making = runTurn(turn, turnOptions, bounds.signal);
    for (;;) {
      const next = await making.next();
      if (next.done) {
        logFields.failure = next.value;
        return undefined;
      }
      const bytes = await record.append(next.value);
      logFields.bytes += bytes;
      bounds.countBytes(bytes);
    }
  } catch (error) {
    return toApiError(error);
  } finally {
    clearInterval(ownershipCheck);
    bounds.end();
  }
}

/** Gathers the history of a resumed turn: what was before it, and its own finished rounds. */
async function gather(
  seal: Seal,
  input: ResolvedRequest['input'],
  items: readonly Item[],
  resumed: ResumedTurn,
): Promise<History> {
  const { previous_response_id: previous, conversation, output } = resumed.response;
  const latest = latestCompaction(items, Array.isArray(input) ? input : []);
  const sealed = [...(latest ? [latest] : []), ...output.filter(isCompaction)];
  return { items, previous, conversation, summaries: await openSummaries(seal, sealed), resumed };
}
