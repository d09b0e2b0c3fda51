import { type Attributes, type Context, type Span, SpanKind, type Tracer } from '@opentelemetry/api';
import type { Forward, Prepare } from '../backend/backend.ts';
import { ApiError } from '../errors.ts';
import { excerpt } from '../log.ts';
import { redact } from '../redact.ts';
import type { ForwardingServer } from '../routing/models.ts';
import type { Database } from '../state/database/database.ts';
import type { ToolUse } from '../tools/tool.ts';
import type { TraceHeaders } from '../trace-headers.ts';
import { withSlowSpans } from './database.ts';
import { withForwardSpans } from './forwarded-call.ts';
import type { Instruments } from './instruments.ts';
import type { ModelTarget } from './measured-call.ts';
import { withCallSpans } from './model-call.ts';
import { genAI, own, stable } from './names.ts';
import { providerOf } from './provider.ts';
import { contextOf, errorType, failSpan, headersOf, startSpan } from './spans.ts';
import type { Activity, ActivityEnd, ActivityStart } from './telemetry.ts';
import { withToolSpans } from './tool-call.ts';
import { measureTurn, turnAttributes } from './turn.ts';

/** What tells of activities. */
export interface ActivityOptions {
  tracer: Tracer | undefined;
  instruments: Instruments | undefined;
  content: boolean;
  slowBatch: number;
}

/** Methods that metrics and span names have; any other is `_OTHER`, as clients may send any word. */
const METHODS = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'response.create',
]);

/** The longest path in a span, in characters. */
const MAX_PATH = 200;

/** An Activity as a span, and in metrics. */
export class OpenActivity implements Activity {
  readonly trace: TraceHeaders | undefined;
  readonly #start: ActivityStart;
  readonly #options: ActivityOptions;
  readonly #span: Span | undefined;
  readonly #context: Context;
  readonly #begun = performance.now();
  #target: ModelTarget | undefined;

  constructor(start: ActivityStart, options: ActivityOptions) {
    this.#start = start;
    this.#options = options;
    const parent = contextOf(start.trace);
    const open =
      options.tracer &&
      startSpan(options.tracer, nameOf(start), { kind: KINDS[start.kind], attributes: attributesOf(start) }, parent);
    this.#span = open?.span;
    this.#context = open?.context ?? parent;
    this.trace = open && headersOf(open.span);
    if (start.kind === 'request') options.instruments?.active.add(1, { [stable.method]: methodOf(start) });
  }

  database(database: Database): Database {
    const { tracer, slowBatch } = this.#options;
    return tracer ? withSlowSpans(database, tracer, this.#context, slowBatch) : database;
  }

  prepare({ prepare, address, match, server }: Parameters<Activity['prepare']>[0]): Prepare {
    const target = this.#at({ address, match, server });
    return withCallSpans(prepare, { ...this.#options, parent: this.#context, target });
  }

  forward({ forward, ...server }: ForwardingServer, operation: string): Forward {
    const target = this.#at(server);
    return withForwardSpans(forward, operation, { ...this.#options, parent: this.#context, target });
  }

  tools(uses: readonly ToolUse[]): ToolUse[] {
    return withToolSpans(uses, { ...this.#options, parent: this.#context });
  }

  end(end: ActivityEnd): void {
    const { route, status, failure, caller, turn, spans } = end;
    const start = this.#start;
    const span = this.#span;
    if (span?.isRecording()) {
      if (start.kind === 'request' && route !== undefined) span.updateName(`${methodOf(start)} ${route}`);
      span.setAttributes({
        ...spans,
        ...(route !== undefined && { [stable.route]: route }),
        ...(status !== undefined && { [stable.status]: status }),
        ...(caller?.tenant !== undefined && { [own.tenant]: caller.tenant }),
        ...(caller?.user !== undefined && { [own.user]: caller.user }),
        ...(turn && turnAttributes(turn)),
      });
      if (failure !== undefined) {
        if (isServersFault(failure)) failSpan(span, failure);
        else span.setAttribute(stable.errorType, errorType(failure));
      }
    }
    span?.end();
    const { instruments } = this.#options;
    if (instruments) this.#measure(end, instruments);
  }

  /** The server that is asked now, as its calls are told. */
  #at({ address, match, server }: Omit<ForwardingServer, 'forward'>): ModelTarget {
    this.#target = { match, provider: providerOf(address.backend, server), host: address.urlHost };
    return this.#target;
  }

  #measure({ route, status, failure, turn, takenOver, metrics }: ActivityEnd, instruments: Instruments): void {
    const { histograms, counters, active } = instruments;
    const start = this.#start;
    const seconds = (performance.now() - this.#begun) / 1000;
    const error = failure === undefined ? undefined : errorType(failure);
    if (start.kind === 'webhook')
      histograms.webhookDuration.record(seconds, { [own.outcome]: error === undefined ? 'delivered' : 'failed' });
    if (start.kind === 'request') {
      const method = { [stable.method]: methodOf(start) };
      active.add(-1, method);
      histograms.requestDuration.record(seconds, {
        ...method,
        ...(route !== undefined && { [stable.route]: route }),
        ...(status !== undefined && { [stable.status]: status }),
        ...(error !== undefined && { [stable.errorType]: error }),
      });
    }
    if (failure instanceof ApiError && failure.limit !== undefined)
      counters.limited.add(1, { [own.limit]: failure.limit });
    if (takenOver) counters.takeovers.add(1);
    if (turn && this.#target)
      measureTurn(
        turn,
        { target: this.#target, seconds, error, metrics, isBackground: start.kind === 'background' },
        instruments,
      );
  }
}

const KINDS: Readonly<Record<ActivityStart['kind'], SpanKind>> = {
  request: SpanKind.SERVER,
  background: SpanKind.CONSUMER,
  webhook: SpanKind.CLIENT,
};

function nameOf(start: ActivityStart): string {
  if (start.kind === 'request') return methodOf(start);
  return start.kind === 'background' ? 'background turn' : 'POST webhook';
}

function methodOf({ method }: { method: string }): string {
  return METHODS.has(method) ? method : '_OTHER';
}

function attributesOf(start: ActivityStart): Attributes {
  const requestId = start.requestId !== undefined && { [own.requestId]: start.requestId };
  if (start.kind === 'request') {
    return {
      ...requestId,
      ...(start.connectionId !== undefined && { [own.connectionId]: start.connectionId }),
      [stable.method]: methodOf(start),
      [stable.path]: excerpt(redact(start.path), MAX_PATH),
      ...(start.ingress !== undefined && { [own.ingress]: start.ingress }),
    };
  }
  if (start.kind === 'webhook')
    return {
      ...requestId,
      [stable.method]: 'POST',
      [own.webhook]: start.webhook,
      [own.event]: start.event,
      [own.tries]: start.tries,
    };
  return { [genAI.responseId]: start.response, ...requestId };
}

/** What a client did wrong, or that it has left, is no error of the server. */
function isServersFault(error: unknown): boolean {
  return !(error instanceof ApiError) || error.reply('tiers').status >= 500;
}
