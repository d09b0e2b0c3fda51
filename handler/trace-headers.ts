/** A place in a distributed trace, as the headers by which servers tell one another (W3C Trace Context). */
export interface TraceHeaders {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** Version, trace, span, flags; a later version may have more behind them. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-[\x20-\x7e]*)?$/;

/** The longest of either header that is taken: the standard asks for 512 characters of `tracestate`. */
const MAX_LENGTH = 512;

const TRACESTATE = /^[\x20-\x7e\t]*$/;

/**
 * The place that two header values name; undefined unless the first is a `traceparent`. A `tracestate` that is too long or no
 * text of a header is left out, as the standard says.
 */
export function traceHeaders(
  traceparent: string | null | undefined,
  tracestate?: string | null | undefined,
): TraceHeaders | undefined {
  const parent = traceparent?.trim();
  if (!parent || parent.length > MAX_LENGTH || !TRACEPARENT.test(parent)) return undefined;
  if (parent.startsWith('00') && parent.length > 55) return undefined; // version 00 has four parts
  if (!tracestate || tracestate.length > MAX_LENGTH || !TRACESTATE.test(tracestate)) return { traceparent: parent };
  return { traceparent: parent, tracestate };
}
