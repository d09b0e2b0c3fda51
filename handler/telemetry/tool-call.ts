import { type Context, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import { decorateAll } from '../tools/decorate.ts';
import type { ServerFunction, Tool, ToolResult, ToolUse } from '../tools/tool.ts';
import { contentText } from './content.ts';
import type { Instruments } from './instruments.ts';
import { genAI, stable } from './names.ts';
import { errorType, failSpan, headersOf, startSpan } from './spans.ts';

/** What tells of calls of tools. */
export interface ToolCallOptions {
  tracer: Tracer | undefined;
  instruments: Instruments | undefined;
  parent: Context;
  content: boolean;
}

const OPERATION = 'execute_tool';

/** The error type of a call whose result says that it failed, as the conventions of MCP name it. */
const FAILED = 'tool_error';

/** The tools of a turn, each of whose calls is a span and measured. */
export function withToolSpans(uses: readonly ToolUse[], options: ToolCallOptions): ToolUse[] {
  return decorateAll(uses, { run: (run, fn, tool) => measured(run, fn, tool, options) });
}

function measured(
  run: ServerFunction['run'],
  { definition: { name } }: ServerFunction,
  { type }: Tool,
  { tracer, instruments, parent, content }: ToolCallOptions,
): ServerFunction['run'] {
  return async function* (call, signal, context) {
    const begun = performance.now();
    const attributes = {
      [genAI.operation]: OPERATION,
      [genAI.toolName]: name,
      [genAI.toolType]: type,
      [genAI.toolCall]: call.call_id,
    };
    const open = tracer && startSpan(tracer, `${OPERATION} ${name}`, { kind: SpanKind.INTERNAL, attributes }, parent);
    const told = content && open?.span.isRecording() ? open.span : undefined;
    told?.setAttribute(genAI.toolArguments, contentText(call.arguments));
    let failure: unknown;
    let result: ToolResult | undefined;
    try {
      result = yield* run(call, signal, open ? { ...context, trace: headersOf(open.span) } : context);
      told?.setAttribute(genAI.toolResult, contentText(result.output));
      return result;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      const unfailed = result ? (result.failed ? FAILED : undefined) : 'cancelled';
      const error = failure === undefined ? unfailed : errorType(failure);
      if (open && failure !== undefined) failSpan(open.span, failure);
      else if (error) open?.span.setAttribute(stable.errorType, error);
      if (error === FAILED) open?.span.setStatus({ code: SpanStatusCode.ERROR });
      open?.span.end();
      instruments?.histograms.toolDuration.record((performance.now() - begun) / 1000, {
        [genAI.operation]: OPERATION,
        [genAI.toolName]: instruments.tools.of(name),
        ...(error && { [stable.errorType]: error }),
      });
    }
  };
}
