import { SpanKind } from '@opentelemetry/api';
import type { Forward, ForwardedEvent, ForwardOptions } from '../backend/backend.ts';
import type { Usage } from '../protocol/response.ts';
import { type CallTelemetry, measureCall, serverOf, usageAttributes } from './measured-call.ts';
import { genAI, stable } from './names.ts';
import { errorType, failSpan, headersOf, startSpan } from './spans.ts';

/** Requests that are passed on, each of which is a span and measured. */
export function withForwardSpans(forward: Forward, operation: string, telemetry: CallTelemetry): Forward {
  return (request) => {
    const { stream } = forward(request);
    const { model } = request;
    return {
      stream: (signal, options) => ({
        [Symbol.asyncIterator]: () => {
          const open = (trace: Pick<ForwardOptions, 'trace'>) => stream(signal, { ...options, ...trace });
          return measured({ operation, model, signal, open }, telemetry);
        },
      }),
    };
  };
}

interface Forwarded {
  operation: string;
  model: string;
  signal: AbortSignal;
  open(trace: Pick<ForwardOptions, 'trace'>): AsyncIterable<ForwardedEvent>;
}

function measured(
  { operation, model, signal, open }: Forwarded,
  telemetry: CallTelemetry,
): AsyncIterator<ForwardedEvent, void> {
  const { tracer, parent, target } = telemetry;
  const begun = performance.now();
  const attributes = {
    [genAI.operation]: operation,
    [genAI.provider]: target.provider,
    [genAI.requestModel]: model,
    ...serverOf(target),
  };
  const span = tracer && startSpan(tracer, `${operation} ${model}`, { kind: SpanKind.CLIENT, attributes }, parent).span;
  const events = open(span ? { trace: headersOf(span) } : {})[Symbol.asyncIterator]();
  let first: number | undefined;
  let usage: Usage | null = null;
  let served = '';
  let isOpen = true;
  const end = (error?: string, failure?: unknown) => {
    if (!isOpen) return;
    isOpen = false;
    span?.setAttributes({
      ...(first !== undefined && { [genAI.timeToFirstChunk]: (first - begun) / 1000 }),
      ...(served !== '' && { [genAI.responseModel]: served }),
      ...(usage && usageAttributes(usage)),
      ...(error !== undefined && { [stable.errorType]: error }),
    });
    if (span && failure !== undefined && error !== 'cancelled') failSpan(span, failure);
    span?.end();
    measureCall({ operation, model, begun, first, usage, error }, telemetry);
  };
  return {
    async next() {
      try {
        const step = await events.next();
        if (step.done) end();
        else if (step.value.type === 'part') {
          if (!step.value.isWhole) first ??= performance.now();
          usage = step.value.usage ?? usage;
          served ||= step.value.served;
        }
        return step;
      } catch (error) {
        end(signal.aborted ? 'cancelled' : errorType(error), error);
        throw error;
      }
    },
    async return() {
      end('cancelled');
      await events.return?.();
      return { done: true, value: undefined };
    },
  };
}
