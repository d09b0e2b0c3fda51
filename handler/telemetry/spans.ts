import {
  type Attributes,
  type Context,
  createTraceState,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanKind,
  SpanStatusCode,
  type TimeInput,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { ApiError } from '../errors.ts';
import { describe } from '../log.ts';
import type { TraceHeaders } from '../trace-headers.ts';
import { stable } from './names.ts';

/** The context of what comes from another server: new spans are children of the one that its headers name. */
export function contextOf(headers: TraceHeaders | undefined): Context {
  const [, traceId, spanId, flags] = headers?.traceparent.split('-') ?? [];
  if (!traceId || !spanId || !flags) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(headers?.tracestate && { traceState: createTraceState(headers.tracestate) }),
  });
}

/** The headers that make another server's spans children of this one. */
export function headersOf(span: Span): TraceHeaders {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const tracestate = traceState?.serialize();
  const traceparent = `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`;
  return tracestate ? { traceparent, tracestate } : { traceparent };
}

/** The options of a span, and what it is a part of. */
export interface SpanStart {
  kind: SpanKind;
  attributes: Attributes;
  startTime?: TimeInput;
  links?: Link[];
}

/** A span and the context of its parts. */
export interface OpenSpan {
  span: Span;
  context: Context;
}

/** Starts a span. */
export function startSpan(tracer: Tracer, name: string, start: SpanStart, parent: Context): OpenSpan {
  const span = tracer.startSpan(name, start, parent);
  return { span, context: trace.setSpan(parent, span) };
}

/** The class of an error: our own kind, or what a library calls it; never a text with values in it. */
export function errorType(error: unknown): string {
  if (error instanceof ApiError) return error.reason ?? error.kind;
  return error instanceof Error ? error.name : 'error';
}

/** Marks a span as failed, with the error's own words as the log would have them, without secrets. */
export function failSpan(span: Span, error: unknown): void {
  span.setAttribute(stable.errorType, errorType(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message: describe(error) });
}
